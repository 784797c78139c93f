"""Why a deal is not shown: it was removed, or it was not known yet. Only for those who may see it."""

from __future__ import annotations

import datetime as dt

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q

from opportunities.domain.listing import Removal
from opportunities.models import Opportunity, OpportunityVersion
from opportunities.models.opportunity import FAR_FUTURE_AT
from organization.domain.scope import Scope
from salesops.wall import context as wall

BY_HAND = "local"
"""Source of deals that were written down here."""


def made_by_hand() -> ExpressionWrapper:
    """As an annotation: a person wrote the deal down here, and no file ever had a say in it."""
    imported = OpportunityVersion.objects.filter(
        opportunity=OuterRef("pk"), change_set__import_batch_id__isnull=False
    )
    return ExpressionWrapper(Q(source=BY_HAND) & ~Q(Exists(imported)), output_field=BooleanField())


def removal(scope: Scope, deal_id: int) -> Removal | None:
    """How a deal made by hand was removed; None for others, and where the viewer did not see its owner's deals."""
    removed = Opportunity.objects.filter(pk=deal_id, is_deleted=True)
    row = removed.select_related("change_set").first()
    if row is None or not (scope.everything or row.owner_id in scope.person_ids):
        return None
    with wall.opened([deal_id]):
        if not removed.annotate(by_hand=made_by_hand()).filter(by_hand=True).exists():
            return None
    act = row.change_set
    own = act.pk if act.actor_id == scope.user_id and scope.may_edit_owner(row.owner_id) else None
    return Removal(row.name, row.changed_at, act.actor_name, own)


def known_since(scope: Scope, deal_id: int) -> dt.datetime | None:
    """When the history of a deal begins, as known now; None when the viewer does not see the deal today."""
    if not Opportunity.objects.visible_to(scope).filter(pk=deal_id).exists():
        return None
    rows = OpportunityVersion.objects.filter(opportunity_id=deal_id, superseded_at=FAR_FUTURE_AT)
    with wall.opened([deal_id]):
        return rows.order_by("valid_from").values_list("valid_from", flat=True).first()
