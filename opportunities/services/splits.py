"""Sharing a deal."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from opportunities.domain.deal import DealError, NotAllowed, NotVisible
from opportunities.domain.splits import Split, check_splits
from opportunities.models import Opportunity, OpportunitySplit
from organization.domain.scope import Scope
from organization.selectors import person_names
from salesops.audit.record import record


@transaction.atomic
def set_splits(*, scope: Scope, deal_id: int, splits: Sequence[Split]) -> bool:
    """Make the deal's splits exactly these; False when they were. Raises `NotVisible`, `NotAllowed`, `DealError`."""
    row = Opportunity.objects.visible_to(scope).select_for_update(of=("self",)).filter(pk=deal_id).first()
    if row is None:
        raise NotVisible(deal_id)
    if not scope.may_edit_owner(row.owner_id):
        raise NotAllowed
    check_splits(splits)
    names = person_names([s.person_id for s in splits])
    if {s.person_id for s in splits} - set(names):
        raise DealError("person", "There is no such person.")
    before = list(OpportunitySplit.objects.filter(opportunity=row).values_list("person_id", "kind", "share"))
    wanted = [(s.person_id, s.kind, s.share) for s in splits]
    if sorted(before) == sorted(wanted):
        return False
    OpportunitySplit.objects.filter(opportunity=row).delete()
    OpportunitySplit.objects.bulk_create(
        OpportunitySplit(opportunity=row, person_id=person, kind=kind, share=share)
        for person, kind, share in wanted
    )
    record(
        actor_id=scope.user_id, actor_name=scope.actor_name, verb="SPLIT", object_type="deal", object_id=row.pk,
        label=row.name, before={"splits": [list(map(str, s)) for s in before]},
        after={"splits": [list(map(str, s)) for s in wanted]},
    )  # fmt: skip
    return True
