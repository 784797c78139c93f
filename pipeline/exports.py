"""Figures as JSON, as an aligned table of text and as rows of a file, exact numbers in all."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from pipeline.domain.figures import FigureTable, Filter, PeriodOf
from pipeline.domain.metrics import Metric, Unit
from pipeline.selectors import DIMENSIONS
from pipeline.selectors.ground import company_facts
from salesops.kernel.money import EXACT
from salesops.ui import formats
from salesops.ui.exports import file_stem

UNITS = {
    Unit.COUNT: _lazy("count"),
    Unit.MONEY: _lazy("money"),
    Unit.PERCENT: _lazy("percent"),
    Unit.DAYS: _lazy("days"),
    Unit.RATIO: _lazy("ratio"),
    Unit.MONEY_PER_DAY: _lazy("money per day"),
}
PERIOD_OF = {
    PeriodOf.CLOSE: _lazy("closing"),
    PeriodOf.START: _lazy("start"),
    PeriodOf.CREATED: _lazy("creation"),
}
_EXACT_DIGITS = 12
_MARK = "\x00"


def definition(metric: Metric) -> dict[str, Any]:
    """A metric's definition, for JSON."""
    return {
        "name": metric.name,
        "title": metric.title,
        "formula": metric.formula,
        "symbols": metric.symbols,
        "unit": metric.unit.value,
        "digits": metric.digits,
        "version": metric.version,
        "source": metric.source,
    }


def as_data(table: FigureTable) -> dict[str, Any]:
    """The table as plain values; numbers stay `Decimal`."""
    query, span = table.query, table.span
    return {
        "metrics": [definition(metric) for metric in table.metrics],
        "as_of": table.at.isoformat() if table.at else None,
        "as_of_date": table.as_of_date.isoformat(),
        "organization": query.organization,
        "currency": table.currency,
        "period": {
            "name": span.name,
            "from_date": span.from_date.isoformat(),
            "to_date": span.to_date.isoformat(),
            "of": query.period_of.value,
        }
        if span
        else None,
        "filters": [{"field": f.field, "values": list(f.values), "negated": f.negated} for f in query.where],
        "by": list(table.by),
        "rows": [
            {**dict(zip(table.by, row.labels, strict=True)), **_plain(row.values)} for row in table.rows
        ],
        "sums": _plain(table.sums),
        "notes": list(table.notes),
    }


def _plain(values: Any) -> dict[str, Decimal | None]:
    return {name: None if value is None else exact(value) for name, value in values.items()}


def exact(value: Decimal) -> Decimal:
    """The number without needless zeros; a quotient that never ends is cut at 12 decimals."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_EXACT_DIGITS:
        value = round(value, _EXACT_DIGITS)
    return value.to_integral_value() if value == value.to_integral_value() else value.normalize()


def to_json(data: Any) -> str:
    """JSON in which decimals are number literals with every digit, not floating-point approximations."""

    def mark(value: Any) -> str:
        if isinstance(value, Decimal):
            return f"{_MARK}{value:f}{_MARK}"
        raise TypeError(f"{type(value).__name__} is no JSON value")

    text = json.dumps(data, default=mark, ensure_ascii=False, indent=2)
    return re.sub(r'"\\u0000(-?[0-9.]+)\\u0000"', r"\1", text)


def shown(metric: Metric, value: Decimal | None, currency: str = "") -> str:
    """A value for people, as their language writes numbers, with its unit; a dash for none. With `currency`, money has
    its sign.
    """
    if value is None:
        return "—"
    if currency and metric.unit is Unit.MONEY:
        return formats.money_as_typed(value, currency)
    if currency and metric.unit is Unit.MONEY_PER_DAY:
        return formats.money(value, currency)
    if metric.unit is Unit.PERCENT:
        return formats.percent(value / 100, 2)
    is_whole = metric.unit is Unit.COUNT or (
        metric.unit is Unit.MONEY and metric.digits is None and value == value.to_integral_value()
    )
    return formats.number(value, 0 if is_whole else metric.digits or 2)


def to_text(table: FigureTable) -> str:
    """An aligned table: dimensions to the left, metrics to the right, the sums under a line."""
    head = [*(name.replace("_", " ") for name in table.by), *(m.title for m in table.metrics)]
    body = [
        [*(label if label is not None else _("(none)") for label in row.labels), *_cells(table, row.values)]
        for row in table.rows
    ]
    if not table.by:
        pairs = list(zip(head, _cells(table, table.sums), strict=True))
        left, right = max(len(a) for a, _b in pairs), max(len(b) for _a, b in pairs)
        lines = [f"{a:<{left}}  {b:>{right}}" for a, b in pairs]
        return "\n".join([*lines, "", *_told(table)])
    total = [_("All"), *[""] * (len(table.by) - 1), *_cells(table, table.sums)]
    widths = [max(len(row[i]) for row in [head, total, *body]) for i in range(len(head))]
    kept = len(table.by)

    def line(row: list[str]) -> str:
        cells = (
            f"{c:<{w}}" if i < kept else f"{c:>{w}}" for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(head), rule, *map(line, body), rule, line(total), "", *_told(table)])


def filter_label(wanted: Filter) -> str:
    """A filter in the words of the menu: "Owner: Dee"."""
    title = _(DIMENSIONS[wanted.field].title) if wanted.field in DIMENSIONS else wanted.field
    values = ", ".join(value or _("(none)") for value in wanted.values)
    return f"{title} ≠ {values}" if wanted.negated else f"{title}: {values}"


@dataclass(frozen=True)
class Sheet:
    """A table of figures as a file: its name, what was asked line by line, and rows that end with all deals."""

    name: str
    facts: list[tuple[str, str]]
    header: list[str]
    rows: list[list[Any]]


def as_sheet(table: FigureTable, now: dt.datetime) -> Sheet:
    """The table with the question above it and all its digits; shares as on the forecast's files (1 = 100 %)."""
    groups = [_(DIMENSIONS[name].title) for name in table.by]
    title = ", ".join(_(metric.title) for metric in table.metrics)
    header = [*(groups or [""]), *(_heading(metric, table.currency) for metric in table.metrics)]
    rows = [
        [*(_("(none)") if label is None else label for label in row.labels), *_numbers(table, row.values)]
        for row in table.rows
    ]
    rows.append([_("All"), *[""] * (len(groups) - 1), *_numbers(table, table.sums)])
    period = table.span.name if table.span else _("All time")
    name = file_stem(" ".join([_("Figures"), title, *groups]), period)
    return Sheet(name, _facts(table, title, groups, now), header, rows)


def _facts(table: FigureTable, title: str, groups: list[str], now: dt.datetime) -> list[tuple[str, str]]:
    query, span = table.query, table.span
    period = _("All time")
    if span:
        period = f"{span.name} ({span.from_date} – {span.to_date - dt.timedelta(days=1)})"
    instant = (table.at or now).astimezone(company_facts().zone)
    facts = [(_("Shows"), title), (_("Period"), period), (_("As of"), instant.isoformat(timespec="seconds"))]
    facts.append((_("Currency"), table.currency))
    if span and query.period_of is not PeriodOf.CLOSE:
        facts.append((_("Period of"), str(PERIOD_OF[query.period_of])))
    if groups:
        facts.append((_("Group by"), ", ".join(groups)))
    facts += [(_("Filter"), filter_label(wanted)) for wanted in query.where]
    facts.append((_("Organisation"), _("of that time") if query.organization == "THEN" else _("today's")))
    return facts + [(_("Note"), _(note)) for note in table.notes]


def _heading(metric: Metric, currency: str) -> str:
    title = _(metric.title)
    if metric.unit in {Unit.MONEY, Unit.MONEY_PER_DAY}:
        return f"{title} ({currency})"
    return f"{title} (1 = 100 %)" if metric.unit is Unit.PERCENT else title


def _numbers(table: FigureTable, values: Any) -> list[Decimal | None]:
    found = []
    for metric in table.metrics:
        value = values[metric.name]
        if value is not None and metric.unit is Unit.PERCENT:
            value = EXACT.divide(value, Decimal(100))
        found.append(None if value is None else exact(value))
    return found


def _cells(table: FigureTable, values: Any) -> list[str]:
    return [shown(metric, values[metric.name]) for metric in table.metrics]


def _told(table: FigureTable) -> list[str]:
    """What the numbers are of: currency, period, instant, filters, notes."""
    query = table.query
    told = [_("Amounts in %(currency)s.") % {"currency": table.currency}]
    if table.span:
        told.append(
            _("%(of)s date from %(first)s to before %(last)s (%(name)s).")
            % {
                "of": query.period_of.value.capitalize(), "first": table.span.from_date,
                "last": table.span.to_date, "name": table.span.name,
            }
        )  # fmt: skip
    if query.where:
        told.append(_("Only %(filters)s.") % {"filters": ", ".join(map(str, query.where))})
    told.append(_("As of %(at)s.") % {"at": table.at.isoformat() if table.at else _("now")})
    return [" ".join(told), *table.notes]
