"""What was appended to the history since a moment ago, or withdrawn from it, for telling open pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection
from django.db.models import Max

from opportunities.domain.live import Change
from opportunities.models import ChangeSet, OpportunityVersion
from salesops.wall import context as wall

MOST_AT_ONCE = 50_000
LATEST_ACTS = 100
_CHANGES = """
SELECT v.owner_id, v.status = 'WON', p.owner_id, p.status = 'WON'
FROM opportunities_opportunityversion v
LEFT JOIN LATERAL (
  SELECT b.owner_id, b.status FROM opportunities_opportunityversion b
  WHERE b.opportunity_id = v.opportunity_id AND b.seq < v.seq ORDER BY b.seq DESC LIMIT 1
) p ON true
WHERE v.id = ANY(%s)
"""
_WITHDRAWN = """
SELECT DISTINCT v.owner_id, v.status = 'WON'
FROM opportunities_changeset s
JOIN opportunities_opportunity o ON o.change_set_id = s.id AND o.is_deleted
JOIN LATERAL (
  SELECT b.owner_id, b.status FROM opportunities_opportunityversion b
  WHERE b.opportunity_id = o.id ORDER BY b.seq DESC LIMIT 1
) v ON true
WHERE s.id = ANY(%s) AND s.kind = 'UNDO' AND s.import_batch_id IS NOT NULL
"""

_OF_EVERYBODY = wall.system("a stream is told owners, and tells its viewer only of those in reach")


@_OF_EVERYBODY
def last_version_id() -> int:
    """The highest version id written so far."""
    return OpportunityVersion.objects.aggregate(top=Max("id"))["top"] or 0


@_OF_EVERYBODY
def version_ids_after(floor: int) -> list[int]:
    """Ids of versions above `floor`, ascending, at most `MOST_AT_ONCE`; an index range read."""
    rows = OpportunityVersion.objects.filter(id__gt=floor).order_by("id")
    return list(rows.values_list("id", flat=True)[:MOST_AT_ONCE])


@_OF_EVERYBODY
def changes_of(version_ids: Sequence[int]) -> list[Change]:
    """Whom these versions concern: the owner then and the owner before."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, [list(version_ids)])
        return [
            Change(frozenset({owner, former} - {None}), bool(won or was_won))
            for owner, won, former, was_won in cursor.fetchall()
        ]


@_OF_EVERYBODY
def versions_since(floor: int, recorded_after: dt.datetime) -> list[int]:
    """Ids above `floor` recorded after an instant, for pages that ask now and then."""
    rows = OpportunityVersion.objects.filter(id__gt=floor, recorded_at__gt=recorded_after).order_by("id")
    return list(rows.values_list("id", flat=True)[:MOST_AT_ONCE])


@_OF_EVERYBODY
def version_id_before(at: dt.datetime) -> int:
    """An id below all versions recorded after an instant, found from the end in a few index reads.

    Ids and instants are nearly, not exactly, in the same order: steps are large enough for that not to matter.
    """
    last, step = last_version_id(), 1000
    while last > step:
        found = (
            OpportunityVersion.objects.filter(id__gt=last - step)
            .order_by("id")
            .values_list("recorded_at")
            .first()
        )
        if found is not None and found[0] < at:
            return last - step
        step *= 8
    return 0


def last_act_id() -> int:
    """The highest change set id written so far."""
    return ChangeSet.objects.aggregate(top=Max("id"))["top"] or 0


def act_ids_after(floor: int) -> list[int]:
    """Ids of change sets above `floor`, ascending, at most `MOST_AT_ONCE`; an index range read."""
    return list(
        ChangeSet.objects.filter(id__gt=floor).order_by("id").values_list("id", flat=True)[:MOST_AT_ONCE]
    )


@_OF_EVERYBODY
def withdrawn_by(act_ids: Sequence[int]) -> list[Change]:
    """Whom it concerns that these acts took deals back that an import had created: that writes no version."""
    with connection.cursor() as cursor:
        cursor.execute(_WITHDRAWN, [list(act_ids)])
        return [Change(frozenset({owner} - {None}), bool(won)) for owner, won in cursor.fetchall()]


def withdrawn_since(at: dt.datetime) -> list[Change]:
    """The same for acts since an instant, for pages that ask now and then."""
    undone = ChangeSet.objects.filter(kind=ChangeSet.Kind.UNDO, import_batch_id__isnull=False, at__gt=at)
    ids = list(undone.order_by("-id").values_list("id", flat=True)[:LATEST_ACTS])
    return withdrawn_by(ids) if ids else []
