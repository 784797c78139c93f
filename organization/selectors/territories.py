"""The tree of territories."""

from __future__ import annotations

from organization.domain.facts import TerritoryNode
from organization.domain.scope import Scope
from organization.domain.tree import in_tree_order
from organization.models import Territory, TerritoryClosure


def territory_tree(scope: Scope) -> list[TerritoryNode]:
    """All territories in tree order; their names are no secret to whoever has a role here."""
    if not scope.roles:
        return []
    rows = {
        row[0]: row for row in Territory.objects.values_list("id", "name", "kind", "parent_id", "is_active")
    }
    order = in_tree_order(
        {i: row[3] for i, row in rows.items()}, sort_key=lambda i: (rows[i][1].casefold(), i)
    )
    return [
        TerritoryNode(node, rows[node][1], rows[node][2], parent, depth, is_leaf, rows[node][4])
        for node, parent, depth, is_leaf in order
    ]


def territory_subtree_ids(territory_id: int) -> list[int]:
    """The territory and everything within it."""
    pairs = TerritoryClosure.objects.filter(ancestor_id=territory_id).order_by("depth", "descendant_id")
    return list(pairs.values_list("descendant_id", flat=True))
