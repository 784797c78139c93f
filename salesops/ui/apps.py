"""The ui package."""

from django.apps import AppConfig


class UiConfig(AppConfig):
    """Django configuration of salesops.ui."""

    name = "salesops.ui"
    label = "ui"
    default_auto_field = "django.db.models.BigAutoField"
