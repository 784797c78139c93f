"""Exchange rates of an import: into the corporate currency, marked with their batch so that it can be
undone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel.numbers import is_currency

from opportunities.domain.import_mapping import ImportMapping
from opportunities.models import ImportBatch
from opportunities.services.imports_plan import problem_row
from organization.models import Company, ExchangeRate
from organization.selectors import memo
from organization.services import ensure_currencies
from salesops.kernel.said import Said
from salesops.kernel.tabular import Problem, Severity

LARGEST = Decimal(10) ** 10
"""What the column holds is smaller."""
CURE = Said(
    "Correct the row, or choose the corporate currency in the company's settings, or leave these rates out."
)
Left = tuple[int, str, Said]
"""A row that is not taken: line, currencies, why."""
PLACES = Decimal("0.0000000001")
"""Rates are rounded half-up to ten decimals, once, when they are turned round."""


def write_rates(
    *,
    batch: ImportBatch,
    mapping: ImportMapping,
    rows: Sequence[tuple[int, dict[str, Any]]],
    keys: Any = None,
) -> dict[str, int]:
    """Append the rates that differ from what is in force on their date.

    A row says: one `from` is so many `to`. One of the two must be the corporate currency; other rows are
    reported and left.
    """
    corporate = Company.objects.values_list("corporate_currency_id", flat=True).first() or "USD"
    wanted: dict[tuple[str, date], Decimal] = {}
    left: list[Left] = []
    for line, values in rows:
        one, other = (str(values.get(name, "")).upper() for name in ("from_currency", "to_currency"))
        rate = Decimal(str(values.get("rate", "0")))
        if one == other == corporate and rate == 1:
            continue
        why = _reason_to_leave(one, other, rate, values.get("from_date"), corporate)
        into = rate if other == corporate or rate <= 0 else 1 / rate
        if not why and not (PLACES <= into < LARGEST):
            why = Said("is no rate that can be kept: it is too small or too large")
        if why:
            left.append((line, f"{one}/{other}", why))
            continue
        code = one if other == corporate else other
        wanted[code, date.fromisoformat(values["from_date"])] = into.quantize(PLACES, rounding=ROUND_HALF_UP)
    ensure_currencies({code for code, _ in wanted})
    known = ExchangeRate.objects.order_by("recorded_at", "id").values_list("currency_id", "from_date", "rate")
    in_force = {(code, on): rate for code, on, rate in known}
    new = [
        ExchangeRate(currency_id=code, from_date=on, rate=rate, source=source_name(batch.pk))
        for (code, on), rate in wanted.items()
        if in_force.get((code, on)) != rate
    ]
    ExchangeRate.objects.bulk_create(new, batch_size=5000)
    memo.forget()
    _report(batch, left)
    return {"created": len(new), "unchanged": len(wanted) - len(new), "left": len(left)}


def source_name(batch_id: int) -> str:
    """How rates of a batch are marked."""
    return f"import:{batch_id}"


def _reason_to_leave(one: str, other: str, rate: Decimal, on: str | None, corporate: str) -> Said | None:
    """Why a row is not taken; None when it is."""
    if rate <= 0 or corporate not in (one, other) or one == other:
        return Said("is no rate from or into %(currency)s", currency=corporate)
    if not all(is_currency(code) for code in (one, other)):
        return Said("names a currency that is none")
    return None if on else Said("states no day")


def _report(batch: ImportBatch, left: list[Left]) -> None:
    for line, pair, why in left[:1000]:
        problem = Problem("", line, "from_currency", pair, why, CURE, "OTHER_CURRENCY", Severity.WARNING)
        problem_row(batch.pk, problem).save()


def undo_rates(*, batch_id: int) -> int:
    """Take the rates of a batch away again."""
    count, _ = ExchangeRate.objects.filter(source=source_name(batch_id)).delete()
    memo.forget()
    return count
