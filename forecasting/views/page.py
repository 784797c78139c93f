"""The forecast page and its live parts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from forecasting.domain.board import Board
from forecasting.domain.columns import TABLE, WON_ONLY, Rollup
from forecasting.domain.question import Question, Since, TreeName
from forecasting.forms import question_of
from forecasting.selectors.board import board as board_of
from forecasting.selectors.switches import currencies_offered, period_switch
from forecasting.services import remember_fold
from forecasting.views import labels
from forecasting.views.asked import asks
from forecasting.views.shown import LONG, Shown, address, link, toggled
from forecasting.views.table_rows import write_rows
from organization.domain.roles import Capability, Role
from organization.permissions import requires
from organization.selectors import company
from salesops.kernel.numbers import counted
from salesops.ui import formats

FOLDS = ("changes", "pacing")


@requires(Capability.USE_SELF_SERVICE)
def home(request: HttpRequest) -> HttpResponse:
    """Each role's own first page."""
    viewer = request.viewer  # type: ignore[attr-defined]
    if viewer.can(Capability.VIEW_FORECAST) and viewer.roles != {Role.REP}:
        return redirect("forecasting:forecast")
    for allowed, route in (
        (viewer.can(Capability.VIEW_DEALS), "opportunities:my_deals"),
        (viewer.can(Capability.IMPORT_CRM), "opportunities:imports"),
        (viewer.can(Capability.VIEW_FORECAST), "forecasting:forecast"),
    ):
        try:
            if allowed:
                return redirect(reverse(route))
        except NoReverseMatch:
            continue
    return render(request, "forecasting/no_home.html")


@require_GET
@asks
def forecast(request: HttpRequest, question: Question) -> HttpResponse:
    """Will we make the number?"""
    if "as_of" in request.GET:  # as lists of deals call it
        at = request.GET.get("at") or request.GET["as_of"]
        return HttpResponseRedirect(f"{request.path}?{address(request, as_of=None, at=at)}")
    found = board_of(request.viewer, question)  # type: ignore[attr-defined]
    context = _board_context(request, found) | _frame(request, found)
    return render(request, "forecasting/home.html", context)


@require_GET
@asks
def board(request: HttpRequest, question: Question) -> HttpResponse:
    """The part that lives: sentence, figures, table."""
    found = board_of(request.viewer, question)  # type: ignore[attr-defined]
    return render(request, "forecasting/_board.html", _board_context(request, found))


@require_GET
@asks
def rows(request: HttpRequest, question: Question) -> HttpResponse:
    """The rows under one row, for a branch opened by hand; the row stands at `level` of the page's table."""
    parent, level = request.GET.get("parent", ""), counted(request.GET.get("level", ""))
    if counted(parent) is None or level is None:
        return HttpResponse(status=400)
    branch = question_of({**request.GET.dict(), "who": parent, "open": parent}, request.viewer, question.now)  # type: ignore[attr-defined]
    shown = Shown(request, board_of(request.viewer, branch, question))  # type: ignore[attr-defined]
    return HttpResponse(write_rows(shown.rows(level)))


@require_POST
@requires(Capability.VIEW_FORECAST, write=Capability.VIEW_FORECAST)
def fold(request: HttpRequest) -> HttpResponse:
    """Remembers whether a section is folded."""
    name = request.POST.get("section", "")
    if name not in FOLDS:
        return HttpResponse(status=400)
    remember_fold(user_id=request.viewer.user_id, section=name, folded=request.POST.get("folded") == "1")  # type: ignore[attr-defined]
    return HttpResponse(status=204)


def _board_context(request: HttpRequest, found: Board) -> dict[str, Any]:
    """What sentence, figures and table need."""
    shown, question = Shown(request, found), found.question
    export = link(request, "export")
    strip = shown.strip()
    return {
        "board": found,
        "question": question,
        "scope_label": found.title or str(labels.EVERYTHING[question.tree]),
        "moved_words": labels.moved_words(found.answer, question),
        "strip": strip,
        "strip_is_long": any(len(stat["text"]) > LONG for stat in strip),
        "columns": shown.columns(),
        "rows": write_rows(shown.rows())
        if found.rows and (found.rows[0].place.node_id or found.rows[1:])
        else "",
        "tree_label": labels.TREES[question.tree],
        "amounts_note": _amounts_note(found),
        "quota_note": _quota_note(found),
        "export_url": export + ("&" if "?" in export else "?") + "format=",
        "as_seen_url": _as_seen(request, question),
        "png_name": f"forecast-{question.period.name}",
        "instant_label": formats.moment_in_zone(question.instant),
        "can_import_url": _import_url(request),
        "replaced": [labels.replaced_words(word, given, question) for word, given in question.replaced],
        **_controls(request, found),
    }


def _as_seen(request: HttpRequest, question: Question) -> str:
    """An address that will show these very figures later too, and to somebody who starts from another page."""
    return "?" + address(
        request,
        at=question.instant.isoformat(timespec="microseconds"),
        since=question.since.isoformat(timespec="microseconds"),
        currency=question.currency,
        period=question.period.name,
        who=question.top,
        tree=question.tree.value,
    )


def _amounts_note(found: Board) -> str:
    question = found.question
    note = _("Amounts in %(currency)s") % {"currency": question.currency}
    if question.is_historic:
        then = question.organization == "THEN"
        note += " · " + (_("organisation of that time") if then else _("today's organisation"))
    if question.rollup is Rollup.CUMULATIVE:
        note += " · " + _("cumulative columns")
    return note


def _quota_note(found: Board) -> str:
    quota = found.quota
    if quota.over_assignment is None or quota.assigned is None:
        return ""
    texts = {
        "assigned": formats.money(quota.assigned, found.question.currency, compact=True),
        "reports": formats.money(quota.reports, found.question.currency, compact=True),
        "share": formats.percent(abs(quota.over_assignment)),
    }
    if quota.over_assignment > 0:
        return _("Assigned %(assigned)s; the reports carry %(reports)s, %(share)s more.") % texts
    return _("Assigned %(assigned)s; the reports carry %(reports)s, %(share)s less.") % texts


def _import_url(request: HttpRequest) -> str:
    try:
        return reverse("opportunities:imports") if request.viewer.can(Capability.IMPORT_CRM) else ""  # type: ignore[attr-defined]
    except NoReverseMatch:
        return ""


def _controls(request: HttpRequest, found: Board) -> dict[str, Any]:
    """The switches above the table."""
    question = found.question
    trees = [
        _choice(
            request, label, tree is question.tree,
            tree=None if tree is TreeName.PEOPLE else tree.value, who=None, open=None,
        )
        for tree, label in labels.TREES.items()
    ]  # fmt: skip
    optional = [
        _choice(
            request, labels.column_label(c), c.name in question.extra, extra=toggled(question.extra, c.name)
        )
        for c in TABLE
        if c.optional and (not found.won_only or c.name in WON_ONLY)
    ]
    options = [(str(name), label) for name, label in labels.SINCE.items()]
    if question.since_name not in {str(name) for name in Since}:
        options.append((question.since_name, labels.since_label(question)))
    return {
        "view_groups": _view_groups(request, found),
        "trees": trees,
        "optional": optional,
        "since_options": options,
        "since_value": question.since_name,
    }


def _choice(request: HttpRequest, label: object, current: bool, **changes: object) -> dict[str, Any]:
    """One of several states of the page, as a link to it."""
    return {"label": label, "url": "?" + address(request, **changes), "current": current}


def _view_groups(request: HttpRequest, found: Board) -> list[dict[str, Any]]:
    """How numbers, columns and (in the past) the organisation are shown."""
    question = found.question
    exact, single = question.exact, question.rollup is Rollup.SINGLE
    compact = _choice(request, _("Compact"), not exact, view=None)
    groups = [{"label": _("Numbers"), "items": [compact, _choice(request, _("Exact"), exact, view="exact")]}]
    if not found.won_only:
        alone = _choice(request, labels.ROLLUPS[Rollup.SINGLE], single, rollup=None)
        together = _choice(request, labels.ROLLUPS[Rollup.CUMULATIVE], not single, rollup="cumulative")
        groups.append({"label": _("Roll-up"), "items": [alone, together]})
    over = company().date_of(question.instant) > question.period.last_date
    if (question.is_historic or over) and question.tree is TreeName.PEOPLE:
        then = question.organization == "THEN"
        that_time = _choice(request, _("Of that time"), then, org=None)
        todays = _choice(request, _("Today's"), not then, org="today")
        groups.append({"label": _("Organisation"), "items": [that_time, todays]})
    return groups


def _frame(request: HttpRequest, found: Board) -> dict[str, Any]:
    """What the header and the sections below need."""
    question = found.question
    switch = period_switch(question)
    return {
        "crumbs": _crumbs(request, found),
        "switch": switch,
        "kinds": [
            {"label": labels.KINDS[k.kind], "name": k.name, "current": k.current} for k in switch.kinds
        ],
        "currencies": [(code, code) for code in currencies_offered()],
        "people": ""
        if found.people is None or len(found.people) > 600
        else ",".join(map(str, sorted(found.people))),
        "folded": (request.user.preferences or {}).get("forecast_folded", []),  # type: ignore[union-attr]
        "changes_url": link(request, "changes"),
        "pacing_url": link(request, "pacing"),
        **_as_of(question),
    }


def _crumbs(request: HttpRequest, found: Board) -> list[dict[str, str]]:
    crumbs = []
    viewer = request.viewer  # type: ignore[attr-defined]
    if viewer.everything or viewer.won_only_everywhere or found.question.tree is not TreeName.PEOPLE:
        label = str(labels.EVERYTHING[found.question.tree])
        crumbs.append({"label": label, "url": "?" + address(request, who=None, open=None)})
    for node in found.path:
        crumbs.append({"label": node.name, "url": "?" + address(request, who=node.id, open=None)})
    return crumbs


def _as_of(question: Question) -> dict[str, Any]:
    """The as-of control: what it says, its presets, and the bounds of its field."""
    zone = company().zone
    now = question.now.astimezone(zone)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    start = company().start_of(question.period.from_date).astimezone(zone)
    end = company().start_of(question.period.to_date).astimezone(zone)
    presets = [
        (_("This morning"), midnight),
        (_("A week ago"), midnight - dt.timedelta(days=7)),
        (_("Four weeks ago"), midnight - dt.timedelta(days=28)),
        (_("Start of %(period)s") % {"period": question.period.name}, start),
    ]
    if end <= now:  # of a period that is over, today's mornings show nothing that its end did not
        presets[:3] = [
            (_("Ten days before its end"), end - dt.timedelta(days=11)),
            (_("End of %(period)s") % {"period": question.period.name}, end - dt.timedelta(minutes=1)),
        ]
    written = "%Y-%m-%dT%H:%M"
    return {
        "as_of_label": formats.moment(question.at, "short") if question.at else _("Now"),
        "as_of_presets": [
            {"label": label, "value": at.strftime(written), "shown": formats.day(at.date(), "short")}
            for label, at in presets
            if at < question.now
        ],
        "at_value": question.at.astimezone(zone).strftime(written) if question.at else "",
        "now_value": now.strftime(written),
    }
