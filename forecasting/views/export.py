"""The board as a file: what is on screen, with the question written on top."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from forecasting.domain.columns import Column, Unit
from forecasting.domain.question import Question, TreeName
from forecasting.exports import Sheet, respond, rounded
from forecasting.selectors.board import board
from forecasting.views import labels
from forecasting.views.asked import asks
from organization.selectors import company, minor_units


@require_GET
@asks
def export(request: HttpRequest, question: Question) -> HttpResponse:
    """The rows and columns shown, to the cent."""
    found = board(request.viewer, question)  # type: ignore[attr-defined]
    kind, minor = request.GET.get("format", "csv"), minor_unit_of(question)
    who, period = found.title or labels.EVERYTHING[question.tree], question.period.name
    title = _("Forecast %(who)s %(period)s") % {"who": who, "period": period}
    head = [
        str(labels.TREES[question.tree]),
        _("Level"),
        *(_heading(column, question, kind) for column in found.columns),
    ]
    rows = [
        [
            labels.place_label(row.place, question.tree),
            row.place.level,
            *(rounded(figure.value, figure.column.unit, minor) for figure in row.figures),
        ]
        for row in found.rows
    ]
    units = {place: column.unit for place, column in enumerate(found.columns, start=2)}
    return respond(kind, Sheet(title, head, rows, facts_of(question, title), units, minor))


def minor_unit_of(question: Question) -> int:
    """The decimals of the reporting currency."""
    return minor_units().get(question.currency, 2)


def _heading(column: Column, question: Question, kind: str) -> str:
    """With its unit: an amount's currency; ratios are plain numbers in CSV (1 = 100 %), percents in a workbook."""
    label = labels.full_label(column)
    if column.unit is Unit.MONEY:
        return f"{label} ({question.currency})"
    return f"{label} (1 = 100 %)" if column.unit is Unit.RATIO and kind != "xlsx" else label


def facts_of(question: Question, title: str) -> list[tuple[str, str]]:
    """What was asked, line by line."""
    zone = company().zone
    facts = [
        (_("Shows"), title),
        (_("Period"), f"{question.period.name} ({question.period.from_date} – {question.period.last_date})"),
        (_("As of"), question.instant.astimezone(zone).isoformat(timespec="seconds")),
        (_("Compared with"), question.since.astimezone(zone).isoformat(timespec="seconds")),
        (_("Currency"), question.currency),
        (_("Columns"), str(labels.ROLLUPS[question.rollup])),
    ]
    if question.tree is TreeName.PEOPLE:
        facts.append(
            (_("Organisation"), _("of that time") if question.organization == "THEN" else _("today's"))
        )
    return facts
