"""Who shares a deal, now or then, and how that came about. For selectors that have checked who asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

from opportunities.domain.listing import DealRow, FieldChange, SplitRow, TimelineEntry
from opportunities.models import ChangeSet, OpportunitySplit
from salesops.kernel.money import EXACT


def splits_of(row: DealRow, at: dt.datetime | None) -> tuple[SplitRow, ...]:
    """The shares of a deal as of an instant (None: now), and what they come to of its amount."""
    rows = OpportunitySplit.objects.filter(opportunity_id=row.id).at(at).select_related("person")
    return tuple(_share(part, row.amount) for part in _ordered(rows))


def split_entries(
    deal_id: int, at: dt.datetime | None, states: Sequence[TimelineEntry]
) -> list[TimelineEntry]:
    """Each act that changed the deal's splits, up to an instant, as an entry beside those of its `states`."""
    rows = OpportunitySplit.objects.filter(opportunity_id=deal_id)
    if at is not None:
        rows = rows.filter(valid_from__lte=at)
    parts = list(rows.select_related("person", "change_set", "ended_by"))
    acts = {part.change_set: part.valid_from for part in parts}
    acts |= {
        part.ended_by: part.valid_to
        for part in parts
        if part.ended_by is not None and (at is None or part.valid_to <= at)
    }
    return [_entry(moment, act, parts, states) for act, moment in acts.items()]


def _entry(
    moment: dt.datetime, act: ChangeSet, parts: Sequence[OpportunitySplit], states: Sequence[TimelineEntry]
) -> TimelineEntry:
    before = [p for p in parts if p.valid_from < moment <= p.valid_to]
    after = [p for p in parts if p.valid_from <= moment < p.valid_to]
    change = FieldChange("splits", _shares(before), _shares(after))
    state = [entry for entry in states if entry.at <= moment] or list(states)
    return TimelineEntry(
        seq=state[-1].seq, at=moment, until=None, recorded_at=act.at, kind=act.kind, by=act.actor_name,
        note=act.note, is_derived=False, category=state[-1].category, changes=(change,),
        is_undo=act.kind == ChangeSet.Kind.UNDO,
    )  # fmt: skip


def _shares(parts: Iterable[OpportunitySplit]) -> tuple[SplitRow, ...]:
    return tuple(_share(part, None) for part in _ordered(parts))


def _share(part: OpportunitySplit, amount: Decimal | None) -> SplitRow:
    worth = None if amount is None else EXACT.divide(EXACT.multiply(amount, part.share), Decimal(100))
    return SplitRow(part.person_id, part.person.name, part.kind, part.share, worth)


def _ordered(parts: Iterable[OpportunitySplit]) -> list[OpportunitySplit]:
    """Revenue first, the largest share first."""
    return sorted(parts, key=lambda p: (p.kind != p.Kind.REVENUE, -p.share, p.person.name, p.person_id))
