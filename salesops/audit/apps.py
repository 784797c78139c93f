"""The audit package."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Django configuration of salesops.audit."""

    name = "salesops.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"
