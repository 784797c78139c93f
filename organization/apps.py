"""The organization app."""

from django.apps import AppConfig


class OrganizationConfig(AppConfig):
    """Django configuration of the organization app."""

    name = "organization"
    default_auto_field = "django.db.models.BigAutoField"
