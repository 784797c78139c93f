"""What a change of a deal entails: the stage suggests, the person decides, closing forces, nothing is invented."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from opportunities.domain.deal import (
    OPEN_CATEGORIES,
    TRACKED_FIELDS,
    Category,
    DealError,
    DealState,
    Status,
)

FIRST_DATE, LAST_DATE = dt.date(1990, 1, 1), dt.date(2059, 12, 31)
LARGEST_AMOUNT = Decimal(10) ** 13
EDITABLE = tuple(f for f in TRACKED_FIELDS if f != "is_deleted")
"""What people may set; deletion has its own verb."""

_LENGTHS = {"name": 255, "next_step": 500, "deal_type": 64, "lead_source": 64}
_CLOSED = {Status.WON: Category.WON, Status.LOST: Category.LOST}


@dataclass(frozen=True)
class StageFacts:
    """A step of a process, as far as the rules need it."""

    id: int
    process_id: int
    name: str
    position: int
    status: Status
    category: Category
    probability: Decimal
    is_active: bool = True


@dataclass(frozen=True)
class SubcategoryFacts:
    """A finer division of a category."""

    id: int
    category: Category
    name: str = ""
    is_active: bool = True


@dataclass(frozen=True)
class RuleBook:
    """How the company sells: the stages and subcategories the rules look things up in."""

    stages: Mapping[int, StageFacts] = field(default_factory=dict)
    subcategories: Mapping[int, SubcategoryFacts] = field(default_factory=dict)

    def closing_stage(self, process_id: int | None, status: Status) -> StageFacts | None:
        """The first active stage of the process with that outcome."""
        found = [
            s
            for s in self.stages.values()
            if s.process_id == process_id and s.status is status and s.is_active
        ]
        return min(found, key=lambda s: s.position, default=None)


def apply_changes(
    state: DealState,
    changes: Mapping[str, Any],
    book: RuleBook,
    *,
    today: dt.date,
    last_open_stage_id: int | None = None,
) -> DealState:
    """The state after these changes and all they entail. Raises `DealError`.

    A stage with an outcome, or category Won or Lost, closes: status, category and probability follow, the stage
    becomes the process's closing stage, the close date is today unless stated; a deal is won with an amount. An open
    stage or category on a closed deal reopens it, in its last open stage unless one is stated. Between open stages the
    category and probability follow the suggestion as long as nobody had decided otherwise. A subcategory that does
    not belong to the new category falls away.
    """
    unknown = set(changes) - set(TRACKED_FIELDS)
    if unknown:
        raise DealError(sorted(unknown)[0], "A deal has no such field.")
    stated = {name: _clean(name, value) for name, value in changes.items()}
    wanted = {name: value for name, value in stated.items() if value != getattr(state, name)}
    if not wanted:
        return state
    stage = _stage(state, wanted, book)
    status = _status(state, wanted, stage)
    entailed = _entailed(state, wanted, stage, status, book, today, last_open_stage_id)
    kept = set(stated) - (set() if status is state.status else {"category", "stage_id"})
    entailed = {name: value for name, value in entailed.items() if name not in kept}
    after = replace(state, **{**entailed, **wanted, "status": status})
    after = _with_fitting_subcategory(after, wanted, book)
    _check(state, after, wanted, today)
    return after


def differences(before: DealState, after: DealState) -> tuple[str, ...]:
    """The fields that differ, in the order of `TRACKED_FIELDS`."""
    return tuple(name for name in TRACKED_FIELDS if getattr(before, name) != getattr(after, name))


def _clean(name: str, value: Any) -> Any:
    if name in _LENGTHS:
        text = " ".join(str(value or "").split())
        if "\x00" in text or len(text) > _LENGTHS[name]:
            raise DealError(name, f"Use at most {_LENGTHS[name]} characters.")
        return text
    if name == "status":
        return Status(value)
    if name == "category":
        return Category(value)
    if isinstance(value, Decimal) and not value.is_finite():
        raise DealError(name, "Write a number.")
    return value


def _stage(state: DealState, wanted: dict[str, Any], book: RuleBook) -> StageFacts | None:
    """The stage moved to, if any; it must be of the deal's process (which it may itself determine)."""
    if "process_id" in wanted and "stage_id" not in wanted:
        wanted["stage_id"] = None
    stage_id = wanted.get("stage_id")
    if stage_id is None:
        return None
    stage = book.stages.get(stage_id)
    process_id = wanted.get("process_id", state.process_id)
    if stage is None or (process_id is not None and stage.process_id != process_id):
        raise DealError("stage_id", "Choose a stage of this deal's process.")
    if process_id is None:
        wanted["process_id"] = stage.process_id
    return stage


def _status(state: DealState, wanted: dict[str, Any], stage: StageFacts | None) -> Status:
    """What stage, category and status, as far as stated, say together. They must not contradict each other."""
    said: dict[str, Status] = {}
    if stage is not None:
        said["stage_id"] = stage.status
    if "category" in wanted:
        said["category"] = {Category.WON: Status.WON, Category.LOST: Status.LOST}.get(
            wanted["category"], Status.OPEN
        )
    if "status" in wanted:
        said["status"] = wanted["status"]
    if len(set(said.values())) > 1:
        raise DealError(
            list(said)[-1],
            "Stage and category contradict each other: one closes the deal, the other does not.",
        )
    return next(iter(said.values()), state.status)


def _entailed(
    state: DealState,
    wanted: dict[str, Any],
    stage: StageFacts | None,
    status: Status,
    book: RuleBook,
    today: dt.date,
    last_open_stage_id: int | None,
) -> dict[str, Any]:
    if status is not Status.OPEN:
        return {} if status is state.status else _closing(state, wanted, stage, status, book, today)
    if state.status is not Status.OPEN:
        return _reopening(stage, book, last_open_stage_id)
    return _following(state, stage, book)


def _closing(
    state: DealState,
    wanted: dict[str, Any],
    stage: StageFacts | None,
    status: Status,
    book: RuleBook,
    today: dt.date,
) -> dict[str, Any]:
    process_id = wanted.get("process_id", state.process_id)
    closing = stage or book.closing_stage(process_id, status)
    return {
        "category": _CLOSED[status],
        "probability": Decimal(100) if status is Status.WON else Decimal(0),
        "close_date": today,
        "stage_id": closing.id if closing else state.stage_id,
    }


def _reopening(stage: StageFacts | None, book: RuleBook, last_open_stage_id: int | None) -> dict[str, Any]:
    """Back to where it was. The close date stays: the hygiene queue asks for a new one, none is invented."""
    last = book.stages.get(last_open_stage_id or 0)
    back = stage or (last if last is not None and last.status is Status.OPEN else None)
    return {
        "stage_id": back.id if back else None,
        "category": back.category if back and back.category in OPEN_CATEGORIES else Category.PIPELINE,
        "probability": back.probability if back else None,
    }


def _following(state: DealState, stage: StageFacts | None, book: RuleBook) -> dict[str, Any]:
    if stage is None:
        return {}
    former = book.stages.get(state.stage_id or 0)
    entailed: dict[str, Any] = {}
    if former is None or state.category is former.category:
        entailed["category"] = stage.category
    if state.probability is None or (former is not None and state.probability == former.probability):
        entailed["probability"] = stage.probability
    return entailed


def _with_fitting_subcategory(after: DealState, wanted: dict[str, Any], book: RuleBook) -> DealState:
    if after.subcategory_id is None:
        return after
    subcategory = book.subcategories.get(after.subcategory_id)
    if subcategory is not None and subcategory.category is after.category:
        return after
    if "subcategory_id" in wanted:
        raise DealError("subcategory_id", "This subcategory belongs to another category.")
    return replace(after, subcategory_id=None)


def _check(before: DealState, after: DealState, wanted: dict[str, Any], today: dt.date) -> None:
    """Only what changes is judged, so that an oddity of an import does not block an unrelated edit."""
    if not after.name:
        raise DealError("name", "Give the deal a name.")
    for name in ("amount", "list_amount"):
        if getattr(after, name) != getattr(before, name):
            _check_amount(name, getattr(after, name))
    if after.probability != before.probability and not 0 <= (after.probability or 0) <= 100:
        raise DealError("probability", "Write a percentage from 0 to 100.")
    for name in ("close_date", "started_on"):
        day = getattr(after, name)
        if name in wanted and day is not None and not FIRST_DATE <= day <= LAST_DATE:
            raise DealError(name, f"Write a date from {FIRST_DATE.year} to {LAST_DATE.year}.")
    if after.status is not Status.OPEN:
        _check_closed(before, after, wanted, today)


def _check_closed(before: DealState, after: DealState, wanted: dict[str, Any], today: dt.date) -> None:
    closes = before.status is not after.status
    if (closes or "close_date" in wanted) and after.close_date is None:
        raise DealError("close_date", "Say when it was closed.")
    if (closes or "close_date" in wanted) and after.close_date is not None and after.close_date > today:
        raise DealError("close_date", "A closed deal was closed today or earlier.")
    if after.status is Status.WON and after.amount is None and (closes or "amount" in wanted):
        raise DealError("amount", "Say the amount it was won with, then close it as won.")


def _check_amount(name: str, amount: Decimal | None) -> None:
    if amount is None:
        return
    if amount < 0:
        raise DealError(name, "Write an amount of zero or more.")
    if amount >= LARGEST_AMOUNT:
        raise DealError(name, "That amount is too large to be one deal's.")
    if amount != amount.quantize(Decimal("0.0001")):
        raise DealError(name, "Use at most four decimals.")
