"""The opportunities app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OpportunitiesConfig(AppConfig):
    """Django configuration of the opportunities app."""

    name = "opportunities"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the pages, and what the palette finds."""
        from opportunities.views import palette as found
        from salesops.ui import palette
        from salesops.ui.navigation import NavItem, register

        for name in ("actions", "deals", "owners", "accounts"):
            palette.register(name, getattr(found, f"find_{name}"))
        register(
            NavItem(
                _("Deals"), "opportunities:deals", icon="briefcase", key="d",
                capability="VIEW_DEALS", order=20, prefixes=("/deals/",),
            ),
            NavItem(
                _("Imports"), "opportunities:imports", icon="database", key="i",
                capability="VIEW_IMPORTS", order=50, group=_("Company"), prefixes=("/imports/",),
            ),
        )  # fmt: skip
