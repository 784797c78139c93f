"""Changing deals: one, or many as one act. Optimistic: a stale version is a conflict, never an overwrite."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from opportunities.domain.deal import (
    TRACKED_FIELDS,
    Conflict,
    DealChanged,
    DealError,
    DealRefused,
    DealsChanged,
    DealState,
    NotAllowed,
    NotVisible,
    Status,
)
from opportunities.domain.rules import EDITABLE, differences
from opportunities.models import Opportunity, OpportunityVersion
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.states import saved, state_of
from opportunities.services.change_sets import new_change_set
from opportunities.services.entering import StagesHeld
from organization.domain.scope import Scope
from organization.selectors import business_date
from salesops.audit.record import Act, record_many
from salesops.wall.context import saving

_WRITTEN = [*TRACKED_FIELDS, "version", "changed_at", "change_set_id", "source_row"]
BATCH = 200


@saving()
def change_deal(
    *,
    scope: Scope,
    deal_id: int,
    version: int,
    changes: Mapping[str, Any],
    at: dt.datetime | None = None,
    note: str = "",
) -> DealChanged:
    """Change fields of a deal the viewer may change, with what the rules entail, as of now (or `at`).

    Raises `NotVisible`, `NotAllowed`, `Conflict` when `version` is not the present one, `DealError` when a rule
    refuses. Without a difference nothing is written and `change_set_id` is None.
    """
    row = _locked(scope, [deal_id]).get(deal_id)
    if row is None:
        raise NotVisible(deal_id)
    after = _judged(scope, row, version, changes, _last_open_stages([row], changes), StagesHeld())
    moment = _moment(row, at)
    fields = differences(state_of(row), after)
    if not fields:
        return DealChanged(None, saved(row))
    change_set_id = new_change_set(scope=scope, note=note)
    act = _act(row, after, fields)
    _write([(row, after, moment)], change_set_id)
    record_many(actor_id=scope.user_id, actor_name=scope.actor_name, acts=[act])
    return DealChanged(change_set_id, saved(row), fields)


@saving()
def change_deals(
    *, scope: Scope, items: Sequence[tuple[int, int]], changes: Mapping[str, Any], note: str = ""
) -> DealsChanged:
    """The same change of many deals, given as `(id, version)`, in one change set, undone as one.

    A deal that is hidden, not the viewer's to change, changed meanwhile, or refused by a rule is left as it is and
    reported; the others are changed.
    """
    versions = dict(items)
    rows = _locked(scope, versions)
    reopening, held = _last_open_stages(rows.values(), changes), StagesHeld()
    planned: list[tuple[Opportunity, DealState, dt.datetime]] = []
    refused = [DealRefused(i, "", "There is no such deal.") for i in versions if i not in rows]
    for deal_id, row in rows.items():
        try:
            after = _judged(scope, row, versions[deal_id], changes, reopening, held)
        except Conflict as conflict:
            refused.append(DealRefused(deal_id, row.name, _who_was_first(conflict), is_conflict=True))
        except DealError as error:
            refused.append(DealRefused(deal_id, row.name, error.message))
        else:
            planned.append((row, after, _moment(row, None)))
    return _write_all(scope, planned, tuple(refused), note)


def _write_all(
    scope: Scope,
    planned: list[tuple[Opportunity, DealState, dt.datetime]],
    refused: tuple[DealRefused, ...],
    note: str,
) -> DealsChanged:
    differing = [(row, after, at, differences(state_of(row), after)) for row, after, at in planned]
    to_write = [(row, after, at) for row, after, at, fields in differing if fields]
    if not to_write:
        return DealsChanged(None, (), refused)
    change_set_id = new_change_set(scope=scope, note=note)
    acts = [_act(row, after, fields) for row, after, _, fields in differing if fields]
    _write(to_write, change_set_id)
    record_many(actor_id=scope.user_id, actor_name=scope.actor_name, acts=acts)
    changed = tuple(
        DealChanged(change_set_id, saved(row), fields) for row, _, _, fields in differing if fields
    )
    return DealsChanged(change_set_id, changed, refused)


def _locked(scope: Scope, deal_ids: Any) -> dict[int, Opportunity]:
    """The visible ones, locked in order of id so that two bulk edits never wait for each other in a circle."""
    rows = Opportunity.objects.visible_to(scope).filter(pk__in=list(deal_ids)).order_by("pk")
    return {row.pk: row for row in rows.select_for_update(of=("self",))}


def _judged(
    scope: Scope,
    row: Opportunity,
    version: int,
    changes: Mapping[str, Any],
    last_open: Mapping[int, int | None],
    held: StagesHeld,
) -> DealState:
    """The state the deal would be in. Raises what `change_deal` raises."""
    if not scope.may_edit_owner(row.owner_id):
        raise NotAllowed
    before = state_of(row)
    if row.version != version:
        raise _conflict(row, before, changes)
    for name in changes:
        if name not in EDITABLE:
            raise DealError(name, "This cannot be changed here.")
    after = held.judged(before, changes, today=business_date(None), last_open_stage_id=last_open.get(row.pk))
    if after.owner_id != before.owner_id and not scope.may_edit_owner(after.owner_id):
        raise DealError("owner_id", "Choose yourself or somebody below you as the owner.")
    return after


def _conflict(row: Opportunity, before: DealState, changes: Mapping[str, Any]) -> Conflict:
    current = {name: getattr(before, name) for name in changes if name in TRACKED_FIELDS}
    return Conflict(
        current=current,
        theirs=changes,
        version=row.version,
        by=row.change_set.actor_name,
        at=row.change_set.at,
    )


def _who_was_first(conflict: Conflict) -> str:
    return f"Changed meanwhile by {conflict.by}." if conflict.by else "Changed meanwhile."


def _moment(row: Opportunity, at: dt.datetime | None) -> dt.datetime:
    """Since when the change holds: now, and never before the present state began."""
    if at is not None and at < row.changed_at:
        raise DealError("at", "The present state began later; correct the history instead.")
    return max(at or timezone.now(), row.changed_at)


def _last_open_stages(rows: Any, changes: Mapping[str, Any]) -> dict[int, int | None]:
    """The last open stage of the closed deals among the rows, where the change may reopen them."""
    if not {"category", "status", "stage_id"} & set(changes):
        return {}
    closed = [row.pk for row in rows if row.status != Status.OPEN]
    if not closed:
        return {}
    versions = OpportunityVersion.objects.filter(
        opportunity_id__in=closed, superseded_at=FAR_FUTURE_AT, status=Status.OPEN, stage__isnull=False
    )
    ordered = versions.order_by("opportunity_id", "-valid_from", "-seq").distinct("opportunity_id")
    return dict(ordered.values_list("opportunity_id", "stage_id"))


def _write(planned: Sequence[tuple[Opportunity, DealState, dt.datetime]], change_set_id: int) -> None:
    """One update statement per batch; triggers write the versions and the roll-up deltas."""
    for row, after, moment in planned:
        for name in TRACKED_FIELDS:
            setattr(row, name, getattr(after, name))
        row.version += 1
        row.changed_at = moment
        row.change_set_id = change_set_id
        row.source_row = None
    rows = [row for row, _, _ in planned]
    if len(rows) == 1:
        rows[0].save(update_fields=_WRITTEN)
    else:
        Opportunity.objects.bulk_update(rows, [f.removesuffix("_id") for f in _WRITTEN], batch_size=BATCH)


def _act(row: Opportunity, after: DealState, fields: Sequence[str]) -> Act:
    return Act("CHANGE", "deal", row.pk, row.name, *noted(state_of(row), after, fields))


def noted(
    before: DealState, after: DealState, fields: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """These fields before and after, for the audit trail; with an amount the currency it is in."""
    names = [*fields, *(["currency_id"] if "amount" in fields and "currency_id" not in fields else [])]
    return {n: getattr(before, n) for n in names}, {n: getattr(after, n) for n in names}
