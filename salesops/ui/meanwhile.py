"""Two have the same form open: whoever saves second is told what the first changed, and nothing is overwritten unseen.

A form of something that exists bears, hidden, the values it was opened with (`seen`). The service that saves compares
them, under the lock of the row, with what is there by then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

FIELD = "seen"
"""Name of the hidden field, and of what services take it as."""

Seen = Mapping[str, str]


class ChangedMeanwhileError(ValueError):
    """Somebody else saved since the form was opened: `fields` are those they changed, `now` how all of them are. Those
    of `untouched` the form would put back to what it showed, though nobody typed that.
    """

    def __init__(self, fields: tuple[str, ...], untouched: frozenset[str], now: Seen) -> None:
        super().__init__(f"Changed meanwhile: {', '.join(fields)}.")
        self.fields, self.untouched, self.now = fields, untouched, now


def unchanged(seen: Seen | None, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Raises `ChangedMeanwhileError` where saving `after` would replace in `before` what the form did not show.

    Read `before` under the lock that the change is made under. What is typed as it is by now is no conflict: the same
    form sent twice is saved once. Programs of ours, which have no form, have seen nothing (None).
    """
    if seen is None or before is None:
        return
    known = [name for name in seen if name in before]
    now = {**seen, **{name: _text(before[name]) for name in known}}
    fields = tuple(name for name in known if now[name] not in (seen[name], _text(after.get(name))))
    if fields:
        untouched = frozenset(name for name in fields if seen[name] == _text(after.get(name)))
        raise ChangedMeanwhileError(fields, untouched, now)


def as_field(values: Mapping[str, Any]) -> str:
    """What the hidden field holds."""
    return json.dumps({name: _text(value) for name, value in values.items()}, sort_keys=True)


def from_field(text: str | None) -> Seen | None:
    """What a form says it was opened with; None when it does not say."""
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else None


def _text(value: Any) -> str:
    """The same for the same value, however the form and the database write it."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "" if value is None else str(value).strip()
