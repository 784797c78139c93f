"""Figures as JSON and as an aligned table of text, exact numbers in both."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from pipeline.domain.figures import FigureTable
from pipeline.domain.metrics import Metric, Unit
from salesops.ui import formats

UNITS = {
    Unit.COUNT: _lazy("count"),
    Unit.MONEY: _lazy("money"),
    Unit.PERCENT: _lazy("percent"),
    Unit.DAYS: _lazy("days"),
    Unit.RATIO: _lazy("ratio"),
    Unit.MONEY_PER_DAY: _lazy("money per day"),
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
