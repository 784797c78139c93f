"""The territories app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TerritoriesConfig(AppConfig):
    """Django configuration of the territories app."""

    name = "territories"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the pages; take the quotas of CRM imports."""
        from opportunities.domain.import_mapping import Role
        from opportunities.services.imports_sinks import register_sink
        from salesops.ui.navigation import NavItem, register
        from territories.services.crm_rows import take_quotas

        register_sink(Role.QUOTA, take_quotas)
        register(
            NavItem(
                _("Quotas"), "territories:quotas", icon="target", key="q", capability="VIEW_QUOTAS",
                order=40, group=_("Plan"),
            )
        )  # fmt: skip
