"""A deal's page, which is also its drawer: facts one can edit, where it stands, how it came here, as of any instant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from opportunities import selectors
from opportunities.domain.deal import NotVisible, Status
from opportunities.domain.listing import DealDetail, FieldChange, TimelineEntry
from opportunities.domain.rules import RuleBook, StageFacts
from opportunities.domain.timeline import Passage, passages
from opportunities.views.asking import choices_for, instant_asked
from opportunities.views.cells import KEYS, ORDER, Deal
from opportunities.views.words import FIELD_LABELS, STATUS_LABELS, came_from, splits_said
from organization.domain.roles import Capability
from organization.permissions import requires
from organization.selectors import company
from salesops.ui import formats
from salesops.ui.categories import CATEGORY_LABELS
from salesops.ui.templatetags.ui import none, pill

_AMOUNTS = ("amount", "list_amount")
_DATES = ("close_date", "started_on")
_QUIET = ("status", "process_id")
"""Fields that follow from others and would only repeat what is said."""


@dataclass(frozen=True)
class Shown:
    """A version as the timeline shows it, or several of one person with what came of them and each as a part."""

    entry: TimelineEntry
    title: str
    source: str
    source_url: str
    changes: list[tuple[str, SafeString, SafeString]]
    parts: tuple[Shown, ...] = ()

    @property
    def first_seq(self) -> int:
        """The number of its oldest version: its name on the page, which a further change does not move."""
        return self.parts[-1].entry.seq if self.parts else self.entry.seq

    @property
    def is_single(self) -> bool:
        """Whether the title already names the one field."""
        return len(self.changes) == 1 and not self.entry.is_first


@require_GET
@requires(Capability.VIEW_DEALS)
def deal(request: HttpRequest, deal_id: int) -> HttpResponse:
    """One deal, now or as of `?as_of=`; a hidden one is not told from a missing one."""
    scope, at = request.viewer, instant_asked(request)  # type: ignore[attr-defined]
    try:
        detail = selectors.deal(scope, deal_id, at)
        history = selectors.timeline(scope, deal_id, at)
    except NotVisible as error:
        absent = _absent(request, deal_id, at)
        if absent is None:
            raise Http404 from error
        return absent
    choices = choices_for(scope)
    context = {
        "detail": detail,
        "row": detail.row,
        "deal": Deal(detail.row, choices),
        "at": at,
        "entries": [_passage(found) for found in passages(history)],
        "path": _path(detail, choices.book),
        "categories": [(c.value, CATEGORY_LABELS[c], KEYS.get(c, "")) for c in ORDER],
        "crumbs": _crumbs(detail.row.name),
        "revenue_total": sum((s.share for s in detail.splits if s.kind == "REVENUE"), Decimal(0)),
        "slow": _slowness(detail),
        "company_currency": company().corporate_currency,
    }
    is_body = request.GET.get("part") == "body"
    return render(request, "opportunities/_deal.html" if is_body else "opportunities/deal.html", context)


def _crumbs(name: str) -> list[dict[str, str]]:
    return [{"label": _("Deals"), "url": reverse("opportunities:deals")}, {"label": name}]


def _absent(request: HttpRequest, deal_id: int, at: dt.datetime | None) -> HttpResponse | None:
    """Why a deal the viewer may see is not there: removed, or at that instant not known yet. None: say nothing."""
    scope = request.viewer  # type: ignore[attr-defined]
    context: dict[str, Any] = {"deal_id": deal_id, "at": at}
    if removed := selectors.removal(scope, deal_id):
        context |= {"removed": removed, "name": removed.name}
    else:
        first = selectors.known_since(scope, deal_id) if at else None
        if at is None or first is None or first <= at:
            return None
        context |= {"first": first, "name": selectors.deal_rows(scope, [deal_id])[deal_id].name}
        context["shows_first"] = deal_id in selectors.deal_rows(scope, [deal_id], first)
    context["crumbs"] = _crumbs(context["name"])
    is_body = request.GET.get("part") == "body"
    template = "opportunities/_absent.html" if is_body else "opportunities/absent.html"
    status = 200 if request.headers.get("HX-Request") else 404  # htmx shows no error's page
    return render(request, template, context, status=status)


def _passage(found: Passage) -> Shown:
    parts = tuple(_shown(entry) for entry in found.entries)
    if found.is_single:
        return parts[0]
    changes = _said(found.changes)
    title = ", ".join(label for label, _old, _new in changes[:3]) or _("Changed and taken back")
    return Shown(found.entries[0], title, found.entries[0].by or _("System"), "", changes, parts)


def _said(changes: Iterable[FieldChange]) -> list[tuple[str, SafeString, SafeString]]:
    return [
        (str(FIELD_LABELS[c.key]), _value(c, c.old), _value(c, c.new)) for c in changes if c.key not in _QUIET
    ]


def _shown(entry: TimelineEntry) -> Shown:
    changes = _said(entry.changes)
    if entry.is_first:
        title = _("Created")
    elif not changes:
        title = _("Noted")
    else:
        title = ", ".join(label for label, _old, _new in changes[:3])
    return Shown(entry, title, came_from(entry), _import_url(entry), changes)


def _import_url(entry: TimelineEntry) -> str:
    if not entry.import_batch_id:
        return ""
    try:
        return reverse("opportunities:import", args=[entry.import_batch_id])
    except NoReverseMatch:
        return ""


def _value(change: FieldChange, value: Any) -> SafeString:
    """A value of a field as text or pill."""
    if value is None or value in ("", ()):
        return none()
    if change.key == "splits":
        return format_html("{}", splits_said(value))
    if change.key == "category":
        return pill(value)
    if change.key in _AMOUNTS:
        return format_html('<span class="num">{}</span>', formats.money(value, change.currency))
    if change.key in _DATES and isinstance(value, dt.date):
        return format_html('<span class="nowrap">{}</span>', formats.day(value))
    if change.key == "probability":
        return format_html('<span class="num">{} %</span>', formats.number(value))
    if change.key == "is_deleted":
        return format_html("{}", _("Yes") if value else _("No"))
    if change.key == "status":
        return format_html("{}", STATUS_LABELS.get(value, value))
    return format_html("{}", value)


def _path(detail: DealDetail, book: RuleBook) -> list[tuple[StageFacts, bool, bool]]:
    """The process's stages in order: (stage, passed, present). Of the outcomes only the one that came."""
    stages = [
        s for s in book.stages.values()
        if s.process_id == detail.row.process_id and (s.is_active or s.id == detail.row.stage_id)
        and (s.status is Status.OPEN or s.id == detail.row.stage_id)
    ]  # fmt: skip
    stages.sort(key=lambda s: s.position)
    here = next((s.position for s in stages if s.id == detail.row.stage_id), -1)
    return [(s, s.position < here, s.id == detail.row.stage_id) for s in stages]


def _slowness(detail: DealDetail) -> str:
    """Days in the present stage beside those of won deals."""
    days, typical = detail.row.days_in_stage, detail.row.typical_days
    if days is None:
        return ""
    if typical is None:
        return ngettext("%(days)s day in this stage", "%(days)s days in this stage", days) % {"days": days}
    here = ngettext(
        "%(days)s day in this stage; won deals take %(typical)s",
        "%(days)s days in this stage; won deals take %(typical)s",
        days,
    )
    return here % {"days": days, "typical": typical}
