"""The history as one reads it: minutes of one person are one entry with what came of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from opportunities.domain.deal import Category
from opportunities.domain.listing import FieldChange, TimelineEntry
from opportunities.domain.timeline import passages

START = dt.datetime(2026, 11, 5, 9, tzinfo=dt.UTC)


def entry(minute: float, field: str, old: Any, new: Any, by: str = "Ada", **more: Any) -> TimelineEntry:
    at = START + dt.timedelta(minutes=minute)
    facts = {"kind": "EDIT", "note": "", "is_derived": False, **more}
    return TimelineEntry(
        seq=1, at=at, until=None, recorded_at=at, by=by, category=Category.COMMIT,
        changes=(FieldChange(field, old, new),), **facts,
    )  # fmt: skip


def read(*oldest_first: TimelineEntry) -> list[tuple[int, list[tuple[str, Any, Any]]]]:
    found = passages(oldest_first[::-1])
    return [(len(p.entries), [(c.key, c.old, c.new) for c in p.changes]) for p in found]


def test_one_persons_minutes_are_one_entry_with_first_old_and_last_new() -> None:
    assert read(
        entry(0, "amount", 1, 2), entry(3, "category", "COMMIT", "UPSIDE"), entry(9, "amount", 2, 3)
    ) == [(3, [("amount", 1, 3), ("category", "COMMIT", "UPSIDE")])]


def test_what_was_taken_back_comes_to_nothing() -> None:
    taken_back = passages(
        [entry(0.1, "category", "WON", "COMMIT", kind="UNDO"), entry(0, "category", "COMMIT", "WON")]
    )
    assert [p.came_to_nothing for p in taken_back] == [True]
    assert not passages([entry(0, "category", "COMMIT", "WON")])[0].came_to_nothing


def test_others_pauses_files_and_the_creation_stand_alone() -> None:
    first = entry(0, "amount", None, 1, is_first=True)
    assert [n for n, _ in read(first, entry(1, "amount", 1, 2), entry(2, "amount", 2, 3))] == [2, 1]
    assert [n for n, _ in read(entry(0, "amount", 1, 2), entry(1, "amount", 2, 3, by="Ben"))] == [1, 1]
    assert [n for n, _ in read(entry(0, "amount", 1, 2), entry(11, "amount", 2, 3))] == [1, 1]
    assert [n for n, _ in read(entry(0, "amount", 1, 2), entry(1, "amount", 2, 3, kind="IMPORT"))] == [1, 1]
