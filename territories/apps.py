"""The territories app."""

from django.apps import AppConfig


class TerritoriesConfig(AppConfig):
    """Django configuration of the territories app."""

    name = "territories"
    default_auto_field = "django.db.models.BigAutoField"
