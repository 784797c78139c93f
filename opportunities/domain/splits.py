"""Who shares a deal: revenue shares make up the whole, overlays stand beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from opportunities.domain.deal import DealError
from opportunities.domain.listing import SplitRow
from salesops.kernel.money import exact_sum

REVENUE, OVERLAY = "REVENUE", "OVERLAY"


@dataclass(frozen=True)
class Split:
    """Somebody's share in percent."""

    person_id: int
    kind: str
    share: Decimal


class SplitsMoved(Exception):
    """Somebody else changed the splits since they were read (an edge answers 409)."""


def as_line(splits: Iterable[Split | SplitRow]) -> str:
    """The splits in a line, the same for the same splits: what a form hands back of what it showed."""
    return ";".join(sorted(f"{s.person_id} {s.kind} {s.share.normalize():f}" for s in splits))


def check_splits(splits: Sequence[Split]) -> None:
    """Raises `DealError` unless each share is above 0 and at most 100 with four decimals, nobody is named twice in
    a kind, and the revenue shares sum to exactly 100 (or there are none: the owner carries the whole)."""
    for split in splits:
        if split.kind not in (REVENUE, OVERLAY):
            raise DealError("kind", "A split is either revenue or overlay.")
        if not 0 < split.share <= 100 or split.share != split.share.quantize(Decimal("0.0001")):
            raise DealError("share", "A share is above 0 and at most 100 percent.")
    pairs = [(s.person_id, s.kind) for s in splits]
    if len(pairs) != len(set(pairs)):
        raise DealError("person", "Name each person once.")
    total = exact_sum([s.share for s in splits if s.kind == REVENUE])
    if total not in (0, 100):
        raise DealError("share", f"Revenue shares sum to {total.normalize():f} %, not 100 %.")
