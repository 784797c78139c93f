"""New deals: one by a person, or many with their past by demo, tests and imports."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from opportunities.domain.deal import (
    TRACKED_FIELDS,
    DealChanged,
    DealError,
    DealState,
    NotAllowed,
    PastState,
)
from opportunities.domain.history import ends, is_in_order, push_count, stage_entered_at
from opportunities.domain.rules import EDITABLE
from opportunities.models import Opportunity, OpportunityVersion
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.states import saved
from opportunities.services.accounts import account_named
from opportunities.services.change_sets import new_change_set
from opportunities.services.entering import StagesHeld
from organization.domain.scope import Scope
from organization.selectors import business_date, company
from salesops.audit.record import record
from salesops.wall.context import saving

BATCH = 1000


@dataclass(frozen=True)
class NewDeal:
    """A deal to be written with everything known of its past, oldest state first."""

    source: str
    external_id: str
    states: Sequence[PastState]
    created_at: dt.datetime | None = None
    content_hash: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@saving()
def create_deal(
    *,
    scope: Scope,
    values: Mapping[str, Any],
    account_name: str = "",
    at: dt.datetime | None = None,
    external_id: str = "",
    note: str = "",
) -> DealChanged:
    """A new deal by a person, the owner unless said otherwise; with a new account if none has the name.

    Raises `DealError`, `NotAllowed`: then there is no new account either.
    """
    stated = {"owner_id": scope.person_id, "currency_id": company().corporate_currency, **values}
    if not scope.may_edit_owner(stated["owner_id"]):
        raise NotAllowed("You can create deals for yourself and for people below you.")
    for name in stated:
        if name not in EDITABLE:
            raise DealError(name, "This cannot be set here.")
    if not str(stated.get("name", "")).strip():
        raise DealError("name", "Give the deal a name.")
    if (account_id := account_named(scope=scope, name=account_name)) is not None:
        stated["account_id"] = account_id
    day = business_date(at)
    state = StagesHeld().judged(DealState(started_on=day), stated, today=day)
    moment = at or timezone.now()
    change_set_id = new_change_set(scope=scope, note=note)
    deal = NewDeal("local", external_id or f"D-{uuid.uuid4().hex[:12]}", [PastState(moment, state)])
    (deal_id,) = insert_deals(change_set_id=change_set_id, deals=[deal])
    record(
        actor_id=scope.user_id, actor_name=scope.actor_name, verb="CREATE", object_type="deal", object_id=deal_id,
        label=state.name, after={name: getattr(state, name) for name in stated if name in TRACKED_FIELDS},
    )  # fmt: skip
    return DealChanged(change_set_id, saved(Opportunity.objects.get(pk=deal_id)), tuple(stated))


@saving()
def insert_deals(*, change_set_id: int, deals: Sequence[NewDeal]) -> list[int]:
    """Write new deals with their whole history, set-wise, and return their ids in order.

    The last state becomes the current row (the trigger writes its version); the earlier ones are written as versions.
    Checks no rule and no right: the caller has. Raises `ValueError` for states out of order or none.
    """
    for deal in deals:
        if not deal.states or not is_in_order(deal.states):
            raise ValueError(
                f"{deal.external_id}: states must be in order of their beginning, and at least one."
            )
    rows = [_row(deal, change_set_id) for deal in deals]
    Opportunity.objects.bulk_create(rows, batch_size=BATCH)
    now = timezone.now()
    past = [
        version
        for deal, row in zip(deals, rows, strict=True)
        for version in versions_of(row.pk, deal.states, change_set_id, now)[:-1]
    ]
    OpportunityVersion.objects.bulk_create(past, batch_size=BATCH)
    return [row.pk for row in rows]


def versions_of(
    deal_id: int, states: Sequence[PastState], change_set_id: int, now: dt.datetime, first_seq: int = 1
) -> list[OpportunityVersion]:
    """Version rows of these states, unsaved, numbered from `first_seq`; the last is open-ended."""
    return [
        OpportunityVersion(
            opportunity_id=deal_id,
            seq=seq,
            valid_from=past.valid_from,
            valid_to=until,
            recorded_at=now,
            change_set_id=past.change_set_id or change_set_id,
            source_row=past.source_row,
            origin=past.origin,
            **{name: getattr(past.state, name) for name in TRACKED_FIELDS},
        )
        for seq, (past, until) in enumerate(zip(states, ends(states, FAR_FUTURE_AT), strict=True), first_seq)
    ]


def _row(deal: NewDeal, change_set_id: int) -> Opportunity:
    last = deal.states[-1]
    return Opportunity(
        source=deal.source,
        external_id=deal.external_id,
        version=len(deal.states),
        changed_at=last.valid_from,
        change_set_id=last.change_set_id or change_set_id,
        source_row=last.source_row,
        content_hash=deal.content_hash,
        created_at=deal.created_at or deal.states[0].valid_from,
        stage_entered_at=stage_entered_at(deal.states),
        push_count=push_count(deal.states),
        attributes=deal.attributes,
        **{name: getattr(last.state, name) for name in TRACKED_FIELDS},
    )
