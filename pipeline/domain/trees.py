"""The trees that deals roll up by."""

from enum import IntEnum


class Tree(IntEnum):
    """What a roll-up node is a node of. The OWN trees hold what belongs to a node itself, without those
    below.

    Node 0 of every tree holds the deals that have no such dimension (no owner, no territory, no product
    family), so that the roots and node 0 together are always all deals.
    """

    PEOPLE = 1
    OWN = 2
    TERRITORY = 3
    FAMILY = 4
    TERRITORY_OWN = 5
    FAMILY_OWN = 6


TITLES: dict[Tree, str] = {
    Tree.PEOPLE: "People, with everybody below",
    Tree.OWN: "One person's own deals",
    Tree.TERRITORY: "Territory, with everything below",
    Tree.FAMILY: "Product family, with everything below",
    Tree.TERRITORY_OWN: "One territory's own deals",
    Tree.FAMILY_OWN: "One product family's own deals",
}
"""What each tree is, in words."""

NOBODY = 0
"""The node of deals without owner, territory or family."""
