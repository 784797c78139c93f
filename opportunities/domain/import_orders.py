"""Orders as won deals: the lines of one order make one deal whose amount is their sum."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from opportunities.domain.import_deals import DealReader
from opportunities.domain.import_history import State
from opportunities.domain.import_rows import Record
from salesops.kernel.said import Said
from salesops.kernel.tabular import Problem, Severity

_ANOTHER = {
    "currency": Said("has another currency than the first line of its order; they make no sum"),
    "owner": Said("has another owner than the first line of its order; the first is taken"),
    "account": Said("has another account than the first line of its order; the first is taken"),
    "close_date": Said("has another close date than the first line of its order; the first is taken"),
    "territory": Said("has another territory than the first line of its order; the first is taken"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """A won deal with its lines."""

    key: str
    line: int
    state: State
    moments: dict[str, Any]
    lines: list[dict[str, Any]]


def order_of(key: str, records: list[Record], deals: DealReader, columns: dict[str, str]) -> Order:
    """Assemble an order. Whoever sold its first line owns it; a line by somebody else is reported."""
    states = [deals.deal(record, columns)[0] for record in records]
    first = states[0]
    for record, state in zip(records, states, strict=True):
        _compare(record, state, first, deals)
    lines = [
        _line(number, record, state)
        for number, (record, state) in enumerate(zip(records, states, strict=True), start=1)
    ]
    total = sum((line["amount"] for line in lines), Decimal(0))
    main = max(lines, key=lambda line: line["amount"])
    state = {
        **first,
        "name": key,
        "status": "WON",
        "category": "WON",
        "amount": total,
        "product": main["product"],
        "list_amount": None,
    }
    moments = {"created_at": None, "changed_at": None, "stage_entered_at": None, "started_at": None}
    return Order(key, records[0].line, state, moments, lines)


def _compare(record: Record, state: State, first: State, deals: DealReader) -> None:
    """Tell in what a line differs from the first of its order; in another currency it is no part of the order's sum."""
    differing = next((name for name in _ANOTHER if state[name] != first[name]), None)
    if differing is None:
        return
    is_no_part = differing == "currency"
    record.is_rejected |= is_no_part
    value = str(record.values.get(differing, ""))
    where = (deals.file, record.line, record.column(differing))
    severity = Severity.ERROR if is_no_part else Severity.WARNING
    message, cure = _ANOTHER[differing], Said("Split the order.")
    deals.gather.add(Problem(*where, value, message, cure, "MIXED_ORDER", severity))


def _line(number: int, record: Record, state: State) -> dict[str, Any]:
    return {
        "position": number,
        "product": state["product"],
        "quantity": record.values.get("quantity", Decimal(1)),
        "unit_price": record.values.get("unit_price"),
        "amount": record.values.get("amount", Decimal(0)),
    }
