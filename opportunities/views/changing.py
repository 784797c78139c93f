"""Changing deals from a page: one field, many deals at once, undo. Answers are JSON for the scripts of the page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from opportunities import selectors, services
from opportunities.domain.deal import Conflict, DealChanged, DealError, NotAllowed, NotVisible
from opportunities.domain.listing import DealRow
from opportunities.forms.deals import changes_from, items_from
from opportunities.views.asking import choices_for
from opportunities.views.cards import CardWriter
from opportunities.views.cells import Deal, as_typed
from opportunities.views.rows import RowWriter
from opportunities.views.words import FIELD_LABELS
from organization.domain.roles import Capability
from organization.permissions import requires
from salesops.kernel.numbers import counted
from salesops.ui.categories import CATEGORY_LABELS
from salesops.ui.feedback import toast

EDITS = (Capability.VIEW_DEALS,)


def refusal(status: int, message: str, **more: Any) -> JsonResponse:
    """A change that was not made, and why."""
    return JsonResponse({"message": message, **more}, status=status)


def not_found() -> JsonResponse:
    """The same for a hidden deal and for none."""
    return refusal(404, _("There is no such deal."))


@require_POST
@requires(*EDITS, write=EDITS)
def edit(request: HttpRequest, deal_id: int) -> HttpResponse:
    """Change one field. 200 with the new value, 409 with both values, 428 without a version, 422 with a reason."""
    field, version = request.POST.get("field", ""), counted(request.POST.get("version", ""))
    scope = request.viewer  # type: ignore[attr-defined]
    if version is None:
        if deal_id not in selectors.deal_rows(scope, [deal_id]):
            return not_found()
        return refusal(428, _("Say which version of the deal you changed."))
    row = _row(request, deal_id) if field == "amount" else None
    try:
        changes = changes_from(field, request.POST.get("value", ""), row.currency if row else "")
        done = services.change_deal(scope=scope, deal_id=deal_id, version=version, changes=changes)
    except NotVisible:
        return not_found()
    except NotAllowed as error:
        return refusal(403, _(error.message))
    except DealError as error:
        return refusal(422, _(error.message), field=error.field)
    except Conflict as conflict:
        return _conflict(request, deal_id, field, conflict)
    return _changed(request, field, done)


def _row(request: HttpRequest, deal_id: int) -> DealRow | None:
    return selectors.deal_rows(request.viewer, [deal_id]).get(deal_id)  # type: ignore[attr-defined]


def _conflict(request: HttpRequest, deal_id: int, field: str, conflict: Conflict) -> JsonResponse:
    row = _row(request, deal_id)
    if row is None:
        return not_found()
    deal = Deal(row, choices_for(request.viewer))  # type: ignore[attr-defined]
    message = _("%(field)s was changed meanwhile") % {"field": FIELD_LABELS.get(field, field)}
    return refusal(
        409, message, value=as_typed(conflict.current.get(field)), display=_text(deal, field),
        yours=_wanted(deal, field, conflict.theirs.get(field)), version=conflict.version, by=conflict.by,
    )  # fmt: skip


def _wanted(deal: Deal, field: str, value: Any) -> str:
    """A value somebody chose in the words of the page, not in codes."""
    book, people = deal.choices.book, dict(deal.choices.owners)
    named = {
        "stage_id": lambda: book.stages[value].name if value in book.stages else "",
        "subcategory_id": lambda: book.subcategories[value].name if value in book.subcategories else "",
        "owner_id": lambda: people.get(value, ""),
    }
    said = named[field]() if field in named else _text(_as_if(deal, field, value), field)
    return said or "–"


def _as_if(deal: Deal, field: str, value: Any) -> Deal:
    """The deal as if the field had this value."""
    return Deal(replace(deal.row, **{field: value}), deal.choices) if hasattr(deal.row, field) else deal


def _text(deal: Deal, field: str) -> str:
    return strip_tags(deal.cell(field))


def _changed(request: HttpRequest, field: str, done: DealChanged) -> HttpResponse:
    row = _row(request, done.deal.id)
    if row is None:  # handed over to somebody out of reach
        return _with_toast(
            JsonResponse({"version": done.deal.version, "gone": True}), done, _("Handed over.")
        )
    deal = Deal(row, choices_for(request.viewer), request.GET.get("part", ""))  # type: ignore[attr-defined]
    answer = {
        "value": as_typed(getattr(done.deal.state, field)),
        "html": _inner(deal, field),
        "version": row.version,
        "id": row.id,
        "row": part_html(request, deal),
        "fields": list(done.fields),
    }
    return _with_toast(JsonResponse(answer), done, said(done, deal))


def _inner(deal: Deal, field: str) -> str:
    """What stands inside the edited element."""
    html = str(deal.cell(field))
    return html[html.index(">") + 1 : html.rindex("</inline-edit>")] if "</inline-edit>" in html else html


def part_html(request: HttpRequest, deal: Deal) -> str:
    """The row or card anew, if the page asked for one."""
    part, owners = request.GET.get("part", ""), request.GET.get("owners") == "1"
    if part == "list":
        return RowWriter(owners=owners, selectable=True).row(deal)
    if part != "card":
        return ""
    return CardWriter(owners=owners).card(deal)


def said(done: DealChanged, deal: Deal) -> str:
    """What was done, in a few words."""
    if not done.fields:
        return _("Nothing changed.")
    first = next((f for f in ("category", "stage_id", *done.fields) if f in done.fields), done.fields[0])
    if first == "category":
        return _("%(deal)s: %(category)s.") % {
            "deal": deal.row.name,
            "category": CATEGORY_LABELS[deal.row.category],
        }
    return _("%(deal)s: %(field)s saved.") % {"deal": deal.row.name, "field": FIELD_LABELS[first]}


def _with_toast(response: JsonResponse, done: DealChanged, message: str) -> HttpResponse:
    if done.change_set_id is None:
        return response
    return toast(response, message, undo_url=reverse("opportunities:undo", args=[done.change_set_id]))


@require_POST
@requires(*EDITS, write=EDITS)
def bulk(request: HttpRequest) -> HttpResponse:
    """The same change of many deals as one act: what was changed, and what was left and why."""
    scope = request.viewer  # type: ignore[attr-defined]
    field = request.POST.get("field", "")
    try:
        items = items_from(request.POST.get("items", ""))
        changes = changes_from(field, request.POST.get("value", ""))
        done = services.change_deals(scope=scope, items=items, changes=changes)
    except DealError as error:
        return refusal(422, _(error.message), field=error.field)
    refused = [
        {"id": r.id, "name": r.name, "message": _(r.message), "conflict": r.is_conflict} for r in done.refused
    ]
    rows = selectors.deal_rows(scope, [c.deal.id for c in done.changed])
    choices = choices_for(scope)
    part = request.GET.get("part", "")
    parts = {c.deal.id: part_html(request, Deal(rows[c.deal.id], choices, part)) for c in done.changed}
    answer: dict[str, Any] = {
        "changed": [{"id": i, "version": rows[i].version, "row": html} for i, html in parts.items()],
        "refused": refused,
    }
    response = JsonResponse(answer, status=200 if done.changed or not refused else 422)
    words = ngettext("%(n)s deal changed.", "%(n)s deals changed.", len(done.changed)) % {
        "n": len(done.changed)
    }
    if refused:
        left = ngettext("%(n)s left as it was: %(why)s", "%(n)s left as they were: %(why)s", len(refused))
        words += " " + left % {"n": len(refused), "why": f"{refused[0]['name']}: {refused[0]['message']}"}
        if not done.changed:
            answer["message"] = words
            return JsonResponse(answer, status=422)
    if done.change_set_id is None:
        return response
    return toast(response, words, undo_url=reverse("opportunities:undo", args=[done.change_set_id]))


@require_POST
@requires(*EDITS, write=EDITS)
def remove(request: HttpRequest, deal_id: int) -> HttpResponse:
    """Take a deal away that was written down by mistake; the toast brings it back."""
    version = counted(request.POST.get("version", ""))
    if version is None:
        return refusal(428, _("Say which version of the deal you changed."))
    try:
        done = services.remove_deal(scope=request.viewer, deal_id=deal_id, version=version)  # type: ignore[attr-defined]
    except NotVisible:
        return not_found()
    except NotAllowed as error:
        return refusal(403, _(error.message))
    except DealError as error:
        return refusal(422, _(error.message))
    except Conflict as conflict:
        return refusal(409, _("The deal was changed meanwhile; look again."), version=conflict.version)
    answer = JsonResponse({"version": done.deal.version, "gone": True})
    return _with_toast(answer, done, _("%(deal)s removed.") % {"deal": done.deal.state.name})


@require_POST
@requires(*EDITS, write=EDITS)
def undo(request: HttpRequest, change_set_id: int) -> HttpResponse:
    """Take back an act of the viewer; deals changed since are left and named."""
    try:
        done = services.undo(scope=request.viewer, change_set_id=change_set_id)  # type: ignore[attr-defined]
    except NotVisible:
        return refusal(404, _("There is nothing to undo."))
    if not done.changed and done.refused:
        first = done.refused[0]
        return refusal(
            409, _("Not undone. %(deal)s: %(why)s") % {"deal": first.name, "why": _(first.message)}
        )
    versions = [(reverse("opportunities:edit", args=[c.deal.id]), c.deal.version) for c in done.changed]
    changed = [c.deal.id for c in done.changed]
    response = JsonResponse({"changed": changed, "versions": versions, "refused": len(done.refused)})
    if not done.changed:
        return toast(response, _("Already undone."))
    words = _("Undone.")
    if done.refused:
        left = ngettext(
            "%(n)s deal was changed since and stays.",
            "%(n)s deals were changed since and stay.",
            len(done.refused),
        )
        words += " " + left % {"n": len(done.refused)}
    return toast(response, words)
