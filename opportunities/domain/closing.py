"""What closing deals would do, worked out by the same rules before anybody decides it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opportunities.domain.deal import DealError, DealState, Status
from opportunities.domain.listing import DealRow
from opportunities.domain.rules import RuleBook, apply_changes


@dataclass(frozen=True)
class Closing:
    """A deal and what it would be; `refusal` says why it cannot be closed so, "" when it can."""

    row: DealRow
    status: Status
    close_date: dt.date | None = None
    stage_name: str = ""
    refusal: str = ""


def closings(
    rows: Iterable[DealRow], changes: Mapping[str, Any], book: RuleBook, today: dt.date
) -> tuple[Closing, ...]:
    """Those of the deals that these changes would close, or whose closing the rules refuse."""
    return tuple(found for row in rows if (found := _closing(row, changes, book, today)) is not None)


def _closing(row: DealRow, changes: Mapping[str, Any], book: RuleBook, today: dt.date) -> Closing | None:
    before = DealState(
        name=row.name, owner_id=row.owner_id, process_id=row.process_id, stage_id=row.stage_id, status=row.status,
        category=row.category, subcategory_id=row.subcategory_id, amount=row.amount, currency_id=row.currency,
        probability=row.probability, close_date=row.close_date,
    )  # fmt: skip
    try:
        after = apply_changes(before, changes, book, today=today)
    except DealError as error:
        return Closing(row, row.status, refusal=error.message)
    if after.status is Status.OPEN or after.status is before.status:
        return None
    stage = book.stages.get(after.stage_id or 0)
    return Closing(row, after.status, after.close_date, stage.name if stage else "")
