"""An account: the deals with it that the viewer sees."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from opportunities import selectors
from opportunities.domain.deal import NotVisible
from opportunities.domain.listing import DealQuery
from opportunities.selectors.accounts import account as account_facts
from opportunities.views.asking import choices_for
from opportunities.views.cells import Deal
from organization.domain.roles import Capability
from organization.permissions import requires


@require_GET
@requires(Capability.VIEW_DEALS)
def account(request: HttpRequest, account_id: int) -> HttpResponse:
    """Facts and visible deals; an account without any is not found."""
    scope = request.viewer  # type: ignore[attr-defined]
    try:
        facts = account_facts(scope, account_id)
    except NotVisible as error:
        raise Http404 from error
    query = DealQuery(account_ids=(account_id,), order="-close_date", size=200)
    found = selectors.deals(scope, query)
    choices = choices_for(scope)
    context = {
        "account": facts,
        "found": found,
        "deals": [Deal(row, choices) for row in found.rows],
        "totals": selectors.category_totals(scope, query).items(),
        "crumbs": [{"label": _("Deals"), "url": reverse("opportunities:deals")}, {"label": facts.name}],
    }
    return render(request, "opportunities/account.html", context)
