"""Dates as exports write them, read by explicit formats only.

`date.fromisoformat` accepts ISO weeks and `dateutil` guesses; neither is used. A slash date is ambiguous by
nature, so the order of day, month and year is a property of a *column*, inferred from all its values; what
stays open becomes a question to a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from salesops.kernel.said import BadValue, Said


class DateOrder(StrEnum):
    """How a column writes dates that are not in ISO form."""

    DMY = "DMY"
    MDY = "MDY"
    YMD = "YMD"
    EXCEL_1900 = "EXCEL_1900"
    """Serial day number, 1900 system (45292 = 2024-01-01)."""
    EXCEL_1904 = "EXCEL_1904"
    """Serial day number, 1904 system (old Macintosh workbooks)."""


class BadDate(BadValue):
    """The text is not a date in the column's format."""


CENTURY_PIVOT = 70
"""Two-digit years below this are 20xx, others 19xx."""

ZERO_DATES = frozenset({"0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "0000/00/00", "1900-01-00"})
"""What databases write for "no date"; read as blank."""

_TIME = (
    r"(?:[T ]{1,9}(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?\s?(?P<ap>[AaPp]\.?[Mm]\.?)?)?"
    r"\s?(?P<z>Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
)
_ISO = re.compile(r"(?P<y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})" + _TIME, re.ASCII)
_COMPACT = re.compile(r"(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})" + _TIME, re.ASCII)
_TRIPLE = re.compile(
    r"(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{4}|\d{2}),?" + _TIME, re.ASCII
)
_NAMED = re.compile(
    r"(?P<d>\d{1,2})[ .-]+(?P<mon>[A-Za-z]{3,9})\.?[ ,.-]+(?P<y>\d{4}|\d{2})" + _TIME, re.ASCII
)
_NAMED_US = re.compile(r"(?P<mon>[A-Za-z]{3,9})\.? (?P<d>\d{1,2}),? (?P<y>\d{4})" + _TIME, re.ASCII)
_SERIAL = re.compile(r"(?P<day>\d{4,6})(?:\.(?P<frac>\d{1,12}))?", re.ASCII)
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"), start=1)
    for name in names.split()
}  # fmt: skip
_EPOCH = {DateOrder.EXCEL_1900: date(1899, 12, 30), DateOrder.EXCEL_1904: date(1904, 1, 1)}


def parse_moment(text: str, order: DateOrder | None = None) -> date | datetime:
    """A `date`, or a `datetime` where the text states a time (aware where it states an offset).

    `order` is the column's order; ISO forms and named months need none. Raises `BadDate`.
    """
    text = text.strip()
    match = _ISO.fullmatch(text) or _COMPACT.fullmatch(text)
    if match:
        return _build(int(match["y"]), int(match["m"]), int(match["d"]), match)
    match = _NAMED.fullmatch(text) or _NAMED_US.fullmatch(text)
    if match:
        return _build(_year(match["y"]), _month(match["mon"]), int(match["d"]), match)
    match = _TRIPLE.fullmatch(text)
    if match:
        return _triple(match, order)
    match = _SERIAL.fullmatch(text)
    if match and order in _EPOCH:
        return _serial(match, _EPOCH[order])  # type: ignore[index]
    raise BadDate(Said("is not a date in a known form (such as 2026-03-31, 31/03/2026 or 31 Mar 2026)"))


def _triple(match: re.Match[str], order: DateOrder | None) -> date | datetime:
    a, b, c = match["a"], match["b"], match["c"]
    if order is DateOrder.DMY:
        return _build(_year(c), int(b), int(a), match)
    if order is DateOrder.MDY:
        return _build(_year(c), int(a), int(b), match)
    if order is DateOrder.YMD and len(c) == 2:
        return _build(_year(a), int(b), int(c), match)
    raise BadDate(Said("does not fit the date order of its column"))


def _build(year: int, month: int, day: int, match: re.Match[str]) -> date | datetime:
    try:
        on = date(year, month, day)
    except ValueError:
        raise BadDate(_not_there(year, month, day)) from None
    if match["h"] is None:
        return on
    try:
        return datetime.combine(on, _clock(match), _zone(match["z"]))
    except ValueError:
        raise BadDate(Said("has a time of day or an offset that does not exist")) from None


def _not_there(year: int, month: int, day: int) -> Said:
    if not year:
        return Said("is not a date of the calendar: there is no year 0")
    if not 1 <= month <= 12:
        return Said("is not a date of the calendar: there is no month %(month)s", month=month)
    return Said("is not a date of the calendar: that month has no day %(day)s", day=day)


def _clock(match: re.Match[str]) -> time:
    hour = int(match["h"])
    if match["ap"]:
        if not 1 <= hour <= 12:
            raise ValueError("hour must be 1 to 12 before AM or PM")
        hour = hour % 12 + (12 if match["ap"][0] in "Pp" else 0)
    micro = (match["f"] or "0")[:6].ljust(6, "0")
    return time(hour, int(match["mi"]), int(match["s"] or 0), int(micro))


@lru_cache(maxsize=256)
def _zone(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text in {"Z", "UTC", "GMT"}:
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    if minutes > 14 * 60 or int(text[-2:]) > 59:
        raise ValueError("offset beyond 14 hours")
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _serial(match: re.Match[str], epoch: date) -> date | datetime:
    on = epoch + timedelta(days=int(match["day"]))
    if not match["frac"] or not int(match["frac"]):
        return on
    seconds = int((Decimal(f"0.{match['frac']}") * 86_400).to_integral_value())
    return datetime.combine(on, time()) + timedelta(seconds=seconds)


def _year(text: str) -> int:
    if len(text) == 4:
        return int(text)
    return (2000 if int(text) < CENTURY_PIVOT else 1900) + int(text)


def _month(name: str) -> int:
    try:
        return _MONTHS[name.lower()]
    except KeyError:
        raise BadDate(Said("names no month: %(name)s", name=name)) from None


def infer_order(values: Iterable[str]) -> set[DateOrder]:
    """The orders in which the whole column can be read; empty = no value needs an order; several = ask.

    Orders that read every value alike (01/01/2024) leave one: nothing to ask. Values that fit no form are
    ignored here (they become problems of their rows), so one typing error does not undo the column.
    """
    triples: set[str] = set()
    serials: set[str] = set()
    for text in values:
        bare = text.strip()
        if _ISO.fullmatch(bare) or _COMPACT.fullmatch(bare):
            continue
        if _TRIPLE.fullmatch(bare):
            triples.add(bare)
        elif _SERIAL.fullmatch(bare):
            serials.add(bare)
    if triples:
        return _distinct(triples, (DateOrder.MDY, DateOrder.DMY, DateOrder.YMD))
    if serials:
        return {DateOrder.EXCEL_1900, DateOrder.EXCEL_1904}
    return set()


def _distinct(values: set[str], orders: tuple[DateOrder, ...]) -> set[DateOrder]:
    fitting = {order: {value for value in values if _reads(value, order)} for order in orders}
    read_by_any = set().union(*fitting.values())
    left = [order for order in orders if fitting[order] and fitting[order] == read_by_any]
    if (
        not left
    ):  # the column contradicts itself: every order it might be in is a candidate, and a person decides
        left = [order for order in orders if fitting[order]]
        return set(left)
    readings: dict[tuple[object, ...], DateOrder] = {}
    for order in left:
        readings.setdefault(tuple(_read(value, order) for value in sorted(values)), order)
    return set(readings.values())


def telling_value(values: Iterable[str], orders: Collection[DateOrder]) -> str:
    """The first of those values that these orders read in the most different ways: it shows what to choose between."""
    return max(values, key=lambda value: len({_read(value, order) for order in orders} - {None}))


def _reads(text: str, order: DateOrder) -> bool:
    return _read(text, order) is not None


def _read(text: str, order: DateOrder) -> date | datetime | None:
    try:
        return parse_moment(text, order)
    except BadDate:
        return None


def as_instant(moment: date | datetime, zone: tzinfo) -> datetime:
    """The UTC instant of a moment; a date means its first instant in `zone`, a time without offset is local
    to `zone`: of two such times the first, and one that clocks left out is what it would have been without the gap."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time(), zone)
    elif moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Looking back ends here: long before anybody's first deal, and far enough from the edge of what dates can say that
"two years before" and "a week before" exist."""


def asked_instant(text: str, zone: tzinfo) -> datetime:
    """The instant somebody asks to look back to: `2026-08-01` (its end: the whole day has happened) or
    `2026-08-01T09:30[+02:00]`, without an offset in `zone`; never before `EARLIEST`. Raises ValueError.
    """
    moment = date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
    if moment.year < EARLIEST.year:
        return EARLIEST
    if moment.year == MAXYEAR:
        raise ValueError(f"{text!r} lies at the end of time")
    if isinstance(moment, datetime):
        return as_instant(moment, zone)
    return as_instant(moment + timedelta(days=1), zone) - timedelta(microseconds=1)


def as_business_date(moment: date | datetime, zone: tzinfo) -> date:
    """The calendar date of a moment for people in `zone`; a time without offset keeps the date it is
    written with."""
    if not isinstance(moment, datetime):
        return moment
    return (moment if moment.tzinfo is None else moment.astimezone(zone)).date()


def cached(parse: Callable[[str], object]) -> Callable[[str], object]:
    """`parse` with a bounded memory: columns repeat their values, and a date costs microseconds to read."""
    return lru_cache(maxsize=65_536)(parse)
