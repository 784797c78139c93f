"""The pipeline app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PipelineConfig(AppConfig):
    """Django configuration of the pipeline app."""

    name = "pipeline"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the pages."""
        from salesops.ui.navigation import NavItem, register

        register(
            NavItem(
                _("Figures"), "pipeline:figures", icon="sigma", key="m",
                capability="VIEW_FORECAST", order=35, group=_("Analysis"), prefixes=("/metrics/",),
            ),
        )  # fmt: skip
