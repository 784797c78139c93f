"""A deal's history as a list of states: what was so at an instant, and the counts that follow from the list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

from opportunities.domain.deal import DealState, PastState, Status


def state_as_of(versions: Sequence[PastState], at: dt.datetime) -> DealState | None:
    """The state at an instant: of the last version that had begun; None before the first.

    Of several versions that began at the same instant the later in order counts; the earlier lasted no time.
    """
    found = None
    for version in versions:
        if version.valid_from <= at:
            found = version.state
    return found


def ends(versions: Sequence[PastState], far: dt.datetime) -> list[dt.datetime]:
    """The end of each state: the beginning of the next, or `far`."""
    return [v.valid_from for v in versions[1:]] + [far] if versions else []


def stage_entered_at(versions: Sequence[PastState]) -> dt.datetime | None:
    """Since when the deal has been in its last stage without a break."""
    entered = None
    for index, version in enumerate(versions):
        if index == 0 or version.state.stage_id != versions[index - 1].state.stage_id:
            entered = version.valid_from
    return entered


def push_count(versions: Sequence[PastState]) -> int:
    """How often the close date of the open deal moved to a later month."""
    return sum(is_push(a.state, b.state) for a, b in pairwise(versions))


def is_push(before: DealState, after: DealState) -> bool:
    """Whether an open deal's close date moved to a later calendar month."""
    if before.status is not Status.OPEN or after.status is not Status.OPEN:
        return False
    if before.close_date is None or after.close_date is None:
        return False
    return (after.close_date.year, after.close_date.month) > (before.close_date.year, before.close_date.month)


def is_in_order(versions: Sequence[PastState]) -> bool:
    """Whether each state begins when or after the one before does."""
    return all(a.valid_from <= b.valid_from for a, b in pairwise(versions))
