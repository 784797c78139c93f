"""Composition root: loads Celery when Django is ready (not in __init__, which must stay empty)."""

from django.apps import AppConfig


class SalesopsConfig(AppConfig):
    """Django configuration of the composition root."""

    name = "salesops"
    label = "salesops"

    def ready(self) -> None:
        """Makes the configured Celery application the current one before any task is declared."""
        import salesops.celery  # noqa: F401
