"""What moved, and are we on the usual path: the two sections below the table, and the deals of a bar."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from forecasting.charts import PaceWords, moves_chart, pace_chart
from forecasting.domain.columns import Column, column_named
from forecasting.domain.pacing import Pacing
from forecasting.domain.question import Question
from forecasting.selectors.drill import place_of
from forecasting.selectors.moved import Moved, moved, pace
from forecasting.views import labels
from forecasting.views.asked import asks
from forecasting.views.shown import link
from opportunities.views.cells import deal_url
from pipeline.domain.waterfall import Cause, Step
from salesops.ui import formats

WATCHED = ("commit_forecast", "won", "commit", "upside", "pipeline", "best_case", "open")


def watched(request: HttpRequest, name: str, question: Question) -> Column:
    """The column named in the address; it must be a sum of deals."""
    column = column_named(name.partition(".")[0], question.rollup)
    if column is None or not column.is_deals:
        raise Http404
    if "." in name:
        return named_part(column, name)
    return column


def named_part(column: Column, name: str) -> Column:
    """A subcategory's column by its address."""
    from forecasting.selectors.board import all_subdivisions

    found = column_named(name, subdivisions=all_subdivisions())
    if found is None:
        raise Http404
    return found


@require_GET
@asks
def changes(request: HttpRequest, question: Question) -> HttpResponse:
    """The waterfall of the chosen column."""
    column = watched(request, request.GET.get("moves", "commit_forecast"), question)
    found = moved(request.viewer, question, column)  # type: ignore[attr-defined]
    flow, since = found.waterfall, labels.since_label(question)
    urls = {bar.cause: _deals_url(request, column, bar.cause) for bar in flow.bars}
    ends = (since, formats.moment(question.at, "short") if question.at else _("Now"))
    names = {cause: str(label) for cause, label in labels.CAUSES.items()}
    context = {
        "question": question,
        "found": found,
        "chart": moves_chart(flow, names=names, ends=ends, urls=urls, currency=question.currency),
        "title": _finding(found, question),
        "facts": _facts(request, question),
        "ends": ends,
        "bars": [
            {
                "bar": bar,
                "label": names[bar.cause],
                "meaning": labels.CAUSE_MEANING[bar.cause],
                "url": urls[bar.cause],
            }
            for bar in flow.bars
        ],
        "columns": [
            {
                "label": labels.COLUMNS[name],
                "url": link(request, "changes"),
                "name": name,
                "current": name == column.name,
            }
            for name in WATCHED
        ],
        "base": link(request, "changes"),
    }
    return render(request, "forecasting/_changes.html", context)


def _facts(request: HttpRequest, question: Question) -> str:
    """What a picture of the chart says beside its title: whose figures, of which period, as of when."""
    whose = labels.place_label(place_of(request.viewer, question, ""), question.tree)  # type: ignore[attr-defined]
    return f"{whose} · {question.period.name} · {_('As of')} {formats.moment_in_zone(question.instant)}"


def _deals_url(request: HttpRequest, column: Column, cause: Cause) -> str:
    base = link(request, "figure_changes")
    return f"{base}{'&' if '?' in base else '?'}column={column.name}&cause={cause}"


def _finding(found: Moved, question: Question) -> str:
    """The chart's title: what happened, and which cause weighed most in that direction."""
    flow = found.waterfall
    change = flow.closing - flow.opening
    amount = formats.money(abs(change), question.currency, compact=True)
    words = {
        "column": labels.column_label(found.column),
        "amount": amount,
        "since": labels.since_label(question),
    }
    same_way = [bar for bar in flow.bars if change == 0 or (bar.change > 0) == (change > 0)]
    largest = max(same_way, key=lambda bar: abs(bar.change), default=None)
    if largest is None:
        return _("%(column)s has not moved since %(since)s") % words
    words["cause"] = labels.within_sentence(labels.CAUSES[largest.cause])
    words["weight"] = formats.money(largest.change, question.currency, compact=True, signed=True)
    if change > 0:
        return _("%(column)s rose %(amount)s since %(since)s; largest: %(cause)s, %(weight)s") % words
    if change < 0:
        return _("%(column)s fell %(amount)s since %(since)s; largest: %(cause)s, %(weight)s") % words
    return _("%(column)s stands where it was on %(since)s; largest: %(cause)s, %(weight)s") % words


def steps_shown(found: Moved, cause: str = "", as_of: str = "") -> list[dict[str, Any]]:
    """The deals behind bars, largest first; of one cause, or of all; each opens as it was at the instant looked at."""
    steps = [step for step in found.waterfall.steps if not cause or step.cause == cause]
    steps.sort(key=_by_size)
    return [
        {
            "step": step,
            "label": found.labels[step.deal_id],
            "cause": labels.CAUSES[step.cause],
            "url": deal_url(step.deal_id, as_of),
        }
        for step in steps
    ]


def _by_size(step: Step) -> tuple[Any, int]:
    return -abs(step.change), step.deal_id


@require_GET
@asks
def pacing(request: HttpRequest, question: Question) -> HttpResponse:
    """Cumulative won against quota and last year."""
    found = pace(request.viewer, question)  # type: ignore[attr-defined]
    prior = _("Last year's path") if found.seasonal else _("A year before")
    names = PaceWords(_("Won"), prior, _("Quota"))
    days = (question.period.from_date, question.period.last_date)
    context = {
        "question": question,
        "found": found,
        "title": _pace_finding(found, question),
        "facts": _facts(request, question),
        "chart": pace_chart(found, names=names, period=days, currency=question.currency),
    }
    return render(request, "forecasting/_pacing.html", context)


def _pace_finding(found: Pacing, question: Question) -> str:
    words = {"won": formats.money(found.won, question.currency, compact=True), "period": question.period.name}
    if not found.points:
        return _("%(period)s has not begun") % words
    if found.lead is None:
        return _("%(won)s won so far") % words
    if round(found.lead) == 0:
        return _("Won %(won)s, level with last year's path to this quota") % words
    words["lead"] = formats.money(abs(found.lead), question.currency, compact=True)
    if found.lead > 0:
        return _("Won %(won)s, %(lead)s ahead of last year's path to this quota") % words
    return _("Won %(won)s, %(lead)s behind last year's path to this quota") % words
