"""The words a deal is described with: status, forecast category, and the state that history keeps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


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


def category_fits(status: Status, category: Category) -> bool:
    """Closing forces Won or Lost; an open deal is in neither."""
    if status is Status.WON:
        return category is Category.WON
    if status is Status.LOST:
        return category is Category.LOST
    return category in OPEN_CATEGORIES
