"""The drawer on a number: its deals, what moved it, its definition; and the same as a file."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from forecasting.domain.columns import Column, Unit, column_named
from forecasting.domain.question import Question
from forecasting.exports import Sheet, respond
from forecasting.selectors.board import all_subdivisions
from forecasting.selectors.drill import Drill, drill, place_of
from forecasting.selectors.moved import moved
from forecasting.selectors.nodes import reach
from forecasting.views import labels
from forecasting.views.asked import asks
from forecasting.views.changes import steps_shown
from forecasting.views.export import facts_of, minor_unit_of
from forecasting.views.shown import GAPS, as_of, exact_text, link
from opportunities.selectors.processes import rule_book
from opportunities.views.cells import Choices, Deal
from pipeline.domain.metrics import REGISTRY, Metric
from pipeline.domain.waterfall import Cause
from salesops.kernel.money import exact_sum, round_parts
from salesops.kernel.numbers import counted
from salesops.ui import formats


def _column(request: HttpRequest, question: Question) -> Column:
    column = column_named(request.GET.get("column", ""), question.rollup, all_subdivisions())
    if column is None:
        raise Http404
    return column


def _opened(request: HttpRequest, question: Question, size: int) -> Drill:
    page = (
        counted(request.GET.get("page", "")[:7]) or 1
    )  # further than any list, not than the database counts
    column, key = _column(request, question), request.GET.get("node", "")
    return drill(request.viewer, question, column, key, page, size)  # type: ignore[attr-defined]


@require_GET
@asks
def figure(request: HttpRequest, question: Question) -> HttpResponse:
    """What is behind a figure."""
    if request.GET.get("column") == "change":
        return figure_changes(request)
    found = _opened(request, question, 50)
    column = found.column
    own = {"node": found.place.key, "column": column.name}
    context = {
        "question": question,
        "found": found,
        "title": f"{labels.full_label(column)} · {labels.place_label(found.place, question.tree)}",
        "subtitle": _subtitle(question),
        "figure_text": _figure_text(found, question),
        "agreement": _agreement(found, question),
        "metric": REGISTRY[column.metric],
        "meaning": _meaning(column),
        "parts": _parts(request, found, question),
        "is_money": column.unit is Unit.MONEY,
        "changes_url": _with(link(request, "figure_changes"), own) if column.is_deals else "",
        "export_url": _with(link(request, "figure_export"), own),
        "self_url": _with(link(request, "figure"), own),
        "deals": _rows(found, as_of(request, question)),
        "won_only": reach(request.viewer, question).reads_won_only,  # type: ignore[attr-defined]
        "previous_page": found.page.page - 1 if found.page else 0,
        "next_page": found.page.page + 1 if found.page else 0,
    }
    return render(request, "forecasting/figure.html", context)


def _with(url: str, words: dict[str, Any]) -> str:
    tail = "&".join(f"{name}={value}" for name, value in words.items())
    return f"{url}{'&' if '?' in url else '?'}{tail}"


def _subtitle(question: Question) -> str:
    when = formats.moment(question.at, "short") if question.at else _("now")
    return f"{question.period.name} · {question.currency} · {when}"


def _figure_text(found: Drill, question: Question) -> str:
    value = found.figure.value
    if found.column.name in GAPS and value is not None:
        amount = formats.money(abs(value), question.currency)
        return (
            _("%(amount)s short") % {"amount": amount}
            if value > 0
            else _("%(amount)s over") % {"amount": amount}
        )
    return exact_text(found.column, value, question.currency)


def _agreement(found: Drill, question: Question) -> str:
    """How the deals add up to the figure, in words."""
    if found.page is None or found.total is None:
        return ""
    words = {
        "total": formats.money(found.total, question.currency),
        "deals": formats.number(found.page.total_count),
    }
    if not found.agrees:
        return (
            _("%(deals)s deals, %(total)s. This should equal the figure: please tell your administrator.")
            % words
        )
    if found.page.total_count == 1:
        return _("One deal, %(total)s = the figure") % words
    return _("%(deals)s deals, %(total)s = the figure") % words


def _meaning(column: Column) -> str:
    """What a subcategory's or cumulative column adds to the definition of its metric."""
    if column.subcategory_id is None:
        return ""
    return _("Of these, the deals marked “%(name)s”.") % {"name": labels.column_label(column)}


def _parts(request: HttpRequest, found: Drill, question: Question) -> list[dict[str, Any]]:
    return [
        {
            "label": labels.full_label(part.column),
            "category": str(labels.COLOURS.get(part.column.name, "")),
            "text": exact_text(part.column, part.value, question.currency),
            "url": _with(link(request, "figure"), {"node": found.place.key, "column": part.column.name}),
        }
        for part in found.parts
    ]


def _rows(found: Drill, as_of: str) -> list[dict[str, Any]]:
    """The deals of the page shown, with cells to edit in place where the viewer may."""
    choices = Choices(rule_book())
    return [
        {"row": d.row, "value": d.value, "rate": d.rate, "cells": Deal(d.row, choices, as_of=as_of)}
        for d in found.deals
    ]


@require_GET
@asks
def figure_changes(request: HttpRequest, question: Question) -> HttpResponse:
    """The deals that moved a figure since the instant compared with; of one cause, or all."""
    name = request.GET.get("column", "")
    column = column_named(
        "commit_forecast" if name == "change" else name, question.rollup, all_subdivisions()
    )
    if column is None:
        raise Http404
    key, cause = request.GET.get("node", ""), request.GET.get("cause", "")
    found = moved(request.viewer, question, column, key)  # type: ignore[attr-defined]
    steps = steps_shown(found, cause, as_of(request, question))
    flow = found.waterfall
    whole = exact_sum([item["step"].change for item in steps])
    part = getattr(request, "htmx", None) and request.htmx.target == "figure-changes"  # type: ignore[attr-defined]
    context = {
        "question": question,
        "steps": steps,
        "total": whole,
        "opening": flow.opening,
        "closing": flow.closing,
        "since": labels.since_label(question),
        "cause": labels.CAUSES[Cause(cause)] if cause in Cause.__members__ else "",
        "meaning": labels.CAUSE_MEANING[Cause(cause)] if cause in Cause.__members__ else "",
        "title": _moves_title(request, question, column, key),
        "subtitle": _subtitle(question),
        "part": part,
        "export_url": _with(
            link(request, "figure_export"), {"node": key, "column": name, "what": "changes", "cause": cause}
        ),
    }
    return render(request, "forecasting/_moves.html" if part else "forecasting/moves.html", context)


def _moves_title(request: HttpRequest, question: Question, column: Column, key: str) -> str:
    """What moved, and whose."""
    place = place_of(request.viewer, question, key)  # type: ignore[attr-defined]
    return f"{labels.full_label(column)} · {labels.place_label(place, question.tree)}"


@require_GET
@asks
def figure_export(request: HttpRequest, question: Question) -> HttpResponse:
    """The deals behind a figure, or those that moved it, as a file whose values add up to the cent."""
    minor = minor_unit_of(question)
    if request.GET.get("what") == "changes":
        return _export_changes(request, question)
    found = _opened(request, question, 0)
    head = [_("Deal"), _("Account"), _("Owner"), _("Stage"), _("Category"), _("Subcategory"), _("Close date")]
    head += [
        _("Amount"),
        _("Currency"),
        _("Rate"),
        _("Value in %(currency)s") % {"currency": question.currency},
        _("Next step"),
    ]
    parts = iter(round_parts([d.value for d in found.deals if d.value is not None], minor))
    values = [None if d.value is None else next(parts) for d in found.deals]
    rows: list[list[Any]] = [
        [
            d.row.name, d.row.account_name, d.row.owner_name, d.row.stage_name,
            d.row.category.value, d.row.subcategory_name, d.row.close_date,
            d.row.amount, d.row.currency, d.rate, value, d.row.next_step,
        ]
        for d, value in zip(found.deals, values, strict=True)
    ]  # fmt: skip
    rows.append([_("Total"), *[None] * 9, exact_sum([value for value in values if value is not None]), None])
    title = f"{labels.full_label(found.column)} · {labels.place_label(found.place, question.tree)}"
    facts = facts_of(question, title)
    plain = frozenset({head.index(_("Rate"))})
    sheet = Sheet(title, head, rows, facts, minor_unit=minor, plain=plain, period=question.period.name)
    return respond(request.GET.get("format", "csv"), sheet)


def _export_changes(request: HttpRequest, question: Question) -> HttpResponse:
    column = (
        _column(request, question)
        if request.GET.get("column") != "change"
        else column_named("commit_forecast")
    )
    if column is None:
        raise Http404
    found = moved(request.viewer, question, column, request.GET.get("node", ""))  # type: ignore[attr-defined]
    steps = steps_shown(found, request.GET.get("cause", ""))
    head = [
        _("Deal"),
        _("Account"),
        _("Owner"),
        _("Cause"),
        _("Change in %(currency)s") % {"currency": question.currency},
    ]
    minor = minor_unit_of(question)
    values = round_parts([item["step"].change for item in steps], minor)
    rows: list[list[Any]] = [
        [i["label"].name, i["label"].account, i["label"].owner, str(i["cause"]), value]
        for i, value in zip(steps, values, strict=True)
    ]
    title = _("What moved %(column)s") % {"column": labels.full_label(column)}
    facts = facts_of(question, title)
    sheet = Sheet(title, head, rows, facts, minor_unit=minor, period=question.period.name)
    return respond(request.GET.get("format", "csv"), sheet)


def definition(column: Column) -> Metric:
    """The registry's definition of a column."""
    return REGISTRY[column.metric]
