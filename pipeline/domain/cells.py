"""What a roll-up answers with: sums of deals at one node, in one month, category, subcategory and currency."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Organization(StrEnum):
    """Which hierarchy a past instant is rolled up by."""

    THEN = "THEN"
    """The reporting lines of that day: a person who moved keeps past numbers under the manager of that time.
    """
    TODAY = "TODAY"
    """Today's reporting lines, applied to the past."""


class Cell(NamedTuple):
    """Sums of the deals under `node_id`, in the deals' own currency, not rounded.

    `month_id` is the fiscal month of close (0 = no close date), `subcategory_id` 0 = none. `unpriced` counts
    the deals among `deals` whose amount is not stated; `weighted` is the sum of amount x probability / 100. A tuple,
    because a page makes thousands of them.
    """

    node_id: int
    month_id: int
    category: str
    subcategory_id: int
    currency: str
    deals: int
    unpriced: int
    amount: Decimal
    weighted: Decimal


@dataclass(frozen=True, slots=True)
class Freshness:
    """How current the roll-ups are. They are exact at any moment; the queue only says how much work a read
    adds.

    `waiting` changes are not folded yet, the oldest since `oldest_at`; `differences` is what the last
    comparison with the deals found (0 always, unless something is broken).
    """

    waiting: int
    oldest_at: dt.datetime | None
    folded_at: dt.datetime | None
    rebuilt_at: dt.datetime | None
    reconciled_at: dt.datetime | None
    differences: int
    last_change_at: dt.datetime | None
