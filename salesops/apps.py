"""Composition root: loads Celery when Django is ready (not in __init__, which must stay empty)."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SalesopsConfig(AppConfig):
    """Django configuration of the composition root."""

    name = "salesops"
    label = "salesops"

    def ready(self) -> None:
        """Makes the configured Celery application the current one, and offers the system page."""
        import salesops.celery  # noqa: F401
        from salesops.ui.navigation import NavItem, register

        register(
            NavItem(
                _("System"), "system:system", icon="activity", key="y",
                capability="VIEW_SYSTEM", order=95, group=_("Company"),
            )
        )  # fmt: skip
