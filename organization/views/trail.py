"""An audit event as its page shows it: values in the words and numbers people use, and the way to what it is about."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.forms import MONTHS, ROLE_LABELS, TERRITORY_KINDS, WEEKDAYS, CalendarForm
from salesops.audit.names import names_for
from salesops.audit.selectors import Difference, EventFacts
from salesops.ui import formats
from salesops.ui.categories import CATEGORY_LABELS

PERSON = "owner_id"
"""A field that holds the number of a person, as those of `splits` are."""
MONEY = {"amount", "list_amount"}
NUMBERS = MONEY | {"rate", "share"}
DAYS = ("date", "_on", "_day")
"""How fields that hold a day end. What people write stays as they wrote it, also where it looks like a day."""
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,12})?", re.ASCII)
_KINDS = [*CalendarForm.base_fields["kind"].choices, *TERRITORY_KINDS]  # type: ignore[attr-defined]
_CODES: dict[str, Mapping[str, Any]] = {
    "role": {role.value: label for role, label in ROLE_LABELS.items()},
    "category": CATEGORY_LABELS,
    "kind": dict(_KINDS),
    "start_month": {str(month): label for month, label in MONTHS},
    "week_start": {str(day): label for day, label in WEEKDAYS},
}
"""Values that are codes, by the name of what they are values of."""
Names = Mapping[str, Mapping[int, str]]
"""What rows are called, by the field that holds their number."""


@dataclass(frozen=True)
class Change:
    """A value before and after, in words; "" for none."""

    words: str
    before: str
    after: str


@dataclass(frozen=True)
class ShownEvent:
    """An event, what it changed, and where its object opens ("" where it does not)."""

    facts: EventFacts
    changes: list[Change]
    url: str


def shown(scope: Scope, events: Iterable[EventFacts]) -> list[ShownEvent]:
    """The events of a page in words; each app is asked for the names of its kinds once."""
    events = list(events)
    numbers: dict[str, set[int]] = defaultdict(set)
    for event in events:
        for field, number in (pair for one in event.differences for pair in _numbers(one)):
            numbers[field].add(number)
    names = names_for(numbers)
    sees_deals = scope.everything and scope.can(Capability.VIEW_DEALS)
    return [
        ShownEvent(
            event,
            [change for one in event.differences if (change := _change(one, names)) is not None],
            reverse("opportunities:deal", args=[event.object_id])
            if sees_deals and event.object_type == "deal" and event.object_id.isdecimal()
            else "",
        )
        for event in events
    ]


def _numbers(one: Difference) -> Iterator[tuple[str, int]]:
    """Numbers of the rows a value speaks of, each with the field that holds it."""
    for value in (one.before, one.after):
        if one.name == "splits":
            yield from ((PERSON, int(person)) for person, *_more in value or ())
        elif isinstance(value, int) and one.name.endswith("_id"):
            yield one.name, value


def _change(one: Difference, names: Names) -> Change | None:
    """None where both sides are empty: an empty list where there was nothing is no change anybody made."""
    before = value_words(one.name, one.before, names, one.currencies[0])
    after = value_words(one.name, one.after, names, one.currencies[1])
    return Change(one.words, before, after) if before or after else None


def value_words(name: str, value: Any, names: Names, currency: str = "") -> str:
    """A stored value as people say it: Yes, Commit, $11,600, 15 Jan 2027, the name of a person or a stage."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if value in (None, "", [], {}):
        return ""
    if name == "splits":
        people = names.get(PERSON, {})
        return ", ".join(f"{people.get(int(who), who)}: {_trimmed(share)} %" for who, _kind, share in value)
    if isinstance(value, list):
        return ", ".join(str(item.get("name", item) if isinstance(item, dict) else item) for item in value)
    text = str(value)
    if name.endswith("_id") and text.isdecimal():
        return names.get(name, {}).get(int(text), f"#{text}")
    if name in _CODES and text in _CODES[name]:
        return str(_CODES[name][text])
    if name in {"state", "status"}:
        return str(CATEGORY_LABELS.get(text, text.replace("_", " ").capitalize()))
    return _plain(name, text, currency)


def _plain(name: str, text: str, currency: str) -> str:
    """Money, numbers and days as they are written elsewhere; all else as it stands."""
    if name in MONEY and currency and _NUMBER.fullmatch(text):
        return formats.money_as_typed(text, currency)
    if name == "probability" and _NUMBER.fullmatch(text):
        return f"{_trimmed(text)} %"
    if name in NUMBERS and _NUMBER.fullmatch(text):
        return _trimmed(text)
    if name.endswith(DAYS):
        with suppress(ValueError):
            return formats.day(dt.date.fromisoformat(text))
    return text


def _trimmed(text: str) -> str:
    """A number without the zeros nobody typed."""
    _whole, _point, part = text.partition(".")
    return formats.number(text, len(part.rstrip("0")))
