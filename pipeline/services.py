"""Working derived data out anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from opportunities.services import rebuild_family_closure
from organization.services import rebuild_person_closure, rebuild_territory_closure
from pipeline import checkpoints, rollups

RECOMPUTATIONS: dict[str, tuple[str, Callable[[], int]]] = {
    "people": ("Closure of people", lambda: rebuild_person_closure()),
    "territories": ("Closure of territories", lambda: rebuild_territory_closure()),
    "families": ("Closure of product families", lambda: rebuild_family_closure() or 0),
    "rollups": ("Roll-up cells", rollups.rebuild),
    "checkpoints": ("Ledger and checkpoints of the past", checkpoints.rebuild),
}
"""What can be recomputed, in the order in which one rests on the other."""


def recompute(*, names: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """Recompute these parts; yields each one's name, title and how many rows had been other than they should."""
    for name, (title, work) in RECOMPUTATIONS.items():
        if name in names:
            yield name, title, work()
