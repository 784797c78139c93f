"""What moved a forecast column between two instants, and by how much: a decomposition that balances exactly.

Each deal is carried from its state at the first instant to its state at the second by changing one thing at a time, in
a declared order (`PRECEDENCE`). A step's contribution is the deal's value after it minus its value before it, so the
contributions of a deal telescope to its whole difference, and opening plus all bars is closing to the last digit.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from enum import StrEnum

from opportunities.domain.deal import Category, Status
from salesops.kernel.money import EXACT

ZERO = Decimal(0)


class Cause(StrEnum):
    """Why a deal's contribution changed; a deal appears at most once under each."""

    CREATED = "CREATED"
    REOPENED = "REOPENED"
    PULLED_IN = "PULLED_IN"
    PUSHED_IN = "PUSHED_IN"
    PUSHED_OUT = "PUSHED_OUT"
    PULLED_OUT = "PULLED_OUT"
    TRANSFERRED_IN = "TRANSFERRED_IN"
    TRANSFERRED_OUT = "TRANSFERRED_OUT"
    CATEGORY_UP = "CATEGORY_UP"
    CATEGORY_DOWN = "CATEGORY_DOWN"
    AMOUNT_UP = "AMOUNT_UP"
    AMOUNT_DOWN = "AMOUNT_DOWN"
    CURRENCY = "CURRENCY"
    WON = "WON"
    LOST = "LOST"
    OMITTED = "OMITTED"
    DELETED = "DELETED"


PRECEDENCE: tuple[Cause, ...] = tuple(Cause)
"""The order in which a deal's changes are told, which is also the order of the bars."""

CONFIDENCE = {
    Category.OMITTED: 0,
    Category.LOST: 0,
    Category.PIPELINE: 1,
    Category.UPSIDE: 2,
    Category.COMMIT: 3,
    Category.WON: 4,
}


@dataclass(frozen=True)
class DealThen:
    """A deal as it stood at one instant, with all that decides its value in a column.

    `rate` is the reporting currency per unit of `currency` as used at that instant; `inside` says whether it lay under
    the node then (owner and hierarchy of that time).
    """

    status: Status
    category: Category
    currency: str
    subcategory_id: int = 0
    amount: Decimal | None = None
    close_date: dt.date | None = None
    rate: Decimal = Decimal(1)
    inside: bool = True


@dataclass(frozen=True)
class DealChange:
    """One deal at the two instants; None where it did not exist (or was deleted)."""

    deal_id: int
    before: DealThen | None
    after: DealThen | None


@dataclass(frozen=True)
class Window:
    """The column watched: its categories (and one subcategory, or None for all), and the days `[from, to)`."""

    categories: frozenset[Category]
    from_date: dt.date
    to_date: dt.date
    subcategory_id: int | None = None

    def holds(self, deal: DealThen) -> bool:
        """Whether the deal counts in the column."""
        return (
            deal.inside
            and deal.category in self.categories
            and (self.subcategory_id is None or deal.subcategory_id == self.subcategory_id)
            and deal.close_date is not None
            and self.from_date <= deal.close_date < self.to_date
        )

    def value(self, deal: DealThen | None) -> Decimal:
        """What the deal contributes to the column, in the reporting currency; nothing when it does not count."""
        if deal is None or deal.amount is None or not self.holds(deal):
            return ZERO
        return deal.amount * deal.rate


@dataclass(frozen=True)
class Step:
    """One deal's contribution to one bar."""

    deal_id: int
    cause: Cause
    change: Decimal


@dataclass(frozen=True)
class Bar:
    """The sum of one cause, and how many deals it has."""

    cause: Cause
    change: Decimal
    deals: int


@dataclass(frozen=True)
class Waterfall:
    """Opening + sum of bars = closing, exactly; `steps` are the deals behind the bars."""

    opening: Decimal
    closing: Decimal
    bars: tuple[Bar, ...]
    steps: tuple[Step, ...]

    def balances(self) -> bool:
        """Whether the bars explain the whole difference; always so, and asserted wherever one is shown."""
        with localcontext(EXACT):
            return self.opening + sum((bar.change for bar in self.bars), ZERO) == self.closing


def decompose(changes: Iterable[DealChange], window: Window) -> Waterfall:
    """Explains the difference of a column between two instants by cause and deal."""
    with localcontext(EXACT):
        opening, closing, steps = ZERO, ZERO, list[Step]()
        for change in changes:
            opening += window.value(change.before)
            closing += window.value(change.after)
            steps += steps_of(change, window)
        return Waterfall(opening, closing, tuple(_bars(steps)), tuple(steps))


def _bars(steps: Iterable[Step]) -> list[Bar]:
    sums: dict[Cause, Decimal] = defaultdict(Decimal)
    deals: dict[Cause, int] = defaultdict(int)
    for step in steps:
        sums[step.cause] += step.change
        deals[step.cause] += 1
    return [Bar(cause, sums[cause], deals[cause]) for cause in PRECEDENCE if deals[cause]]


def steps_of(change: DealChange, window: Window) -> list[Step]:
    """The contributions of one deal, in order of precedence; empty when nothing of it counts or changed."""
    before, after = change.before, change.after
    if before is None or after is None:
        whole = window.value(after) - window.value(before)
        cause = Cause.CREATED if before is None else Cause.DELETED
        return [Step(change.deal_id, cause, whole)] if whole else []
    steps, state, at = [], before, window.value(before)
    for turn in _TURNS:
        named, state = turn(state, after, window)
        value = window.value(state)
        if value != at:
            steps.append(Step(change.deal_id, named or _by_sign(value - at), value - at))
            at = value
    return steps


def _by_sign(change: Decimal) -> Cause:
    return Cause.AMOUNT_UP if change > 0 else Cause.AMOUNT_DOWN


Turn = tuple[Cause | None, DealThen]


def _take_category(state: DealThen, after: DealThen) -> DealThen:
    return replace(state, status=after.status, category=after.category, subcategory_id=after.subcategory_id)


def _reopen(state: DealThen, after: DealThen, _: Window) -> Turn:
    if state.status is not Status.OPEN and after.status is Status.OPEN:
        return Cause.REOPENED, _take_category(state, after)
    return Cause.REOPENED, state


def _move_date(state: DealThen, after: DealThen, window: Window) -> Turn:
    """Into the window from later is pulled in, from earlier pushed in; an undated deal counts as far in the future."""
    far = dt.date.max
    if _in_days(after.close_date, window):
        cause = Cause.PULLED_IN if (state.close_date or far) >= window.to_date else Cause.PUSHED_IN
    else:
        cause = Cause.PUSHED_OUT if (after.close_date or far) >= window.to_date else Cause.PULLED_OUT
    return cause, replace(state, close_date=after.close_date)


def _in_days(day: dt.date | None, window: Window) -> bool:
    return day is not None and window.from_date <= day < window.to_date


def _transfer(state: DealThen, after: DealThen, _: Window) -> Turn:
    cause = Cause.TRANSFERRED_IN if after.inside else Cause.TRANSFERRED_OUT
    return cause, replace(state, inside=after.inside)


def _change_category(state: DealThen, after: DealThen, window: Window) -> Turn:
    """An open deal that stays open. Up and down follow confidence; within a category, the effect on the column."""
    if not state.status is after.status is Status.OPEN or after.category is Category.OMITTED:
        return Cause.CATEGORY_UP, state
    moved = _take_category(state, after)
    rise = CONFIDENCE[after.category] - CONFIDENCE[state.category]
    up = rise > 0 or (rise == 0 and window.value(moved) > window.value(state))
    return (Cause.CATEGORY_UP if up else Cause.CATEGORY_DOWN), moved


def _change_amount(state: DealThen, after: DealThen, _: Window) -> Turn:
    """In the deal's own currency; when that itself changed, its worth then against its worth now."""
    if state.currency == after.currency:
        return None, replace(state, amount=after.amount)
    return None, replace(state, amount=after.amount, currency=after.currency, rate=after.rate)


def _revalue(state: DealThen, after: DealThen, _: Window) -> Turn:
    return Cause.CURRENCY, replace(state, rate=after.rate)


def _close(state: DealThen, after: DealThen, _: Window) -> Turn:
    """Won or lost, also when the outcome itself was corrected; a subcategory of a closed deal goes with it."""
    if after.status is Status.OPEN:
        return Cause.OMITTED, state
    cause = Cause.WON if after.status is Status.WON else Cause.LOST
    return cause, _take_category(state, after)


def _omit(state: DealThen, after: DealThen, _: Window) -> Turn:
    return Cause.OMITTED, _take_category(state, after)


_TURNS = (_reopen, _move_date, _transfer, _change_category, _change_amount, _revalue, _close, _omit)


def steps_by_cause(waterfall: Waterfall) -> Mapping[Cause, tuple[Step, ...]]:
    """The deals behind each bar, largest change first."""
    found: dict[Cause, list[Step]] = defaultdict(list)
    for step in waterfall.steps:
        found[step.cause].append(step)
    return {
        cause: tuple(sorted(steps, key=lambda s: (-abs(s.change), s.deal_id)))
        for cause, steps in found.items()
    }


@dataclass(frozen=True)
class DealLabel:
    """What to call a deal in a list of what moved: as it is now, or as it was when it is no longer the viewer's."""

    name: str
    account: str
    owner: str
    is_visible: bool = True
    """Whether the viewer may open it as it is now."""


@dataclass(frozen=True)
class Moves:
    """Deals that counted in a column at one of two instants, at both, and what to call them."""

    changes: tuple[DealChange, ...]
    labels: Mapping[int, DealLabel]
