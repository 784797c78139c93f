"""The opportunities app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OpportunitiesConfig(AppConfig):
    """Django configuration of the opportunities app."""

    name = "opportunities"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the pages."""
        from salesops.ui.navigation import NavItem, register

        register(
            NavItem(
                _("Imports"), "opportunities:imports", icon="database", key="i",
                capability="VIEW_IMPORTS", order=50, group=_("Company"), prefixes=("/imports/",),
            ),
        )  # fmt: skip
