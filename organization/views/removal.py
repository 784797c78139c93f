"""Deleting what nothing uses: territories, currencies, calendars."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from organization import services
from organization.domain.roles import Capability
from organization.permissions import requires
from salesops.ui.form_page import press

MANAGE = Capability.MANAGE_ORGANIZATION


@require_POST
@requires(MANAGE)
def territory_delete(request: HttpRequest, territory_id: int) -> HttpResponse:
    """Delete a territory, or say what hangs on it."""
    scope = request.viewer
    return press(
        request, lambda: services.remove_territory(territory_id=territory_id, scope=scope),
        back=reverse("organization:setup_territories"), message=_("Deleted."),
    )  # fmt: skip


@require_POST
@requires(MANAGE)
def currency_delete(request: HttpRequest, code: str) -> HttpResponse:
    """Delete a currency, or say what hangs on it."""
    scope = request.viewer
    return press(
        request, lambda: services.remove_currency(code=code, scope=scope),
        back=reverse("organization:setup_rates"), message=_("Deleted."),
    )  # fmt: skip


@require_POST
@requires(MANAGE)
def calendar_delete(request: HttpRequest, calendar_id: int) -> HttpResponse:
    """Delete a calendar, or say why it stays."""
    scope = request.viewer
    return press(
        request, lambda: services.remove_calendar(calendar_id=calendar_id, scope=scope),
        back=reverse("organization:setup_calendars"), message=_("Deleted."),
    )  # fmt: skip
