"""Pages of figures: any metric by any dimension, and what each metric means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.permissions import requires
from pipeline.domain.figures import FigureError, FigureQuery, FigureRow, FigureTable, Filter, NotYoursError
from pipeline.domain.metrics import REGISTRY, Metric
from pipeline.exports import UNITS, as_sheet, filter_label, shown
from pipeline.forms import (
    asked_of,
    chips_of,
    default_metrics,
    group_choices,
    metric_choices,
    parse_filters,
    query_from,
    value_choices,
)
from pipeline.selectors import DIMENSIONS, deals_behind, periods_near
from pipeline.selectors import figures as figures_of
from salesops.ui.exports import csv_response

VIEW = Capability.VIEW_FORECAST
_KEPT = frozenset({"where", "period", "period_of", "as_of", "at", "organization", "currency"})
"""What the deals behind a figure take over from the question of the table."""


@require_GET
@requires(VIEW)
def metrics(request: HttpRequest) -> HttpResponse:
    """What every metric means."""
    wanted = request.GET.get("q", "").strip().casefold()
    found = [
        (metric, UNITS[metric.unit])
        for metric in REGISTRY.values()
        if wanted in f"{metric.name} {_(metric.title)} {_(metric.formula)}".casefold()
    ]
    context = {"metrics": found, "q": request.GET.get("q", ""), "dimensions": list(DIMENSIONS.values())}
    return render(request, "pipeline/metrics.html", context)


@require_GET
@requires(VIEW)
def figures(request: HttpRequest) -> HttpResponse:
    """A table of figures as asked by the address; a question that cannot be answered says why, above the form."""
    problem, table, status = "", None, 200
    asked = asked_of(request.GET)
    try:
        table = figures_of(request.viewer, query_from(asked, metrics=default_metrics(request.viewer)))
    except FigureError as error:
        problem, status = _refused(error)
    context = {
        "table": table,
        "problem": problem,
        "rows": _rows(asked, table) if table else [],
        "columns": table.metrics if table else (),
        "heads": [DIMENSIONS[name] for name in table.by] if table else [],
        "sums": _cells(asked, table) if table else [],
        **_form(request.viewer, asked),
    }
    return render(request, "pipeline/figures.html", context, status=status)


def _query(request: HttpRequest) -> FigureQuery:
    return query_from(request.GET, metrics=default_metrics(request.viewer))  # type: ignore[attr-defined]


def _refused(error: FigureError) -> tuple[str, int]:
    """Why there is no answer, and the status that says so."""
    if not isinstance(error, NotYoursError):
        return error.page, 400
    names = ", ".join(_(metric.title) for metric in error.metrics)
    words = _("Not yours to see: %(metrics)s. You read won deals only, and these need others as well.")
    return words % {"metrics": names}, 403


def _plain(error: FigureError) -> HttpResponse:
    message, status = _refused(error)
    return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")


@require_GET
@requires(VIEW)
def figures_csv(request: HttpRequest) -> HttpResponse:
    """The table as CSV with the question above it, numbers exact."""
    try:
        table = figures_of(request.viewer, replace(_query(request), is_rounded=False))
    except FigureError as error:
        return _plain(error)
    sheet = as_sheet(table, timezone.now())
    return csv_response(f"{sheet.name}.csv", sheet.header, sheet.rows, sheet.facts)


@require_GET
@requires(VIEW)
def deals(request: HttpRequest) -> HttpResponse:
    """The deals behind one figure of the table: of its question, narrowed by what its row is a group of.

    A group is a filter of its own, never one more value of the question's filter of the same field.
    """
    try:
        asked = _query(request)
        query = replace(asked, where=(*asked.where, *_groups_of(request.GET)), by=(), sort="", limit=None)
        found = deals_behind(request.viewer, query)
        sums = figures_of(request.viewer, query)
    except FigureError as error:
        return _plain(error)
    metric = sums.metrics[0]
    context = {
        "deals": found.deals,
        "count": found.count,
        "currency": found.currency,
        "metric": metric,
        "value": shown(metric, sums.sums[metric.name], sums.currency),
        "filters": [filter_label(wanted) for wanted in query.where],
    }
    return render(request, "pipeline/deals.html", context)


def _groups_of(data: QueryDict) -> Iterator[Filter]:
    """What a row is a group of; each `group` (`owner=Dee`) has its `key`, which tells people of one name apart."""
    for text, key in zip_longest(data.getlist("group"), data.getlist("key"), fillvalue=""):
        (found,) = parse_filters([text])
        yield replace(found, keys=(key,) if key else ())


def _form(scope: Scope, asked: QueryDict) -> dict[str, Any]:
    """Choices and present values of the form above the table."""
    field = asked.get("filter", "") if asked.get("filter", "") in DIMENSIONS else ""
    values = value_choices(scope, asked, field) if field else []
    offered = {choice.value for choice in values}
    names = periods_near()
    period = asked.get("period", "")
    rest = asked.copy()
    rest.pop("filter", None)
    return {
        "metrics": metric_choices(scope, asked),
        "groups": group_choices(asked),
        "field": DIMENSIONS[field] if field else None,
        "values": values,
        "fields": [(f"?{rest.urlencode()}&filter={d.name}", _(d.title)) for d in DIMENSIONS.values()],
        "kept": [text for text in asked.getlist("where") if text not in offered],
        "chips": chips_of(asked),
        "periods": [("", _("All time")), *((name, name) for name in names), *_other(period, names)],
        "period": period,
        "as_of": asked.get("as_of") or asked.get("at") or "",
        "asked": rest.urlencode(),
    }


def _other(period: str, names: list[str]) -> list[tuple[str, str]]:
    """A period an address names that is not on offer."""
    return [(period, period)] if period and period not in names else []


def _rows(asked: QueryDict, table: FigureTable) -> list[dict[str, Any]]:
    return [
        {
            "labels": [_("(none)") if label is None else label for label in row.labels],
            "cells": _cells(asked, table, row),
        }
        for row in table.rows
    ]


def _cells(asked: QueryDict, table: FigureTable, row: FigureRow | None = None) -> list[dict[str, str]]:
    """The numbers of a row (None: of all deals), each with the way to its deals."""
    figures_shown = row.values if row else table.sums
    groups = [
        pair
        for name, label, key in (zip(table.by, row.labels, row.keys, strict=True) if row else ())
        for pair in (("group", f"{name}={label or ''}"), ("key", key))
    ]
    return [
        {
            "text": shown(metric, figures_shown[metric.name], table.currency),
            "href": _deals_url(asked, metric, groups, figures_shown[metric.name]),
        }
        for metric in table.metrics
    ]


def _deals_url(asked: QueryDict, metric: Metric, groups: list[tuple[str, str]], value: Decimal | None) -> str:
    """Where the deals behind a cell are; a quota has none, nor what was to be compared with one that is not set."""
    if not metric.needs or (metric.wants_quota and value is None):
        return ""
    kept = [(name, value) for name, values in asked.lists() for value in values if value and name in _KEPT]
    return f"{reverse('pipeline:deals')}?{urlencode([*kept, ('metric', metric.name), *groups])}"
