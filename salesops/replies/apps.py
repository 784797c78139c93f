"""The replies package."""

from django.apps import AppConfig


class RepliesConfig(AppConfig):
    """Django configuration of salesops.replies."""

    name = "salesops.replies"
    label = "replies"
    default_auto_field = "django.db.models.BigAutoField"
