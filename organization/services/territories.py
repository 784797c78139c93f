"""The tree of territories: a dimension deals roll up by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError

from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.domain.sources import UNDONE
from organization.models import Territory
from organization.services.closures import rebuild_territory_closure
from organization.services.trail import TERRITORY_LOCK, OrganizationError, demand, lock, note
from salesops.ui.meanwhile import Seen, unchanged
from salesops.wall.context import saving


@saving()
def place_territory(
    *,
    name: str,
    parent_id: int | None = None,
    territory_id: int | None = None,
    kind: str = "TERRITORY",
    source: str = "local",
    external_id: str = "",
    is_active: bool = True,
    rebuild: bool = True,
    seen: Seen | None = None,
    scope: Scope | None = None,
) -> int:
    """Add a territory, or rename and move the one given; returns its id. A cycle is refused.

    Bulk callers pass `rebuild=False` and call `rebuild_territory_closure` once at the end of their transaction.
    """
    scope = scope or Scope.system("territory placed")
    demand(scope, Capability.MANAGE_ORGANIZATION)
    lock(TERRITORY_LOCK)
    name = name.strip()
    if not name:
        raise OrganizationError("name", "Give the territory a name.")
    siblings = Territory.objects.filter(parent_id=parent_id, name__iexact=name).exclude(
        source__startswith=UNDONE
    )
    if any(pk != territory_id for pk in siblings.values_list("pk", flat=True)):
        raise OrganizationError("name", f"There is a territory named {name} there already.")
    if parent_id is not None and not Territory.objects.filter(pk=parent_id).exists():
        raise OrganizationError("parent", "There is no such parent territory.")
    values = {"name": name, "parent_id": parent_id, "kind": kind, "is_active": is_active}
    if territory_id is None:
        before, row = None, Territory.objects.create(**values, source=source, external_id=external_id)
    else:
        before = Territory.objects.filter(pk=territory_id).values(*values).first()
        if before is None:
            raise OrganizationError("territory", "There is no such territory.")
        unchanged(seen, before, values)
        row = _changed(territory_id, values)
    if before != values:
        note(scope, "UPDATE" if before else "CREATE", "territory", row.pk, name, before, values)
    if rebuild and (before is None or before["parent_id"] != parent_id):
        rebuild_territory_closure()
    return row.pk


def _changed(territory_id: int, values: Mapping[str, Any]) -> Territory:
    try:
        with saving():
            Territory.objects.filter(pk=territory_id).update(**values)
    except IntegrityError as error:
        raise OrganizationError("parent", "A territory cannot lie within itself.") from error
    return Territory.objects.get(pk=territory_id)
