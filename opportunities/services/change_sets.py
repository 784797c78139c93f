"""The act that changes belong to."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from opportunities.models import ChangeSet
from organization.domain.scope import Scope


def new_change_set(
    *,
    scope: Scope,
    kind: str = "EDIT",
    at: dt.datetime | None = None,
    note: str = "",
    undoes_id: int | None = None,
    import_batch_id: int | None = None,
) -> int:
    """Open an act by this viewer and return its id. `at` is when it was done, not since when its changes hold."""
    change_set = ChangeSet.objects.create(
        kind=ChangeSet.Kind(kind),
        at=at or timezone.now(),
        actor_id=scope.user_id,
        actor_name=scope.actor_name[:200],
        note=note[:500],
        undoes_id=undoes_id,
        import_batch_id=import_batch_id,
    )
    return change_set.pk
