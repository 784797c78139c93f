"""Before a deal is closed: what would happen, as a question to answer with yes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from opportunities import selectors
from opportunities.domain.closing import closings
from opportunities.domain.deal import DealError, Status
from opportunities.forms.deals import changes_from, items_from
from opportunities.views.asking import choices_for
from opportunities.views.cells import Deal
from organization.domain.roles import Capability
from organization.permissions import requires
from organization.selectors import business_date, company
from salesops.kernel.money import exact_sum

SHOWN = 8
"""How many deals the question names; of the others it says the number."""


@require_GET
@requires(Capability.VIEW_DEALS)
def closing(request: HttpRequest) -> HttpResponse:
    """The question for `?items=id:version,…&field=…&value=…`: deals, amounts, close date, and what cannot be closed."""
    scope = request.viewer  # type: ignore[attr-defined]
    field = request.GET.get("field", "")
    try:
        ids = [deal_id for deal_id, _version in items_from(request.GET.get("items", ""))]
        changes = changes_from(field, request.GET.get("value", ""))
    except DealError as error:
        return HttpResponse(_(error.message), status=400, content_type="text/plain; charset=utf-8")
    rows, choices, today = selectors.deal_rows(scope, ids), choices_for(scope), business_date(None)
    found = closings([rows[i] for i in ids if i in rows], changes, choices.book, today)
    able = [item for item in found if not item.refusal]
    context = {
        "able": [(item, Deal(item.row, choices)) for item in able[:SHOWN]],
        "refused": [(item.row.name, _(item.refusal)) for item in found if item.refusal],
        "count": len(able),
        "more": max(len(able) - SHOWN, 0),
        "total": exact_sum([item.row.converted for item in able if item.row.converted is not None]),
        "currency": company().corporate_currency,
        "today": today,
        "is_won": not able or able[0].status is Status.WON,
        "stages": sorted({item.stage_name for item in able if item.stage_name}),
    }
    return render(request, "opportunities/_closing.html", context)
