"""The forecasting app."""

from django.apps import AppConfig


class ForecastingConfig(AppConfig):
    """Django configuration of the forecasting app."""

    name = "forecasting"
    default_auto_field = "django.db.models.BigAutoField"
