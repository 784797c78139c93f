"""The history of a deal as one reads it: what a person did within minutes is one entry, saying what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from opportunities.domain.listing import FieldChange, TimelineEntry

WITHIN = dt.timedelta(minutes=10)
"""Changes of one person that follow each other within this belong together."""
_BY_HAND = ("EDIT", "UNDO")


@dataclass(frozen=True)
class Passage:
    """Consecutive entries of one person, newest first, and what they changed taken together."""

    entries: tuple[TimelineEntry, ...]
    changes: tuple[FieldChange, ...]

    @property
    def is_single(self) -> bool:
        """Whether it is one entry, to be shown as it is."""
        return len(self.entries) == 1

    @property
    def came_to_nothing(self) -> bool:
        """Whether everything was taken back."""
        return not self.is_single and not self.changes


def passages(entries: Sequence[TimelineEntry]) -> list[Passage]:
    """The entries (newest first) in passages, newest first. Creation, imports and what was concluded stand alone."""
    found: list[list[TimelineEntry]] = []
    for entry in entries:
        if found and _belongs(found[-1][-1], entry):
            found[-1].append(entry)
        else:
            found.append([entry])
    return [Passage(tuple(run), net_changes(run)) for run in found]


def _belongs(newer: TimelineEntry, older: TimelineEntry) -> bool:
    alone = any(
        e.is_first or e.is_derived or e.import_batch_id or e.kind not in _BY_HAND or e.note
        for e in (newer, older)
    )
    return not alone and newer.by == older.by and newer.at - older.at <= WITHIN


def net_changes(entries: Iterable[TimelineEntry]) -> tuple[FieldChange, ...]:
    """Each field's first old and last new value over the entries (newest first); none where they are the same."""
    net: dict[str, FieldChange] = {}
    for entry in entries:
        for change in entry.changes:
            later = net.get(change.key)
            net[change.key] = replace(later, old=change.old) if later else change
    return tuple(change for change in net.values() if change.old != change.new)
