"""The tree of territories, and who works where since when."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet

from organization.domain.facts import MembershipFacts, TerritoryNode
from organization.domain.scope import Scope
from organization.domain.sources import UNDONE
from organization.domain.tree import in_tree_order
from organization.models import Territory, TerritoryClosure, TerritoryMembership
from organization.models.people import FAR_FUTURE
from organization.selectors.people import sees_all_people


def territory_tree(scope: Scope) -> list[TerritoryNode]:
    """All territories in tree order; their names are no secret to whoever has a role here."""
    if not scope.roles:
        return []
    fields = ("id", "name", "kind", "parent_id", "is_active")
    seen = Territory.objects.exclude(source__startswith=UNDONE)
    rows = {row[0]: row for row in seen.values_list(*fields)}
    order = in_tree_order(
        {i: row[3] for i, row in rows.items()}, sort_key=lambda i: (rows[i][1].casefold(), i)
    )
    return [
        TerritoryNode(node, rows[node][1], rows[node][2], parent, depth, is_leaf, rows[node][4])
        for node, parent, depth, is_leaf in order
    ]


def territory_names(territory_ids: list[int]) -> dict[int, str]:
    """Names by id."""
    return dict(Territory.objects.filter(id__in=territory_ids).values_list("id", "name"))


def territory_subtree_ids(territory_id: int) -> list[int]:
    """The territory and everything within it."""
    pairs = TerritoryClosure.objects.filter(ancestor_id=territory_id).order_by("depth", "descendant_id")
    return list(pairs.values_list("descendant_id", flat=True))


def territories_of(scope: Scope, person_id: int) -> list[MembershipFacts]:
    """Where somebody works and worked, newest first; empty for somebody the viewer does not see."""
    if not (sees_all_people(scope) or scope.sees_person(person_id)):
        return []
    return _facts(TerritoryMembership.objects.filter(person_id=person_id))


def people_of_territory(
    scope: Scope, territory_id: int | None = None, on: dt.date | None = None
) -> list[MembershipFacts]:
    """Who works and worked in a territory itself (None: in any), of those the viewer sees, newest first; with `on`
    only who works there on that day."""
    rows = TerritoryMembership.objects.all()
    if territory_id is not None:
        rows = rows.filter(territory_id=territory_id)
    if on is not None:
        rows = rows.filter(from_date__lte=on, to_date__gt=on)
    return _facts(rows if sees_all_people(scope) else rows.filter(person_id__in=scope.person_ids))


def _facts(rows: QuerySet[TerritoryMembership]) -> list[MembershipFacts]:
    fields = ("person_id", "person__name", "territory_id", "territory__name", "from_date", "to_date")
    return [
        MembershipFacts(person, who, territory, where, since, None if until == FAR_FUTURE else until)
        for person, who, territory, where, since, until in rows.order_by(
            "-from_date", "territory__name", "person__name", "id"
        ).values_list(*fields)
    ]
