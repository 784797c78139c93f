"""The jobs package."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Django configuration of salesops.jobs."""

    name = "salesops.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
