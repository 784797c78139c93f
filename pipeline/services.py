"""Working derived data out anew, and proving it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from opportunities.services import rebuild_family_closure
from organization.services import rebuild_person_closure, rebuild_territory_closure
from pipeline import checkpoints, rollups
from pipeline.selectors.invariants import INVARIANTS, Finding, findings

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


def verify(*, names: set[str] | None = None) -> Iterator[Finding]:
    """Check every invariant, or those named, and yield each outcome as it is known.

    Once all are through, the outcome is written down where health looks: that roll-ups were compared, if they were
    among them, and that everything was verified, if nothing was left out.
    """
    found: list[Finding] = []
    for finding in findings(names):
        found.append(finding)
        yield finding
    for finding in found:
        if finding.name == "rollups":
            rollups.note_comparison(len(finding.broken), finding.broken[0] if finding.broken else "")
    if len(found) == len(INVARIANTS):
        broken = [finding for finding in found if not finding.holds]
        rollups.note_verification([f.name for f in broken], broken[0].broken[0] if broken else "")
