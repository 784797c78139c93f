"""Reading an append-only table while others write: nothing twice or missed, in whatever order ids are committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

GAP_SECONDS = 120
"""How long a missing id may still belong to an open transaction; a rolled-back one leaves a gap forever."""


@dataclass
class Tail:
    """The end of a table as seen so far. Every id up to `floor` is settled; `told` are those above it already seen."""

    floor: int
    told: set[int] = field(default_factory=set)
    stuck_since: float | None = None

    def news(self, ids: Iterable[int], now: float) -> list[int]:
        """The ids not told yet, ascending; `ids` are all present ones above `floor`, `now` is monotonic seconds.

        The floor rises over consecutive ids. At a gap it waits `GAP_SECONDS` for the transaction that may fill it.
        """
        new = sorted(i for i in ids if i > self.floor and i not in self.told)
        self.told.update(new)
        self._rise(now)
        return new

    def _rise(self, now: float) -> None:
        before = self.floor
        while self.told:
            while self.floor + 1 in self.told:
                self.floor += 1
                self.told.discard(self.floor)
            waited = self.stuck_since is not None and now - self.stuck_since >= GAP_SECONDS
            if not self.told or not waited or self.floor != before:
                break
            self.floor = before = min(self.told) - 1
            self.stuck_since = now
        if not self.told:
            self.stuck_since = None
        elif self.stuck_since is None or self.floor != before:
            self.stuck_since = now


@dataclass(frozen=True)
class Change:
    """One changed deal: whose it is now and was before, and whether it is or was won."""

    owner_ids: frozenset[int]
    concerns_won: bool


@dataclass(frozen=True)
class Reach:
    """What a stream's viewer may hear of."""

    everything: bool = False
    person_ids: frozenset[int] = frozenset()
    won_only: bool = False

    def hears(self, changes: Iterable[Change]) -> tuple[int, ...] | None:
        """The owners to name to this viewer, sorted; None when nothing concerns them.

        Changes of unassigned deals are heard by those who see everything: an empty tuple.
        """
        owners: set[int] = set()
        concerned = False
        for change in changes:
            if self.everything or (self.won_only and change.concerns_won):
                owners |= change.owner_ids
                concerned = True
            else:
                owners |= change.owner_ids & self.person_ids
        return tuple(sorted(owners)) if concerned or owners else None


def as_data(owners: tuple[int, ...], at: str) -> Mapping[str, object]:
    """What a page is told."""
    return {"kind": "deal", "owners": list(owners), "at": at}
