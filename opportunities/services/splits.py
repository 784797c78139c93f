"""Sharing a deal: who has which part since when. A change ends shares and begins others; none is overwritten."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db.models import Max, Q
from django.utils import timezone

from opportunities.domain.deal import (
    DealChanged,
    DealError,
    DealRefused,
    DealsChanged,
    NotAllowed,
    NotVisible,
)
from opportunities.domain.splits import Split, SplitsMoved, as_line, check_splits
from opportunities.models import ChangeSet, Opportunity, OpportunitySplit
from opportunities.selectors.states import saved
from opportunities.services.change_sets import new_change_set
from organization.domain.scope import Scope
from organization.selectors import people_tree
from salesops.audit.record import record
from salesops.wall.context import saving


@saving()
def set_splits(*, scope: Scope, deal_id: int, splits: Sequence[Split], seen: str | None = None) -> int | None:
    """Make the deal's splits exactly these from now on; the act by which that can be undone, None when they were.

    Whoever the viewer may not name, and who has no share yet, is answered like nobody. `seen` is the splits `as_line`
    when they were read. Raises `NotVisible`, `NotAllowed`, `DealError`, `SplitsMoved`.
    """
    row = Opportunity.objects.visible_to(scope).select_for_update(of=("self",)).filter(pk=deal_id).first()
    if row is None:
        raise NotVisible(deal_id)
    if not scope.may_edit_owner(row.owner_id):
        raise NotAllowed
    check_splits(splits)
    present = OpportunitySplit.objects.filter(opportunity=row).at(None)
    known = {person.id for person in people_tree(scope)} | {row.owner_id}
    known |= set(present.values_list("person_id", flat=True))
    if not known >= {split.person_id for split in splits}:
        raise DealError("person", "There is no such person.")
    if _shares(present) == set(splits):
        return None
    if seen is not None and as_line(_shares(present)) != seen:
        raise SplitsMoved
    return _write(scope, row, splits, new_change_set(scope=scope), verb="SPLIT")


@saving()
def undo_splits(*, scope: Scope, change_set_id: int) -> DealsChanged | None:
    """Give a deal back the splits it had before this act, unless they were changed since; None when the act changed
    none. For `undo`, which has checked whose act it was."""
    touched = OpportunitySplit.objects.filter(Q(change_set_id=change_set_id) | Q(ended_by_id=change_set_id))
    rows = list(touched)
    if not rows:
        return None
    row = Opportunity.objects.select_for_update().get(pk=rows[0].opportunity_id)
    every = OpportunitySplit.objects.filter(opportunity=row)
    ended = [part for part in rows if part.ended_by_id == change_set_id]
    moment = ended[0].valid_to if ended else rows[0].valid_from
    after = _shares(every.at(moment))
    reason = ""
    if not scope.may_edit_owner(row.owner_id):
        reason = "This deal is no longer yours to change."
    elif _shares(every.at(None)) != after:
        reason = f"Changed since by {_latest(row).actor_name or 'somebody else'}."
    if reason:
        return DealsChanged(None, (), (DealRefused(row.pk, row.name, reason, is_conflict=True),))
    before = (after - _shares(part for part in rows if part.change_set_id == change_set_id)) | _shares(ended)
    undo_id = new_change_set(scope=scope, kind="UNDO", undoes_id=change_set_id)
    _write(scope, row, before, undo_id, verb="UNDO")
    return DealsChanged(undo_id, (DealChanged(undo_id, saved(row), ("splits",)),))


def _shares(rows: object) -> set[Split]:
    return {Split(row.person_id, row.kind, row.share) for row in rows}  # type: ignore[attr-defined]


def _latest(row: Opportunity) -> ChangeSet:
    """The act that last touched the deal's splits."""
    ends = OpportunitySplit.objects.filter(opportunity=row).aggregate(
        Max("change_set_id"), Max("ended_by_id")
    )
    return ChangeSet.objects.get(pk=max(filter(None, ends.values())))


def _write(
    scope: Scope, row: Opportunity, wanted: Collection[Split], change_set_id: int, *, verb: str
) -> int:
    """End what is no longer so, begin what is new; an unchanged share keeps its interval."""
    present = OpportunitySplit.objects.filter(opportunity=row).at(None)
    before, now = list(present), timezone.now()
    at = max([now, *(part.valid_from for part in before)])
    gone = [part.pk for part in before if Split(part.person_id, part.kind, part.share) not in set(wanted)]
    present.filter(pk__in=gone).update(valid_to=at, ended_by_id=change_set_id)
    OpportunitySplit.objects.bulk_create(
        OpportunitySplit(
            opportunity=row, person_id=split.person_id, kind=split.kind, share=split.share,
            valid_from=at, recorded_at=now, change_set_id=change_set_id,
        )
        for split in wanted if split not in _shares(before)
    )  # fmt: skip
    record(
        actor_id=scope.user_id, actor_name=scope.actor_name, verb=verb, object_type="deal", object_id=row.pk,
        label=row.name, before={"splits": _told(_shares(before))}, after={"splits": _told(wanted)},
    )  # fmt: skip
    return change_set_id


def _told(splits: Collection[Split]) -> list[list[str]]:
    return sorted([str(s.person_id), s.kind, str(s.share)] for s in splits)
