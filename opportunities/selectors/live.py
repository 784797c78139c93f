"""What was appended to the history since a moment ago, for telling open pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection
from django.db.models import Max

from opportunities.domain.live import Change
from opportunities.models import OpportunityVersion

MOST_AT_ONCE = 50_000
_CHANGES = """
SELECT v.id, v.owner_id, v.status = 'WON', p.owner_id, p.status = 'WON'
FROM opportunities_opportunityversion v
LEFT JOIN LATERAL (
  SELECT b.owner_id, b.status FROM opportunities_opportunityversion b
  WHERE b.opportunity_id = v.opportunity_id AND b.seq < v.seq ORDER BY b.seq DESC LIMIT 1
) p ON true
WHERE v.id = ANY(%s)
"""


def last_version_id() -> int:
    """The highest version id written so far."""
    return OpportunityVersion.objects.aggregate(top=Max("id"))["top"] or 0


def version_ids_after(floor: int) -> list[int]:
    """Ids of versions above `floor`, ascending, at most `MOST_AT_ONCE`; an index range read."""
    rows = OpportunityVersion.objects.filter(id__gt=floor).order_by("id")
    return list(rows.values_list("id", flat=True)[:MOST_AT_ONCE])


def changes_of(version_ids: Sequence[int]) -> list[Change]:
    """Whom these versions concern: the owner then and the owner before."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, [list(version_ids)])
        return [
            Change(pk, frozenset({owner, former} - {None}), bool(won or was_won))
            for pk, owner, won, former, was_won in cursor.fetchall()
        ]


def versions_since(floor: int, recorded_after: dt.datetime) -> list[int]:
    """Ids above `floor` recorded after an instant, for pages that ask now and then."""
    rows = OpportunityVersion.objects.filter(id__gt=floor, recorded_at__gt=recorded_after).order_by("id")
    return list(rows.values_list("id", flat=True)[:MOST_AT_ONCE])
