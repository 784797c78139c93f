"""What makes a deal's forecast doubtful, each with its reason in words and what would settle it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from opportunities.domain.deal import Category, DealState, Status

SOON_DAYS = 30
FAR_DAYS = 548
MANY_PUSHES = 3
STALE_FACTOR = 2
STALE_AT_LEAST_DAYS = 14
ENOUGH_WON_DEALS = 5
"""Fewer won deals than this say nothing about how long a stage takes."""


class Flag(StrEnum):
    """Kinds of doubt, most pressing first."""

    PAST_CLOSE = "PAST_CLOSE"
    NO_CLOSE_DATE = "NO_CLOSE_DATE"
    NO_AMOUNT = "NO_AMOUNT"
    MISMATCH = "MISMATCH"
    STALE = "STALE"
    NO_NEXT_STEP = "NO_NEXT_STEP"
    PUSHED = "PUSHED"
    FAR_CLOSE = "FAR_CLOSE"


CURE_FIELD: dict[Flag, str] = {
    Flag.PAST_CLOSE: "close_date",
    Flag.NO_CLOSE_DATE: "close_date",
    Flag.NO_AMOUNT: "amount",
    Flag.MISMATCH: "category",
    Flag.STALE: "stage_id",
    Flag.NO_NEXT_STEP: "next_step",
    Flag.PUSHED: "close_date",
    Flag.FAR_CLOSE: "close_date",
}
"""The field whose change settles the doubt."""

_CONFIDENCE = {Category.COMMIT: 3, Category.UPSIDE: 2, Category.PIPELINE: 1, Category.OMITTED: 0}
FORECAST_CATEGORIES = (Category.COMMIT, Category.UPSIDE, Category.PIPELINE)
"""Open deals that count; what is omitted on purpose is not nagged about."""
ASKED_FOR_NEXT_STEP = (Category.COMMIT, Category.UPSIDE)


@dataclass(frozen=True)
class Doubt:
    """One reason to look at a deal: the flag and the numbers its sentence needs."""

    flag: Flag
    days: int = 0
    typical: int = 0
    words: str = ""

    @property
    def cure_field(self) -> str:
        """The field whose change settles it."""
        return CURE_FIELD[self.flag]


@dataclass(frozen=True)
class Typical:
    """How long won deals stay in each stage: median days, of stages enough won deals went through."""

    days: Mapping[int, int] = field(default_factory=dict)

    def stale_after(self, stage_id: int | None) -> int | None:
        """Days in the stage after which a deal counts as stale; None when nothing is known."""
        median = self.days.get(stage_id or 0)
        return None if median is None else max(median * STALE_FACTOR, STALE_AT_LEAST_DAYS)


@dataclass(frozen=True)
class Condition:
    """What the rules look at beside the deal's state."""

    today: dt.date
    days_in_stage: int | None = None
    push_count: int = 0
    suggested: Category | None = None


def doubts(state: DealState, condition: Condition, typical: Typical) -> tuple[Doubt, ...]:
    """Why an open deal needs a look, most pressing first; nothing for closed and omitted ones.

    Past its close date; no close date; no amount; category two steps from what the stage suggests; longer in its stage
    than twice the median of won deals (and two weeks); no next step although committed, upside or closing within 30
    days; pushed three times or more; expected more than 18 months from now.
    """
    if state.status is not Status.OPEN or state.category not in FORECAST_CATEGORIES:
        return ()
    found = [_dated(state, condition.today), _unpriced(state), _mismatch(state, condition.suggested)]
    found += [_stale(state, condition, typical), _no_next_step(state, condition.today)]
    if condition.push_count >= MANY_PUSHES:
        found.append(Doubt(Flag.PUSHED, condition.push_count))
    if state.close_date and (state.close_date - condition.today).days > FAR_DAYS:
        found.append(Doubt(Flag.FAR_CLOSE, (state.close_date - condition.today).days))
    return tuple(doubt for doubt in found if doubt is not None)


def _dated(state: DealState, today: dt.date) -> Doubt | None:
    if state.close_date is None:
        return Doubt(Flag.NO_CLOSE_DATE)
    late = (today - state.close_date).days
    return Doubt(Flag.PAST_CLOSE, late) if late > 0 else None


def _unpriced(state: DealState) -> Doubt | None:
    return Doubt(Flag.NO_AMOUNT) if state.amount is None or state.amount == Decimal(0) else None


def is_mismatch(category: Category, suggested: Category | None) -> bool:
    """Whether the category is two steps or more from what the stage suggests."""
    if category not in _CONFIDENCE or suggested not in _CONFIDENCE:
        return False
    return abs(_CONFIDENCE[category] - _CONFIDENCE[suggested]) >= 2


def _mismatch(state: DealState, suggested: Category | None) -> Doubt | None:
    return Doubt(Flag.MISMATCH, words=suggested or "") if is_mismatch(state.category, suggested) else None


def _stale(state: DealState, condition: Condition, typical: Typical) -> Doubt | None:
    limit = typical.stale_after(state.stage_id)
    if limit is None or condition.days_in_stage is None or condition.days_in_stage <= limit:
        return None
    return Doubt(Flag.STALE, condition.days_in_stage, typical.days[state.stage_id or 0])


def _no_next_step(state: DealState, today: dt.date) -> Doubt | None:
    if state.next_step.strip():
        return None
    soon = state.close_date is not None and (state.close_date - today).days <= SOON_DAYS
    return Doubt(Flag.NO_NEXT_STEP) if state.category in ASKED_FOR_NEXT_STEP or soon else None
