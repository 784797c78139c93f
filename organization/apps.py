"""The organization app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrganizationConfig(AppConfig):
    """Django configuration of the organization app."""

    name = "organization"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the pages; write down who signs in; say whom and what the audit trail speaks of."""
        from django.db.backends.signals import connection_created

        from organization import adapter
        from organization.domain.roles import ROLE_MEANINGS
        from organization.selectors import person_names, territory_names
        from organization.selectors.calendar import forget_calendars
        from salesops.audit import names
        from salesops.ui import messages, palette
        from salesops.ui.navigation import NavItem, register

        adapter.connect()
        connection_created.connect(forget_calendars)
        palette.register("people", adapter.find_people)
        names.register(person_names, "owner_id", "manager_id")
        names.register(territory_names, "territory_id", "parent_id")
        messages.register("organization/domain/roles", ROLE_MEANINGS.values)
        company = _("Company")
        register(
            NavItem(
                _("People"), "organization:people", icon="network", key="p",
                capability="VIEW_ORGANIZATION", order=60, group=company,
            ),
            NavItem(
                _("Users"), "organization:users", icon="users", key="u",
                capability="MANAGE_USERS", order=70, group=company,
            ),
            NavItem(
                _("Set-up"), "organization:setup_company", icon="settings", key="s",
                capability="MANAGE_ORGANIZATION", order=80, group=company, prefixes=("/setup/",),
            ),
            NavItem(
                _("Exchange rates"), "organization:setup_rates", icon="coins", capability="VIEW_RATES",
                order=80, group=company, visible=lambda request: not request.viewer.can("MANAGE_ORGANIZATION"),
            ),
            NavItem(
                _("Audit"), "organization:audit", icon="scroll-text", key="a",
                capability="VIEW_AUDIT", order=90, group=company,
            ),
        )  # fmt: skip
