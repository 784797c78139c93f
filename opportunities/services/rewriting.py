"""Learning the past anew: what was known is superseded, what is known now is inserted, the current row follows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from opportunities.domain.deal import TRACKED_FIELDS, PastState
from opportunities.domain.history import is_in_order, push_count, stage_entered_at
from opportunities.models import Opportunity, OpportunityVersion
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.states import live_versions, past_state_of
from opportunities.services.creation import versions_of
from salesops.wall.context import saving

BATCH = 1000

_FOLLOW = f"""
UPDATE opportunities_opportunity o SET ({", ".join(TRACKED_FIELDS)}) = ({", ".join("v." + f for f in TRACKED_FIELDS)}),
  version = v.seq, changed_at = v.valid_from, change_set_id = v.change_set_id, source_row = v.source_row,
  stage_entered_at = n.entered, push_count = n.pushes
FROM unnest(%s::bigint[], %s::timestamptz[], %s::smallint[]) AS n(id, entered, pushes)
JOIN opportunities_opportunityversion v
  ON v.opportunity_id = n.id AND v.superseded_at = %s AND v.valid_to = %s
WHERE o.id = n.id
"""  # noqa: S608 - names of columns, no input
_WITHDRAW = """
UPDATE opportunities_opportunity SET is_deleted = true, version = n.seq, change_set_id = %s,
  changed_at = greatest(changed_at, %s), content_hash = NULL
FROM unnest(%s::bigint[], %s::int[]) AS n(id, seq) WHERE opportunities_opportunity.id = n.id
"""


@saving()
def rewrite_history(*, change_set_id: int, histories: Mapping[int, Sequence[PastState]]) -> int:
    """Make each deal's history exactly the given states, oldest first; returns how many deals changed.

    States that stand already at the beginning of the history are kept; the rest of what was known is superseded now
    (still there for "as known at"), the new states are inserted with higher numbers, and the current row becomes the
    last of them. No states at all withdraws a deal: marked deleted, everything known of it superseded. A state that
    was learnt from an earlier act keeps it (`PastState.change_set_id`). Checks no right: the caller has.
    Raises `ValueError` when states are out of order.
    """
    for deal_id, states in histories.items():
        if not is_in_order(states):
            raise ValueError(f"Deal {deal_id}: states must be in order of their beginning.")
    ids = sorted(histories)
    list(Opportunity.objects.filter(pk__in=ids).order_by("pk").select_for_update().values_list("pk"))
    known = live_versions(ids)
    plans = {i: _kept(known.get(i, []), histories[i]) for i in ids}
    changed = [i for i in ids if is_rewriting(known.get(i, []), histories[i])]
    if not changed:
        return 0
    now = timezone.now()
    _supersede(changed, plans, known, histories, now)
    _insert(changed, plans, histories, change_set_id, now)
    return len(changed)


def is_rewriting(known: Sequence[OpportunityVersion], wanted: Sequence[PastState]) -> bool:
    """Whether making the known history the wanted one would write anything."""
    return _kept(known, wanted) < max(len(known), len(wanted))


def _kept(known: Sequence[OpportunityVersion], wanted: Sequence[PastState]) -> int:
    """How many versions at the beginning stay: same start, state and origin, and the same end (or none yet)."""
    kept = 0
    for index, (row, state) in enumerate(zip(known, wanted, strict=False)):
        until = wanted[index + 1].valid_from if index + 1 < len(wanted) else FAR_FUTURE_AT
        past = past_state_of(row)
        same = (past.valid_from, past.state, past.origin) == (state.valid_from, state.state, state.origin)
        if not same or row.valid_to not in (until, FAR_FUTURE_AT):
            break
        kept += 1
    return kept


def _supersede(
    changed: Sequence[int],
    plans: Mapping[int, int],
    known: Mapping[int, Sequence[OpportunityVersion]],
    histories: Mapping[int, Sequence[PastState]],
    now: dt.datetime,
) -> None:
    """End the knowledge of what is replaced; a kept last version that is followed now ends in the business."""
    gone = [row.pk for i in changed for row in known.get(i, [])[plans[i] :]]
    OpportunityVersion.objects.filter(pk__in=gone).update(superseded_at=now)
    ended = []
    for i in changed:
        for row, following in zip(known.get(i, [])[: plans[i]], histories[i][1:], strict=False):
            if row.valid_to == FAR_FUTURE_AT:
                row.valid_to = following.valid_from
                ended.append(row)
    OpportunityVersion.objects.bulk_update(ended, ["valid_to"], batch_size=BATCH)


def _insert(
    changed: Sequence[int],
    plans: Mapping[int, int],
    histories: Mapping[int, Sequence[PastState]],
    change_set_id: int,
    now: dt.datetime,
) -> None:
    top = _highest_numbers(changed)
    new = [
        version
        for i in changed
        for version in versions_of(i, histories[i][plans[i] :], change_set_id, now, top[i] + 1)
    ]
    OpportunityVersion.objects.bulk_create(new, batch_size=BATCH)
    rewritten = [i for i in changed if histories[i]]
    withdrawn = [i for i in changed if not histories[i]]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL salesops.rewriting = 'on'")
        if rewritten:
            entered = [stage_entered_at(histories[i]) for i in rewritten]
            pushes = [push_count(histories[i]) for i in rewritten]
            cursor.execute(_FOLLOW, [rewritten, entered, pushes, FAR_FUTURE_AT, FAR_FUTURE_AT])
        if withdrawn:
            cursor.execute(_WITHDRAW, [change_set_id, now, withdrawn, [top[i] + 1 for i in withdrawn]])
        cursor.execute("SET LOCAL salesops.rewriting = 'off'")


def _highest_numbers(deal_ids: Sequence[int]) -> dict[int, int]:
    """The highest number any version or the row itself ever had, so that a new one is always higher."""
    top = dict(Opportunity.objects.filter(pk__in=deal_ids).values_list("pk", "version"))
    seqs = OpportunityVersion.objects.filter(opportunity_id__in=deal_ids).values_list("opportunity_id")
    for deal_id, seq in seqs.annotate(top=Max("seq")):
        top[deal_id] = max(top[deal_id], seq)
    return top
