"""The words a deal is described with: status, forecast category, and the state that history keeps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Whether the customer has decided, and how."""

    OPEN = "OPEN"
    WON = "WON"
    LOST = "LOST"


class Category(StrEnum):
    """Forecast categories. The order is that of confidence; OMITTED stays out of every forecast total."""

    WON = "WON"
    COMMIT = "COMMIT"
    UPSIDE = "UPSIDE"
    PIPELINE = "PIPELINE"
    LOST = "LOST"
    OMITTED = "OMITTED"


OPEN_CATEGORIES = (Category.COMMIT, Category.UPSIDE, Category.PIPELINE, Category.OMITTED)
"""What an open deal may be in; the person decides, the stage only suggests."""

TRACKED_FIELDS = (
    "name",
    "account_id",
    "owner_id",
    "process_id",
    "stage_id",
    "status",
    "category",
    "subcategory_id",
    "amount",
    "currency_id",
    "list_amount",
    "probability",
    "close_date",
    "started_on",
    "next_step",
    "deal_type",
    "lead_source",
    "territory_id",
    "product_id",
    "is_deleted",
)
"""The columns of `opportunity` that every `opportunity_version` repeats; a change in any of them makes a version."""


class DealError(ValueError):
    """A change that the rules of a deal refuse; `field` names the culprit, the message says how to mend it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class NotAllowed(DealError):
    """The deal is visible, but not the viewer's to change (an edge answers 403)."""

    def __init__(self, message: str = "You can see this deal but not change it.") -> None:
        super().__init__("", message)


class NotVisible(LookupError):
    """There is no such deal, or none this viewer may see: the two are not told apart (an edge answers 404)."""


class Conflict(Exception):
    """Somebody else changed the deal first (an edge answers 409 with both values).

    `current` holds what the fields are now, `theirs` what this writer wanted them to be.
    """

    def __init__(
        self,
        *,
        current: Mapping[str, Any],
        theirs: Mapping[str, Any],
        version: int,
        by: str = "",
        at: dt.datetime | None = None,
    ) -> None:
        super().__init__("The deal has changed since you read it.")
        self.current = dict(current)
        self.theirs = dict(theirs)
        self.version = version
        self.by = by
        self.at = at


@dataclass(frozen=True)
class DealState:
    """What was true of a deal during one interval (ids, not objects)."""

    name: str = ""
    account_id: int | None = None
    owner_id: int | None = None
    process_id: int | None = None
    stage_id: int | None = None
    status: Status = Status.OPEN
    category: Category = Category.PIPELINE
    subcategory_id: int | None = None
    amount: Decimal | None = None
    currency_id: str = ""
    list_amount: Decimal | None = None
    probability: Decimal | None = None
    close_date: dt.date | None = None
    started_on: dt.date | None = None
    next_step: str = ""
    deal_type: str = ""
    lead_source: str = ""
    territory_id: int | None = None
    product_id: int | None = None
    is_deleted: bool = False


@dataclass(frozen=True)
class PastState:
    """What was so of a deal from `valid_from` until the next state of the list, and how we know."""

    valid_from: dt.datetime
    state: DealState
    origin: str = "STATED"
    source_row: int | None = None
    change_set_id: int | None = None
    """The act it came from, when not the one that writes it down now."""


@dataclass(frozen=True)
class SavedDeal:
    """A deal's state with the version that a next change must name."""

    id: int
    version: int
    changed_at: dt.datetime
    state: DealState


@dataclass(frozen=True)
class DealChanged:
    """What a change did. `change_set_id` is None when nothing differed; `fields` are those that did."""

    change_set_id: int | None
    deal: SavedDeal
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class DealRefused:
    """A deal of a bulk change or an undo that was left as it is, and why."""

    id: int
    name: str
    message: str
    is_conflict: bool = False


@dataclass(frozen=True)
class DealsChanged:
    """What a bulk change or an undo did: one change set for all, and the deals left out."""

    change_set_id: int | None
    changed: tuple[DealChanged, ...] = ()
    refused: tuple[DealRefused, ...] = ()


def category_fits(status: Status, category: Category) -> bool:
    """Closing forces Won or Lost; an open deal is in neither."""
    if status is Status.WON:
        return category is Category.WON
    if status is Status.LOST:
        return category is Category.LOST
    return category in OPEN_CATEGORIES
