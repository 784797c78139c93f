"""The opportunities app."""

from django.apps import AppConfig


class OpportunitiesConfig(AppConfig):
    """Django configuration of the opportunities app."""

    name = "opportunities"
    default_auto_field = "django.db.models.BigAutoField"
