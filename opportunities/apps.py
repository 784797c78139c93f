"""The opportunities app."""

from collections.abc import Iterator

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OpportunitiesConfig(AppConfig):
    """Django configuration of the opportunities app."""

    name = "opportunities"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the pages, what the palette finds, names for the audit trail, and the words of the CRM formats."""
        from opportunities.selectors.names import NAMINGS
        from opportunities.views import palette as found
        from salesops.audit import names
        from salesops.ui import messages, palette
        from salesops.ui.navigation import NavItem, register

        messages.register("opportunities/crm", _terms)
        for name in ("actions", "deals", "owners", "accounts"):
            palette.register(name, getattr(found, f"find_{name}"))
        for field, naming in NAMINGS.items():
            names.register(naming, field)
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


def _terms() -> Iterator[str]:
    """On which terms a known export is read, names of fields: declared without gettext, shown translated."""
    from opportunities.crm.recognise import PRESETS
    from opportunities.domain.import_currencies import BLANK_CURRENCY
    from opportunities.domain.import_mapping import FIELDS
    from opportunities.domain.import_refs import FOUND_ELSEWHERE

    yield FOUND_ELSEWHERE
    yield BLANK_CURRENCY
    for fields in FIELDS.values():
        for spec in fields.values():
            yield spec.label
    for preset in PRESETS.values():
        yield from preset.base.statements
