"""One field of a deal as typed by a person, and the filters of a list as written in its address."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from opportunities.domain.deal import Category, DealError, Status
from opportunities.domain.hygiene import Flag
from opportunities.domain.listing import ORDERS, DealQuery
from opportunities.forms.amounts import parse_amount
from salesops.kernel.numbers import counted


def parse_date(text: str) -> dt.date | None:
    """An ISO date; blank is None."""
    if not text.strip():
        return None
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError as error:
        raise DealError("close_date", _("Write a date as year-month-day.")) from error


def _identity(text: str) -> int | None:
    if not text.strip():
        return None
    number = counted(text)
    if number is None:
        raise DealError("", _("Choose one of the list."))
    return number


def _category(text: str) -> Category:
    if text not in Category.__members__:
        raise DealError("category", _("Choose a category."))
    return Category(text)


_FIELDS: dict[str, Callable[[str], Any]] = {
    "name": str,
    "next_step": str,
    "deal_type": str,
    "lead_source": str,
    "probability": lambda text: parse_amount(text.replace("%", "")),
    "close_date": parse_date,
    "started_on": parse_date,
    "category": _category,
    "subcategory_id": _identity,
    "stage_id": _identity,
    "owner_id": _identity,
}


def changes_from(field: str, text: str, currency: str = "") -> dict[str, Any]:
    """The change one edited field means; `currency` is that of the deal. Raises `DealError`."""
    if field == "amount":
        return {"amount": parse_amount(text, currency)}
    if field not in _FIELDS:
        raise DealError(field, _("This cannot be changed here."))
    return {field: _FIELDS[field](text)}


def items_from(text: str) -> list[tuple[int, int]]:
    """`12:3,15:1` as (id, version) pairs; raises `DealError` for anything else."""
    pairs = [
        (counted(a), counted(b)) for a, _s, b in (part.partition(":") for part in text.split(",") if part)
    ]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    if not pairs or len(pairs) > 500 or len(known) < len(pairs):
        raise DealError("", _("Select up to 500 deals."))
    return known


VIEWS = ("list", "board")
STATES = ("open", "won", "lost", "all")


@dataclass(frozen=True)
class Asked:
    """What the address of a list asks for, beside the query itself."""

    query: DealQuery
    view: str
    state: str
    period: str
    attention: bool

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the defaults is asked."""
        q = self.query
        return bool(
            q.text or q.owner_ids or q.categories or q.stage_ids or q.account_ids or q.flag or self.period
            or q.import_id is not None or q.process_ids or q.subcategory_ids or q.no_close_date or self.state != "open"
        )  # fmt: skip


def asked_from(
    get: QueryDict, windows: Mapping[str, tuple[dt.date, dt.date]], default_state: str = "open"
) -> Asked:
    """The list asked for; what is nonsense is left out. `windows` are the close-date periods by name."""
    categories = _categories(get)
    closed = {Category.WON, Category.LOST} & set(categories)
    state = get.get("state", "") if get.get("state") in STATES else ("all" if closed else default_state)
    period = get.get("closing", "")
    window = windows.get(period) or _stated_window(get)
    order = get.get("sort", "")
    flag = get.get("flag", "")
    view = get.get("view", "")
    query = DealQuery(
        owner_ids=_ids(get, "owner"),
        close_from=window[0] if window else None,
        close_to=window[1] if window else None,
        no_close_date=period == "none",
        categories=categories,
        statuses=() if state == "all" else (Status(state.upper()),),
        subcategory_ids=_ids(get, "subcategory"),
        stage_ids=_ids(get, "stage"),
        process_ids=_ids(get, "process"),
        account_ids=_ids(get, "account"),
        import_id=next(iter(_ids(get, "import")), None),
        text=get.get("q", "")[:100],
        flag=flag if flag == "ANY" or flag in Flag.__members__ else "",
        order=order if order.lstrip("-") in ORDERS else "close_date",
        page=_number(get.get("page", ""), 1),
        size=_number(get.get("size", ""), 50),
    )
    known = period if period in windows or period == "none" else ("stated" if window else "")
    return Asked(query, view if view in VIEWS else "list", state, known, bool(query.flag))


def _categories(get: QueryDict) -> tuple[Category, ...]:
    """`?category=COMMIT&category=UPSIDE` or `?category=COMMIT,UPSIDE`."""
    said = [part for text in get.getlist("category") for part in text.split(",")]
    return tuple(dict.fromkeys(Category(c) for c in said if c in Category.__members__))


def _stated_window(get: QueryDict) -> tuple[dt.date, dt.date] | None:
    """`?from=…&to=…`, half-open, as links from figures carry it."""
    try:
        return dt.date.fromisoformat(get.get("from", "")), dt.date.fromisoformat(get.get("to", ""))
    except ValueError:
        return None


def _ids(get: QueryDict, name: str) -> tuple[int, ...]:
    return tuple(number for text in get.getlist(name) if (number := counted(text)) is not None)


def _number(text: str, default: int) -> int:
    number = counted(text[:7])
    return default if number is None or len(text) > 6 else max(number, 1)
