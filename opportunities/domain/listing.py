"""What is asked of the deals, and what screens get to show: plain values, complete totals."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from opportunities.domain.deal import Category, Status
from opportunities.domain.hygiene import Doubt
from organization.domain.facts import ReportingLines
from salesops.kernel.money import EXACT

PAGE_SIZE = 50
LARGEST_PAGE = 200
ORDERS = (
    "name", "account", "owner", "stage", "category", "amount", "close_date", "next_step", "probability",
    "entered", "pushes", "changed",
)  # fmt: skip


Group = tuple[str, str, dt.date | None, int, int, Decimal | None, Decimal | None]
"""Category, currency, close date (or the first day of its fiscal month); deals, those without an amount, the sum of
amounts and of amounts times percent."""


@dataclass(frozen=True)
class Worth:
    """What a unit of a currency is worth, for deals that close before a day (and not before the one of the last)."""

    currency: str
    close_to: dt.date
    factor: Decimal


@dataclass(frozen=True)
class DealQuery:
    """Which deals. Every part narrows; an empty part does not. Ids 0 stand for "none" (no owner, no subcategory …).

    `node_id` is a person with everybody below by the hierarchy of the time (`organization` THEN) or today's;
    `territory_id` and `family_id` include what lies below unless `exact_node`. Close dates: `[close_from, close_to)`.
    `order` is one of `ORDERS`, descending with a minus; ties by id; with `worth`, "amount" is the amount converted by
    it, in days' order for each currency. `size` 0 asks for every row.
    """

    owner_ids: tuple[int, ...] = ()
    node_id: int | None = None
    organization: ReportingLines = "THEN"
    close_from: dt.date | None = None
    close_to: dt.date | None = None
    no_close_date: bool = False
    categories: tuple[Category, ...] = ()
    statuses: tuple[Status, ...] = ()
    subcategory_ids: tuple[int, ...] = ()
    stage_ids: tuple[int, ...] = ()
    process_ids: tuple[int, ...] = ()
    account_ids: tuple[int, ...] = ()
    product_ids: tuple[int, ...] = ()
    family_id: int | None = None
    territory_id: int | None = None
    exact_node: bool = False
    currencies: tuple[str, ...] = ()
    deal_types: tuple[str, ...] = ()
    lead_sources: tuple[str, ...] = ()
    deal_ids: tuple[int, ...] = ()
    import_id: int | None = None
    """Deals that this import created or changed."""
    text: str = ""
    flag: str = ""
    order: str = "close_date"
    worth: tuple[Worth, ...] = ()
    page: int = 1
    size: int = PAGE_SIZE
    per_category: int = 0
    """With a number: the first so many of each category instead of a page, for a board. Totals stay complete."""


@dataclass(frozen=True)
class DealRow:
    """A deal in a list. `converted` is its value in corporate currency, unrounded; None without amount or rate."""

    id: int
    version: int
    name: str
    account_id: int | None
    account_name: str
    owner_id: int | None
    owner_name: str
    process_id: int | None
    stage_id: int | None
    stage_name: str
    status: Status
    category: Category
    subcategory_id: int | None
    subcategory_name: str
    amount: Decimal | None
    currency: str
    probability: Decimal | None
    close_date: dt.date | None
    started_on: dt.date | None
    next_step: str
    deal_type: str
    lead_source: str
    product_name: str
    territory_name: str
    created_at: dt.datetime
    changed_at: dt.datetime
    stage_entered_at: dt.datetime | None
    push_count: int
    converted: Decimal | None = None
    days_in_stage: int | None = None
    typical_days: int | None = None
    doubts: tuple[Doubt, ...] = ()
    may_edit: bool = False

    @property
    def weighted(self) -> Decimal | None:
        """Amount times probability."""
        if self.amount is None or self.probability is None:
            return None
        return EXACT.divide(EXACT.multiply(self.amount, self.probability), Decimal(100))

    @property
    def is_open(self) -> bool:
        """Whether the customer has not decided yet."""
        return self.status is Status.OPEN


@dataclass(frozen=True)
class CurrencySum:
    """The deals of one currency: how many, of them without an amount, and their sum and weighted sum."""

    currency: str
    count: int
    unpriced: int
    amount: Decimal
    weighted: Decimal


@dataclass(frozen=True)
class DealPage:
    """One page of rows and the totals of *all* deals that match, never of the page alone.

    `converted` is the exact sum in `currency` (corporate) at the rates of each deal's month of close; deals in
    `rates_missing` currencies are left out of it, and said.
    """

    rows: tuple[DealRow, ...]
    total_count: int
    sums: tuple[CurrencySum, ...]
    converted: Decimal
    currency: str
    page: int
    size: int
    at: dt.datetime | None = None
    rates_missing: tuple[str, ...] = ()
    weighted: Decimal = Decimal(0)

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total_count // self.size)) if self.size else 1

    @property
    def unpriced(self) -> int:
        """How many of all deals have no amount."""
        return sum(part.unpriced for part in self.sums)


@dataclass(frozen=True)
class LineRow:
    """A product on a deal."""

    position: int
    product_name: str
    family_name: str
    quantity: Decimal
    unit_price: Decimal | None
    amount: Decimal


@dataclass(frozen=True)
class SplitRow:
    """Somebody's share of a deal in percent, and what it comes to."""

    person_id: int
    person_name: str
    kind: str
    share: Decimal
    amount: Decimal | None = None


@dataclass(frozen=True)
class DealDetail:
    """Everything a deal's page shows beside its timeline."""

    row: DealRow
    source: str
    external_id: str
    process_name: str
    stage_guidance: str
    list_amount: Decimal | None
    account_industry: str
    account_country: str
    family_name: str
    minor_unit: int
    lines: tuple[LineRow, ...] = ()
    splits: tuple[SplitRow, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    is_current: bool = True
    is_by_hand: bool = False
    """Whether a person wrote it down here, so that it may be removed again."""


@dataclass(frozen=True)
class Removal:
    """A deal that was removed: when, by whom, and the act to undo where it is the viewer's own."""

    name: str
    at: dt.datetime
    by: str
    change_set_id: int | None


@dataclass(frozen=True)
class FieldChange:
    """One field's old and new value in words a person reads; `key` is the tracked column, or `splits`, whose values
    are tuples of `SplitRow`."""

    key: str
    old: Any
    new: Any
    currency: str = ""


@dataclass(frozen=True)
class TimelineEntry:
    """A version of a deal: what changed, since when, by whom, and where we know it from."""

    seq: int
    at: dt.datetime
    until: dt.datetime | None
    recorded_at: dt.datetime
    kind: str
    by: str
    note: str
    is_derived: bool
    category: Category
    changes: tuple[FieldChange, ...]
    import_batch_id: int | None = None
    source_row: int | None = None
    is_first: bool = False
    is_undo: bool = False
