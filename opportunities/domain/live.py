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
class News:
    """What any number of changes concern, taken together.

    `owners` are those of all changes, `won_owners` those of changes that concern won deals; `is_any` and `is_any_won`
    are true of changes of deals without an owner too. `is_all`: so long ago that anything may have changed.
    """

    owners: frozenset[int] = frozenset()
    won_owners: frozenset[int] = frozenset()
    is_any: bool = False
    is_any_won: bool = False
    is_all: bool = False

    @staticmethod
    def of(changes: Iterable[Change]) -> News:
        """Of these changes."""
        owners: set[int] = set()
        won_owners: set[int] = set()
        is_any = is_any_won = False
        for change in changes:
            is_any = True
            owners |= change.owner_ids
            if change.concerns_won:
                is_any_won = True
                won_owners |= change.owner_ids
        return News(frozenset(owners), frozenset(won_owners), is_any, is_any_won)

    @staticmethod
    def together(parts: Iterable[News]) -> News:
        """All of it at once."""
        parts = list(parts)
        return News(
            frozenset().union(*(part.owners for part in parts)),
            frozenset().union(*(part.won_owners for part in parts)),
            any(part.is_any for part in parts),
            any(part.is_any_won for part in parts),
            any(part.is_all for part in parts),
        )


@dataclass(frozen=True)
class Reach:
    """What a stream's viewer may hear of."""

    everything: bool = False
    person_ids: frozenset[int] = frozenset()
    won_only: bool = False

    def hears(self, news: News) -> tuple[int, ...] | None:
        """The owners to name to this viewer, sorted; None when nothing concerns them.

        Nobody is named, though something may concern them, where the deals have no owner, and where anything may have
        changed: an empty tuple.
        """
        if self.everything:
            owners, is_concerned = news.owners, news.is_any
        elif self.won_only:
            owners, is_concerned = (news.owners & self.person_ids) | news.won_owners, news.is_any_won
        else:
            owners, is_concerned = news.owners & self.person_ids, False
        if news.is_all or is_concerned or owners:
            return tuple(sorted(owners))
        return None


def as_data(owners: tuple[int, ...], at: str) -> Mapping[str, object]:
    """What a page is told."""
    return {"kind": "deal", "owners": list(owners), "at": at}
