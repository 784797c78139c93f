"""Undo: every deal of an act gets back the values it had before, unless somebody changed them since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from opportunities.domain.deal import (
    TRACKED_FIELDS,
    DealChanged,
    DealRefused,
    DealsChanged,
    DealState,
    NotVisible,
)
from opportunities.domain.history import is_push, stage_entered_at
from opportunities.domain.rules import differences
from opportunities.models import ChangeSet, Opportunity, OpportunityVersion
from opportunities.selectors.states import live_versions, past_state_of, saved, state_of
from opportunities.services.change_sets import new_change_set
from opportunities.services.changes import noted
from opportunities.services.entering import StagesHeld, is_entering, were_given_another_meaning
from opportunities.services.splits import undo_splits
from organization.domain.scope import Scope
from salesops.audit.record import Act, record_many
from salesops.wall.context import saving

_WRITTEN = [
    *TRACKED_FIELDS,
    "version",
    "changed_at",
    "change_set_id",
    "source_row",
    "stage_entered_at",
    "push_count",
]
_UNDOABLE = (ChangeSet.Kind.EDIT, ChangeSet.Kind.UNDO)


@dataclass(frozen=True)
class _Step:
    """What an act did to one deal: the state before (None: it created the deal) and after."""

    before: DealState | None
    after: DealState
    earlier: Sequence[OpportunityVersion]


@saving()
def undo(*, scope: Scope, change_set_id: int) -> DealsChanged:
    """Restore the fields an edit of the viewer changed, as a new act; what a deal was created by deletes it.

    A deal any of whose fields was changed since is left as it is and reported as a conflict. Raises `NotVisible`
    when there is no such act of this viewer; an act already undone changes nothing.
    """
    acts = ChangeSet.objects.filter(pk=change_set_id, kind__in=_UNDOABLE)
    # Undoing an import records older acts anew: who holds the deals must not wait for who holds the act.
    act = acts.select_for_update(no_key=True).first()
    if act is None or (act.actor_id != scope.user_id and not scope.reason):
        raise NotVisible(change_set_id)
    if ChangeSet.objects.filter(undoes_id=act.pk).exists():
        return DealsChanged(None)
    shared = undo_splits(scope=scope, change_set_id=act.pk)
    if shared is not None:
        return shared
    touched = set(OpportunityVersion.objects.filter(change_set=act).values_list("opportunity_id", flat=True))
    rows = list(Opportunity.objects.filter(pk__in=touched).order_by("pk").select_for_update())
    steps = _steps(act.pk, touched)
    planned: list[tuple[Opportunity, DealState]] = []
    refused: list[DealRefused] = []
    held = StagesHeld()
    for row in (row for row in rows if row.pk in steps):
        back = _restored(state_of(row), steps[row.pk])
        reason = _obstacle(scope, row, steps[row.pk]) or _no_place(row, back, act.at, held)
        if reason:
            refused.append(DealRefused(row.pk, row.name, reason, is_conflict=True))
        elif back != state_of(row):
            planned.append((row, back))
    if not planned:
        return DealsChanged(None, (), tuple(refused))
    return DealsChanged(*_write(scope, act.pk, planned, steps), tuple(refused))


def _steps(change_set_id: int, deal_ids: Collection[int]) -> dict[int, _Step]:
    """Each deal's state before and after the act, from its history, which an import may have corrected: hold the deals
    first."""
    steps = {}
    for deal_id, versions in live_versions(deal_ids).items():
        index = next((i for i, v in enumerate(versions) if v.change_set_id == change_set_id), None)
        if index is not None:
            before = state_of(versions[index - 1]) if index else None
            steps[deal_id] = _Step(before, state_of(versions[index]), versions[:index])
    return steps


def _obstacle(scope: Scope, row: Opportunity, step: _Step) -> str:
    """Why this deal cannot be taken back, in words; "" when it can."""
    now = state_of(row)
    owners = {now.owner_id} | ({step.before.owner_id} if step.before else set())
    if not any(scope.may_edit_owner(owner) for owner in owners):
        return "This deal is no longer yours to change."
    fields = differences(step.before, step.after) if step.before else TRACKED_FIELDS
    if any(getattr(now, name) != getattr(step.after, name) for name in fields):
        return f"Changed since by {row.change_set.actor_name or 'somebody else'}."
    return ""


def _no_place(row: Opportunity, back: DealState, since: dt.datetime, held: StagesHeld) -> str:
    """Why it cannot go back to its stage: that was given another meaning since it left. "" when it can."""
    if back.is_deleted or back.stage_id is None or not is_entering(state_of(row), back):
        return ""
    if held.meaning(back.stage_id) == back.status:
        return ""
    # A file may have told of an open deal in a stage of won ones; what was so before the act may be so again.
    has_changed = were_given_another_meaning([back.stage_id], since)
    return _("Its stage has another meaning now.") if has_changed else ""


def _restored(now: DealState, step: _Step) -> DealState:
    values = {name: getattr(now, name) for name in TRACKED_FIELDS}
    if step.before is None:
        return DealState(**{**values, "is_deleted": True})
    back = {name: getattr(step.before, name) for name in differences(step.before, step.after)}
    return DealState(**{**values, **back})


def _write(
    scope: Scope,
    change_set_id: int,
    planned: Sequence[tuple[Opportunity, DealState]],
    steps: Mapping[int, _Step],
) -> tuple[int, tuple[DealChanged, ...]]:
    now = timezone.now()
    undo_id = new_change_set(scope=scope, kind="UNDO", at=now, undoes_id=change_set_id)
    acts, changed = [], []
    for row, state in planned:
        before = state_of(row)
        fields = differences(before, state)
        acts.append(Act("UNDO", "deal", row.pk, row.name, *noted(before, state, fields)))
        _apply(row, state, steps[row.pk], undo_id, now)
        changed.append((row, fields))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL salesops.stated_counts = 'on'")
        rows = [row for row, _ in planned]
        Opportunity.objects.bulk_update(rows, [name.removesuffix("_id") for name in _WRITTEN], batch_size=200)
        cursor.execute("SET LOCAL salesops.stated_counts = 'off'")
    record_many(actor_id=scope.user_id, actor_name=scope.actor_name, acts=acts)
    return undo_id, tuple(DealChanged(undo_id, saved(row), fields) for row, fields in changed)


def _apply(row: Opportunity, state: DealState, step: _Step, undo_id: int, now: dt.datetime) -> None:
    """Values, lock and counts: a push taken back does not count, a stage left by mistake was never left."""
    if step.before is not None:
        if is_push(step.before, step.after):
            row.push_count = max(row.push_count - 1, 0)
        if step.before.stage_id != step.after.stage_id:
            row.stage_entered_at = stage_entered_at([past_state_of(v) for v in step.earlier])
    for name in TRACKED_FIELDS:
        setattr(row, name, getattr(state, name))
    row.version += 1
    row.changed_at = max(now, row.changed_at)
    row.change_set_id = undo_id
    row.source_row = None
