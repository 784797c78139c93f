"""The pipeline app."""

from django.apps import AppConfig


class PipelineConfig(AppConfig):
    """Django configuration of the pipeline app."""

    name = "pipeline"
    default_auto_field = "django.db.models.BigAutoField"
