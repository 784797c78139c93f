"""Removing a deal that somebody wrote down by mistake: marked deleted as an act of its own, which can be undone."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_noop

from opportunities.domain.deal import Conflict, DealChanged, DealError, NotAllowed, NotVisible
from opportunities.models import Opportunity
from opportunities.selectors.absence import made_by_hand
from opportunities.selectors.states import saved
from opportunities.services.change_sets import new_change_set
from organization.domain.scope import Scope
from salesops.audit.record import record
from salesops.wall.context import saving


@saving()
def remove_deal(*, scope: Scope, deal_id: int, version: int) -> DealChanged:
    """Mark a deal made by hand as deleted; its history stays, and undoing the act brings it back.

    Raises `NotVisible`, `NotAllowed`, `Conflict` when `version` is not the present one, `DealError` for a deal that
    came from elsewhere: the next file would bring it back.
    """
    row = Opportunity.objects.visible_to(scope).filter(pk=deal_id).select_for_update(of=("self",)).first()
    if row is None:
        raise NotVisible(deal_id)
    if not scope.may_edit_owner(row.owner_id):
        raise NotAllowed
    if row.version != version:
        raise Conflict(current={}, theirs={}, version=row.version, by=row.change_set.actor_name)
    if not Opportunity.objects.annotate(by_hand=made_by_hand()).filter(pk=deal_id, by_hand=True).exists():
        words = gettext_noop("This deal came from a file or another system; remove it there, or omit it.")
        raise DealError("", words)
    now = timezone.now()
    row.is_deleted = True
    row.version += 1
    row.changed_at = max(now, row.changed_at)
    row.change_set_id = new_change_set(scope=scope, at=now)
    row.source_row = None
    row.save(update_fields=["is_deleted", "version", "changed_at", "change_set_id", "source_row"])
    record(
        actor_id=scope.user_id, actor_name=scope.actor_name, verb="REMOVE", object_type="deal", object_id=row.pk,
        label=row.name, before={"is_deleted": False}, after={"is_deleted": True},
    )  # fmt: skip
    return DealChanged(row.change_set_id, saved(row), ("is_deleted",))
