"""A deal enters a stage for what the stage means when the deal is written, not for what it meant when it was read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection

from opportunities.domain.deal import DealState, Status
from opportunities.domain.rules import apply_changes
from opportunities.selectors.processes import rule_book
from organization.selectors import memo
from salesops.audit.selectors import EventQuery, events


class StagesHeld:
    """The stages that deals enter in this transaction, each locked until it ends and read only then.

    Giving a stage another meaning takes a lock that waits for this one, and counts the deals after it: whoever comes
    second sees what the first did. Holders do not wait for each other, nor for a change that leaves the meaning.
    """

    def __init__(self) -> None:
        self._meanings: dict[int, Status | None] = {}

    def meaning(self, stage_id: int) -> Status | None:
        """Whether the stage is open, won or lost, which now stays so; None when it is gone."""
        if stage_id not in self._meanings:
            self._meanings[stage_id] = hold([stage_id]).get(stage_id)
        return self._meanings[stage_id]

    def judged(
        self,
        before: DealState,
        changes: Mapping[str, Any],
        *,
        today: dt.date,
        last_open_stage_id: int | None = None,
    ) -> DealState:
        """`apply_changes` by the rules as they are, also if somebody changes them meanwhile. Raises `DealError`."""
        while True:
            book = rule_book()
            after = apply_changes(before, changes, book, today=today, last_open_stage_id=last_open_stage_id)
            if after.stage_id is None or not is_entering(before, after):
                return after
            known = book.stages.get(after.stage_id)
            if known is not None and known.status is self.meaning(after.stage_id):
                return after
            memo.forget()


def hold(stage_ids: Collection[int]) -> dict[int, Status]:
    """What these stages mean, which stays so until the transaction ends; those that are gone are missing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, status FROM opportunities_stage WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
            [list(stage_ids)],
        )
        return {pk: Status(status) for pk, status in cursor.fetchall()}


COMMITTING = dt.timedelta(minutes=1)
"""A change is dated when it is made, and seen when that transaction has ended."""


def were_given_another_meaning(stage_ids: Collection[int], since: dt.datetime) -> bool:
    """Whether any of these stages, which are held, meant something else at that time."""
    query = EventQuery(object_type="stage", verb="UPDATE", from_at=since - COMMITTING)
    changes = events(query).filter(object_id__in=[str(pk) for pk in stage_ids])
    return any(was != now for was, now in changes.values_list("before__status", "after__status"))


def is_entering(before: DealState, after: DealState) -> bool:
    """Whether the deal comes to stand in a stage, or in its stage for something else."""
    fields = ("stage_id", "status", "is_deleted")
    return any(getattr(before, name) != getattr(after, name) for name in fields)
