"""New deals, and who shares one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from opportunities import selectors, services
from opportunities.domain.deal import DealError, NotAllowed, NotVisible, Status
from opportunities.domain.listing import DealDetail
from opportunities.domain.splits import OVERLAY, REVENUE, Split, SplitsMoved, as_line
from opportunities.forms.amounts import parse_amount
from opportunities.forms.deals import changes_from
from opportunities.views.asking import choices_for
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.permissions import requires
from organization.selectors import company, currencies, people_tree
from salesops.kernel.numbers import counted
from salesops.ui.form_page import done

_NEW = ("name", "amount", "close_date", "stage_id", "next_step", "owner_id")
SPARE_ROWS = 3


@require_http_methods(["GET", "POST"])
@requires(Capability.EDIT_DEALS)
def new(request: HttpRequest) -> HttpResponse:
    """Write a deal down: name, account, amount, close date, stage."""
    error: DealError | None = None
    if request.method == "POST":
        try:
            made = _create(request)
        except DealError as refused:
            error = refused
        else:
            url = reverse("opportunities:deal", args=[made])
            return done(request, url, _("Deal created."))
    scope = request.viewer  # type: ignore[attr-defined]
    book, names = selectors.rule_book(), selectors.process_names()
    context = {
        "error": error,
        "message": _(error.message) if error else "",
        "given": request.POST,
        "processes": [
            (name, [(s.id, s.name) for s in book.stages.values()
                    if s.process_id == pk and s.is_active and s.status is Status.OPEN])
            for pk, name in names.items()
        ],
        "owners": choices_for(scope).owners,
        "own": scope.person_id,
        "currencies": [code for code, _name, _decimals in currencies()],
        "currency": request.POST.get("currency") or company().corporate_currency,
    }  # fmt: skip
    return render(request, "opportunities/new.html", context, status=422 if error else 200)


def _create(request: HttpRequest) -> int:
    scope = request.viewer  # type: ignore[attr-defined]
    currency = request.POST.get("currency") or company().corporate_currency
    if currency not in {code for code, _name, _decimals in currencies()}:
        raise DealError("currency", _("Choose one of the list."))
    values: dict[str, Any] = {"currency_id": currency}
    for field in _NEW:
        text = request.POST.get(field, "")
        if text.strip():
            values |= changes_from(field, text, currency)
    if not str(values.get("name", "")).strip():
        raise DealError("name", _("Give the deal a name."))
    account = request.POST.get("account", "")
    return services.create_deal(scope=scope, values=values, account_name=account).deal.id


@require_http_methods(["GET", "POST"])
@requires(Capability.EDIT_DEALS)
def splits(request: HttpRequest, deal_id: int) -> HttpResponse:
    """Divide a deal among people; revenue shares make 100 %."""
    scope = request.viewer  # type: ignore[attr-defined]
    try:
        detail = selectors.deal(scope, deal_id)
    except NotVisible as missing:
        raise Http404 from missing
    if not detail.row.may_edit:
        raise PermissionDenied
    rows = [(s.person_id, s.kind, f"{s.share.normalize():f}") for s in detail.splits]
    message, status, seen = "", 200, as_line(detail.splits)
    if request.method == "POST":
        if "seen" not in request.POST:
            return HttpResponse(_("Say which splits you changed."), status=428, content_type="text/plain")
        rows = list(zip(*(request.POST.getlist(name) for name in ("person", "kind", "share")), strict=False))
        try:
            act = services.set_splits(
                scope=scope, deal_id=deal_id, splits=_stated(rows), seen=request.POST["seen"]
            )
        except NotAllowed as refused:
            raise PermissionDenied from refused
        except DealError as refused:
            message, status, seen = _(refused.message), 422, request.POST["seen"]
        except SplitsMoved:
            message, status = _moved(detail), 409
        else:
            back = reverse("opportunities:deal", args=[deal_id])
            if act is None:
                return done(request, back, _("Nothing changed."))
            return done(request, back, _("Splits saved."), undo_url=reverse("opportunities:undo", args=[act]))
    context = {"message": message, "seen": seen, **_form_of_splits(scope, detail, rows)}
    return render(request, "opportunities/splits.html", context, status=status)


def _moved(detail: DealDetail) -> str:
    now = ", ".join(f"{split.person_name} {split.share.normalize():f} %" for split in detail.splits) or "–"
    words = _("Somebody changed the splits meanwhile: %(now)s. Saving again replaces that.")
    return words % {"now": now}


def _form_of_splits(scope: Scope, detail: DealDetail, rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    """The lines of the form, some spare ones, and whom they can name."""
    if not rows:
        rows = [(detail.row.owner_id or 0, REVENUE, "100")]
    people = {p.id: p.name for p in people_tree(scope)} | {s.person_id: s.person_name for s in detail.splits}
    if detail.row.owner_id:
        people.setdefault(detail.row.owner_id, detail.row.owner_name)
    return {
        "row": detail.row,
        "rows": [(str(p), k, s) for p, k, s in rows] + [("", REVENUE, "")] * SPARE_ROWS,
        "people": sorted(((str(i), name) for i, name in people.items()), key=lambda pair: pair[1].casefold()),
        "kinds": [(REVENUE, _("Revenue")), (OVERLAY, _("Overlay"))],
    }


def _stated(rows: list[tuple[Any, ...]]) -> list[Split]:
    found = []
    for person, kind, share in rows:
        if not str(share).strip():
            continue
        if not str(person).isdecimal():
            raise DealError("person", "Choose a person for each share.")
        nobody = 0  # has a number too long for anybody
        amount = parse_amount(str(share).replace("%", "")) or Decimal(0)
        found.append(Split(counted(str(person)) or nobody, kind, amount))
    return found
