"""The quota grid: read by all who have a number, edited by sales operations."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from organization import selectors as organization
from organization.domain.facts import PeriodFacts
from organization.domain.roles import Capability
from organization.forms import day_asked
from organization.permissions import requires
from salesops.kernel.numbers import NumberStyle
from salesops.kernel.tabular import Problem
from salesops.ui.exports import csv_response, xlsx_response
from salesops.ui.feedback import changed, toast
from salesops.ui.form_page import RefusedError, form_page
from salesops.ui.words import in_words
from territories import services
from territories.domain.quotas import QuotaRow, QuotaTable
from territories.forms import BadRequestError, QuotaFileForm, grid_input
from territories.selectors import quota_history, quota_table

VIEW, EDIT = Capability.VIEW_QUOTAS, Capability.EDIT_QUOTAS
ROWS_AT_ONCE = 150
"""Above this many people, branches below the second level are fetched when opened."""


def _year(request: HttpRequest) -> tuple[PeriodFacts, list[PeriodFacts]]:
    today = organization.now_date()
    years = organization.periods("YEAR", around=today)
    asked = request.GET.get("year", "").upper()
    chosen = next((y for y in years if y.name == asked), None)
    if chosen is None and asked:
        try:
            found = organization.period_named(asked)
        except organization.PeriodUnknownError:
            raise Http404 from None
        chosen = found if found.kind == "YEAR" else None
    return chosen or next((y for y in years if today in y), years[-1]), years


def _grain(request: HttpRequest) -> str:
    return "MONTH" if request.GET.get("grain") == "MONTH" else "QUARTER"


def _table(
    request: HttpRequest, year: PeriodFacts, *, limit: int | None = None, parent_id: int | None = None
) -> QuotaTable:
    day = day_asked(request.GET)
    following = organization.company().start_of(day + dt.timedelta(days=1)) if day else None
    at = following - dt.timedelta(microseconds=1) if following else None  # a date is its end, as everywhere
    return quota_table(request.viewer, year, _grain(request), at, limit=limit, parent_id=parent_id)


@requires(VIEW)
def quotas(request: HttpRequest) -> HttpResponse:
    """The grid of a fiscal year, by quarter or month."""
    year, years = _year(request)
    table = _table(request, year, limit=ROWS_AT_ONCE)
    as_of = day_asked(request.GET)
    may_edit = request.viewer.can(EDIT) and as_of is None
    context = {
        "table": table,
        "is_long": len(table.rows) < table.people,
        "year": year,
        "years": [(y.name, y.name) for y in years],
        "grain": table.grain,
        "may_edit": may_edit,
        "as_of": as_of,
        "counted": _counted_words(),
        "answer": _answer(table, year),
        "has_total": sum(row.depth == 0 for row in table.rows) != 1,
        "by_quarter": table.grain == "MONTH" and table.footer_total is not None and not any(table.footer),
        "row_url": reverse("territories:rows") + f"?year={year.name}&grain={table.grain}&as_of={as_of or ''}",
    }
    return render(request, "territories/quotas.html", context)


def _counted_words() -> dict[str, list[str]]:
    """What the grid says about a number of cells, for one and for more; it puts the number in."""
    one_and_more = (1, 2)
    return {
        "unsaved": [ngettext("%(n)s change not saved", "%(n)s changes not saved", n) for n in one_and_more],
        "bad": [
            ngettext("%(n)s cell cannot be saved as it is", "%(n)s cells cannot be saved as they are", n)
            for n in one_and_more
        ],
        "pasted": [ngettext("%(n)s cell pasted", "%(n)s cells pasted", n) for n in one_and_more],
        "outside": [
            ngettext("%(n)s value lay outside the table", "%(n)s values lay outside the table", n)
            for n in one_and_more
        ],
    }


def _answer(table: QuotaTable, year: PeriodFacts) -> dict[str, Any]:
    """What the sentence above the grid says."""
    roots = [row.total for row in table.rows if row.depth == 0 and row.is_active and row.total]
    cushion = [total.over_assignment for total in roots if total.over_assignment is not None]
    return {
        "total": table.footer_total, "currency": table.currency, "year": year.name,
        "cushion": sum(cushion) if cushion else None, "without": table.people_without,
    }  # fmt: skip


@requires(VIEW)
def quota_rows(request: HttpRequest) -> HttpResponse:
    """The rows right below somebody, when a branch is opened."""
    year, _years = _year(request)
    parent = request.GET.get("parent", "")
    if not parent.isascii() or not parent.isdigit():
        raise Http404
    table = _table(request, year, parent_id=int(parent))
    rows: list[QuotaRow] = list(table.rows)
    if not rows:
        raise Http404
    context = {
        "rows": rows, "table": table, "is_long": True, "may_edit": request.viewer.can(EDIT),
        "row_url": reverse("territories:rows") + f"?year={year.name}&grain={table.grain}",
    }  # fmt: skip
    return render(request, "territories/_rows.html", context)


@require_POST
@requires(EDIT)
def quota_check(request: HttpRequest) -> HttpResponse:
    """Typed cells before they are saved: why some cannot be, and the lines and sums that the others change."""
    try:
        typed = grid_input(request.body if request.content_type == "application/json" else b"")
    except BadRequestError:
        return JsonResponse({"message": _("The request could not be read.")}, status=400)
    year, _years = _year(request)
    faults, table = services.preview_quotas(
        scope=request.viewer, items=typed.changes, read=lambda: _table(request, year)
    )
    above = {row.person_id: row.parent_id for row in table.rows}
    touched: set[int | None] = set()
    for change in typed.changes:
        person: int | None = change.person_id
        while person is not None and person not in touched:
            touched.add(person)
            person = above.get(person)
    context = {"rows": [r for r in table.rows if r.person_id in touched], "table": table, "may_edit": True}
    lines = render_to_string("territories/_rows.html", context, request)
    lines += render_to_string("territories/_sums.html", context, request)
    return JsonResponse({"faults": typed.faults | faults, "lines": lines})


@require_POST
@requires(EDIT)
def quota_save(request: HttpRequest) -> HttpResponse:
    """One save of all changed cells: all of them, or none with the reason at each."""
    try:
        typed = grid_input(request.body if request.content_type == "application/json" else b"")
    except BadRequestError:
        return JsonResponse({"message": _("The request could not be read.")}, status=400)
    if typed.faults:
        return JsonResponse(
            {"message": _("Nothing saved: mend the marked cells."), "faults": typed.faults}, status=422
        )
    try:
        saved = services.set_quotas(scope=request.viewer, items=typed.changes)
    except RefusedError as error:
        status = 403 if error.is_forbidden else 422
        return JsonResponse(
            {"message": _(error.message), "faults": {error.field: _(error.message)}}, status=status
        )
    if saved.conflicts:
        return JsonResponse(
            {
                "message": _("Nothing saved: somebody changed the marked cells meanwhile."),
                "conflicts": [
                    {"cell": f"{c.person_id}:{c.period_id}", "label": c.label,
                     "theirs": str(c.theirs.normalize() if c.theirs is not None else "")}
                    for c in saved.conflicts
                ],
            },
            status=409,
        )  # fmt: skip
    response = JsonResponse({"changed": saved.changed})
    if not saved.changed:
        return toast(response, _("Nothing to save."))
    undo = reverse("territories:undo", args=[saved.token])
    text = ngettext("%(n)s quota saved.", "%(n)s quotas saved.", saved.changed) % {"n": saved.changed}
    return changed(toast(response, text, undo_url=undo), kind="quota")


@require_POST
@requires(EDIT)
def quota_undo(request: HttpRequest, token: str) -> HttpResponse:
    """Take a save back."""
    try:
        count = services.undo_quotas(scope=request.viewer, token=token)
    except RefusedError as error:
        return JsonResponse({"message": _(error.message)}, status=403 if error.is_forbidden else 409)
    return changed(toast(JsonResponse({"changed": count}), _("Taken back.")), kind="quota")


@requires(VIEW)
def quota_cell(request: HttpRequest, person_id: int, period_id: int) -> HttpResponse:
    """A cell's history, in the drawer."""
    if not request.viewer.sees_person(person_id) and not request.viewer.won_only_everywhere:
        raise Http404
    names, periods = organization.person_names([person_id]), organization.period_names([period_id])
    if person_id not in names or period_id not in periods:
        raise Http404
    context = {
        "title": f"{names[person_id]}, {periods[period_id]}",
        "events": quota_history(request.viewer, person_id, period_id),
    }
    return render(request, "territories/quota_cell.html", context)


@requires(VIEW)
def quota_export(request: HttpRequest, form: str) -> HttpResponse:
    """The typed numbers as a file that can be changed and imported again."""
    year, _years = _year(request)
    table = _table(request, year)
    header = ["person", "email", "currency", *(column.name for column in table.columns)]
    emails = {node.id: node.email for node in organization.people_tree(request.viewer)}
    rows = [
        [row.name, emails.get(row.person_id, ""), row.currency, *(cell.amount for cell in row.cells)]
        for row in table.rows
    ]
    name = f"quotas-{year.name.lower()}"
    if form == "xlsx":
        return xlsx_response(f"{name}.xlsx", year.name, header, rows)
    return csv_response(f"{name}.csv", header, rows)


def _whole_file(problem: Problem) -> str:
    """One sentence for what is wrong with the file as a whole: "quotas.csv is a PDF document. Upload …"."""
    told, cure = in_words(problem.message).rstrip("."), in_words(problem.cure)
    return f"{problem.file} {told}. {cure}" if told[:1].islower() else f"{told}. {cure}"


@requires(EDIT)
def quota_import(request: HttpRequest) -> HttpResponse:
    """Read quotas from a file; nothing is written while any row is wrong."""
    scope = request.viewer
    form = QuotaFileForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {}

    def save(data: dict[str, Any]) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / ("quotas" + Path(data["file"].name).suffix.lower())
            with path.open("wb") as file:
                file.writelines(data["file"].chunks())
            style = NumberStyle(data["decimal_mark"]) if data["decimal_mark"] else None
            report = services.import_quotas(path=path, name=data["file"].name, scope=scope, style=style)
        if report.problems and report.problems[0].row is None:
            raise services.QuotaError("file", _whole_file(report.problems[0]))
        if report.problems:
            context["problems"] = report.problems
            raise services.QuotaError("", _("Nothing was written: mend the rows below and try again."))
        return _("%(changed)s of %(cells)s quotas were new or different.") % {
            "changed": report.changed, "cells": report.cells,
        }  # fmt: skip

    return form_page(
        request, form, title=_("Import quotas"), submit=_("Import"), save=save, back=reverse("territories:quotas"),
        template="territories/quota_import.html", context=context,
        lede=_("CSV or XLSX with a header: person (name or e-mail), then either period and amount, or one column "
               "a period, such as FY27-Q1; currency is optional."),
    )  # fmt: skip
