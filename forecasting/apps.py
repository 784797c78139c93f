"""The forecasting app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ForecastingConfig(AppConfig):
    """Django configuration of the forecasting app."""

    name = "forecasting"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Puts the forecast into the navigation, and territories and quarters into the palette."""
        from forecasting.views import palette as found
        from organization.domain.roles import Capability
        from salesops.ui import palette
        from salesops.ui.navigation import NavItem, register

        palette.register("territories", found.find_territories)
        palette.register("periods", found.find_periods)
        register(
            NavItem(
                _("Forecast"),
                "forecasting:forecast",
                icon="trending-up",
                key="f",
                capability=Capability.VIEW_FORECAST,
                order=10,
                prefixes=("/forecast",),
            )
        )
