"""The board as the templates want it: texts, addresses, marks. Nothing is computed here that is a figure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from forecasting.domain.board import Board, StripFigure
from forecasting.domain.columns import Column, Unit, subcolumns
from forecasting.domain.grid import Figure, QuotaFact
from forecasting.domain.question import Question
from forecasting.domain.table import Kind, Place, Row
from forecasting.forms import NAMES
from forecasting.views import labels
from pipeline.domain.metrics import REGISTRY
from salesops.ui import formats

GAPS = frozenset({"gap", "gap_to_quota"})
LONG = 8
"""Characters an amount may have to be set large in the strip."""


@dataclass(frozen=True)
class ShownCell:
    """One number: its text, the exact figure, where it leads, and whether it is for or against the plan."""

    key: str
    label: str
    text: str
    title: str
    href: str
    tone: str = ""
    arrow: str = ""
    bar: tuple[Any, Any, Any] | None = None
    css: str = ""
    note: str = ""


@dataclass(frozen=True)
class ShownColumn:
    """A heading. `toggle` opens or closes its subcategories (empty: it has none)."""

    column: Column
    label: str
    category: str
    toggle: str = ""
    is_split: bool = False
    css: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class ShownRow:
    """A row with its cells."""

    place: Place
    label: str
    href: str
    children_url: str
    cells: tuple[ShownCell, ...]


def address(request: HttpRequest, **changes: object) -> str:
    """The question's part of the present address, with some words replaced (None removes them)."""
    query = request.GET.copy()
    for name in list(query):
        if name not in NAMES:
            del query[name]
    for name, value in changes.items():
        if value is None or value == "":
            query.pop(name, None)
        else:
            query[name] = str(value)
    return query.urlencode()


def link(request: HttpRequest, route: str, **changes: object) -> str:
    """A route of the forecast asked the present question, with changes; further words may belong to the route."""
    query = address(request, **changes)
    return reverse(f"forecasting:{route}") + (f"?{query}" if query else "")


def as_of(request: HttpRequest, question: Question) -> str:
    """The past instant looked at, as the address writes it; "" for now."""
    return (request.GET.get("at") or request.GET.get("as_of") or "") if question.is_historic else ""


def toggled(words: frozenset[str], word: str) -> str:
    """A list in the address with one word more, or less if it is there."""
    return ",".join(sorted(words ^ {word}))


def amount_text(value: Decimal | None, question: Question, signed: bool = False) -> str:
    """An amount in a table, compact or exact; the currency stands above the table."""
    return formats.money(value, "", compact=not question.exact, signed=signed)


def value_text(column: Column, value: Decimal | None, question: Question) -> str:
    """A figure as its column writes it."""
    if column.unit is Unit.RATIO:
        return formats.percent(value)
    if column.unit is Unit.MULTIPLE:
        return formats.multiple(value)
    return amount_text(value, question)


def exact_text(column: Column, value: Decimal | None, currency: str) -> str:
    """The same to the last shown digit, for titles and drawers."""
    if column.unit is Unit.RATIO:
        return formats.percent(value, 2)
    if column.unit is Unit.MULTIPLE:
        return formats.number(value, 2) + "×" if value is not None else formats.NONE
    return formats.money(value, currency)


class Shown:
    """A board dressed for one request."""

    def __init__(self, request: HttpRequest, board: Board) -> None:
        self.request, self.board, self.question = request, board, board.question
        self.drill = link(request, "figure", open=None)
        self.drill += "&" if "?" in self.drill else "?"
        self.labels = {column.name: labels.column_label(column) for column in board.columns}
        self.since = labels.since_label(self.question)
        self.moved = _("%(exact)s, %(change)s since %(since)s")

    def drill_url(self, key: str, column: Column) -> str:
        """Opens what is behind a figure."""
        return f"{self.drill}node={key}&column={column.name}"

    def columns(self) -> list[ShownColumn]:
        """The headings."""
        return [self._column(column) for column in self.board.columns]

    def _column(self, column: Column) -> ShownColumn:
        split = "" if column.subcategory_id is not None else self._toggle(column)
        return ShownColumn(
            column,
            self.labels[column.name],
            str(labels.COLOURS.get(column.name, "")),
            split,
            column.name in self.question.split,
            "sub-column" if column.subcategory_id is not None else "",
            self._meaning(column),
        )

    def _meaning(self, column: Column) -> str:
        """The definition, for the title of a heading."""
        metric = REGISTRY[column.metric]
        if column.name != "change":
            return f"{_(metric.title)}: {_(metric.formula)}"
        return _("Change of the commit forecast since %(since)s") % {"since": self.since}

    def _toggle(self, column: Column) -> str:
        if not column.is_deals or not subcolumns(column, self.board.subdivisions):
            return ""
        return "?" + address(self.request, split=toggled(self.question.split, column.name))

    def rows(self, under: int | None = None) -> list[ShownRow]:
        """The rows; with `under` only those below the first one, which stands at that level elsewhere."""
        if under is None:
            return [self._row(row) for row in self.board.rows]
        found = [self._row(row) for row in self.board.rows[1:]]
        return [replace(row, place=replace(row.place, level=row.place.level + under - 1)) for row in found]

    def _row(self, row: Row) -> ShownRow:
        place, tree = row.place, self.question.tree
        leads = place.kind is Kind.NODE and place.node_id != self.question.top
        children = link(self.request, "rows", open=None)
        children += f"{'&' if '?' in children else '?'}parent={place.key}&level={place.level}"
        return ShownRow(
            place,
            labels.place_label(place, tree),
            "?" + address(self.request, who=place.node_id, open=None) if leads else "",
            children if place.expandable else "",
            tuple(self.cell(row, figure) for figure in row.figures),
        )

    def cell(self, row: Row, figure: Figure) -> ShownCell:
        """One number of the table."""
        column, value, key = figure.column, figure.value, row.place.key
        text, tone, arrow = value_text(column, value, self.question), "", ""
        title = exact_text(column, value, self.question.currency)
        if column.name in GAPS and value:
            text, title, tone, arrow = self._gap(value)
        elif column.name == "change" and value is not None:
            text = amount_text(value, self.question, signed=True)
            tone, arrow = ("for", "▲") if value > 0 else ("against", "▼") if value < 0 else ("", "")
        elif value is not None and figure.change and column.unit is Unit.MONEY:
            change = formats.money(figure.change, self.question.currency, signed=True)
            title = self.moved % {"exact": title, "change": change, "since": self.since}
        empty = value is None or (value == 0 and column.is_deals)
        return ShownCell(
            f"{key}.{column.name}",
            self.labels[column.name],
            text,
            title,
            "" if value is None else self.drill_url(key, column),
            tone,
            arrow,
            self._bar(row) if column.name == "attainment" else None,
            " ".join(
                filter(None, ("none" if empty else "", "sub-column" if column.parent is not None else ""))
            ),
            self._quota_note(row.quota) if column.name == "quota" else "",
        )

    def _gap(self, value: Decimal) -> tuple[str, str, str, str]:
        text = amount_text(abs(value), self.question)
        exact = formats.money(abs(value), self.question.currency)
        if value > 0:
            return text, _("%(amount)s short of quota") % {"amount": exact}, "against", "▼"
        return text, _("%(amount)s over quota") % {"amount": exact}, "for", "▲"

    def _bar(self, row: Row) -> tuple[Any, Any, Any] | None:
        by_name = {figure.column.name: figure.value for figure in row.figures}
        if not row.quota.amount:
            return None
        return by_name.get("won"), row.quota.amount, by_name.get("best_case")

    def _quota_note(self, quota: QuotaFact) -> str:
        """Over-assignment in words; nothing where assigned and carried agree."""
        share = quota.over_assignment
        if share is None:
            return ""
        text = formats.percent(abs(share))
        return f"+{text}" if share > 0 else f"−{text}"

    def _definition(self, column: Column) -> dict[str, str]:
        metric = REGISTRY[column.metric]
        return {
            "title": _(metric.title),
            "formula": _(metric.formula),
            "symbols": metric.symbols,
            "meta": _("%(name)s, version %(version)s") % {"name": metric.name, "version": metric.version},
        }

    def strip(self) -> list[dict[str, Any]]:
        """The figures above the table."""
        return [self._stat(item) for item in self.board.strip]

    def _stat(self, item: StripFigure) -> dict[str, Any]:
        figure, column = item.figure, item.figure.column
        top = self.board.top
        text = (
            formats.money(figure.value, self.question.currency, compact=not self.question.exact)
            if column.unit is Unit.MONEY
            else value_text(column, figure.value, self.question)
        )
        note, change, better = "", _noticeable(figure.change, column.unit), column.better.value
        if column.name in GAPS and figure.value is not None:
            over = figure.value <= 0
            if change is not None:
                change, better = -change, "up"  # of where one stands against quota, whichever side
            text = formats.money(abs(figure.value), self.question.currency, compact=not self.question.exact)
            note = _("over") if over else _("short")
        return {
            "column": column,
            "name": column.name,
            "label": labels.column_label(column),
            "text": text,
            "title": exact_text(column, figure.value, self.question.currency),
            "href": self.drill_url(top.key, column) if top and figure.value is not None else "",
            "category": str(labels.COLOURS.get(column.name, "")),
            "change": change,
            "change_word": _change_word(column.name, change),
            "define": self._definition(column),
            "kind": {Unit.MONEY: "money", Unit.RATIO: "points", Unit.MULTIPLE: "multiple"}[column.unit],
            "better": better,
            "values": list(item.series) if any(v is not None for v in item.series) else None,
            "note": note,
            "tone": ""
            if not note
            else "for"
            if figure.value is not None and figure.value <= 0
            else "against",
        }


def _change_word(name: str, change: Decimal | None) -> str:
    """A gap's change needs a word: less short is better, and so is more over."""
    if name not in GAPS or not change:
        return ""
    return _("better") if change > 0 else _("worse")


def _noticeable(change: Decimal | None, unit: Unit) -> Decimal | None:
    """A ratio's change too small to be seen in the digits shown is none."""
    smallest = {Unit.RATIO: Decimal("0.0005"), Unit.MULTIPLE: Decimal("0.05")}.get(unit)
    return Decimal(0) if change is not None and smallest and abs(change) < smallest else change
