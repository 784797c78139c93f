"""Which rows the forecast table has, in which order, and the figures of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from forecasting.domain.columns import Column
from forecasting.domain.grid import Figure, QuotaFact, Sums, figure

NO_SUMS = Sums()
NO_QUOTA = QuotaFact()


class Kind(StrEnum):
    """What a row stands for.

    ALL: everything the viewer sees. NODE: a person, territory or family with everything below. OWN: only what hangs on
    the node itself. UNASSIGNED: deals that hang on no node of the tree.
    """

    ALL = "ALL"
    NODE = "NODE"
    OWN = "OWN"
    UNASSIGNED = "UNASSIGNED"


@dataclass(frozen=True)
class TreeNode:
    """A node of the tree shown; `parent_id` None at its top."""

    id: int
    name: str
    parent_id: int | None = None
    note: str = ""
    is_active: bool = True


@dataclass(frozen=True)
class Place:
    """A row's place: `key` is unique in the table and its word in addresses (`12`, `12-own`, `all`, `none`)."""

    key: str
    kind: Kind
    node_id: int | None = None
    name: str = ""
    note: str = ""
    level: int = 1
    parent_key: str = ""
    expandable: bool = False
    is_open: bool = False
    is_active: bool = True


@dataclass(frozen=True)
class Layer:
    """What the figures were at one instant: by node with everything below, by node alone, by no node, and quotas."""

    nodes: Mapping[int, Sums] = field(default_factory=dict)
    own: Mapping[int, Sums] = field(default_factory=dict)
    unassigned: Sums = NO_SUMS
    all: Sums = NO_SUMS
    quotas: Mapping[int, QuotaFact] = field(default_factory=dict)
    quota_of_all: QuotaFact = NO_QUOTA

    def sums(self, place: Place) -> Sums:
        """The sums of a row."""
        if place.kind is Kind.ALL:
            return self.all
        if place.kind is Kind.UNASSIGNED:
            return self.unassigned
        source = self.nodes if place.kind is Kind.NODE else self.own
        return source.get(place.node_id or 0, NO_SUMS)

    def quota(self, place: Place) -> QuotaFact:
        """The quota of a row; what hangs on nobody, or on a manager alone, carries none."""
        if place.kind is Kind.ALL:
            return self.quota_of_all
        return self.quotas.get(place.node_id or 0, NO_QUOTA) if place.kind is Kind.NODE else NO_QUOTA


@dataclass(frozen=True)
class Row:
    """A place with its figures, one per column."""

    place: Place
    figures: tuple[Figure, ...]
    quota: QuotaFact


def places(
    nodes: Sequence[TreeNode],
    *,
    top: int | None,
    opened: frozenset[str],
    with_own: Iterable[int] = (),
    has_unassigned: bool = False,
) -> list[Place]:
    """The rows below `top`, or with None everything: those whose every ancestor is open, in tree order.

    The first row is always open. A node's own row is shown first among its children when the node is in `with_own`
    and has children; the row of what is assigned to no node stands last.
    """
    children: dict[int | None, list[TreeNode]] = {}
    for node in nodes:
        children.setdefault(node.parent_id, []).append(node)
    roots = [node for node in nodes if node.id == top] if top is not None else children.get(None, [])
    own = frozenset(with_own)
    if top is not None or (len(roots) == 1 and not has_unassigned):
        found: list[Place] = []
        for root in roots:
            found += _branch(root, "", 1, children, opened | {str(root.id)}, own)
        return found
    found = [Place("all", Kind.ALL, expandable=bool(roots), is_open=True)]
    for root in roots:
        found += _branch(root, "all", 2, children, opened, own)
    if has_unassigned:
        found.append(Place("none", Kind.UNASSIGNED, level=2, parent_key="all"))
    return found


def _branch(
    node: TreeNode,
    parent_key: str,
    level: int,
    children: Mapping[int | None, list[TreeNode]],
    opened: frozenset[str],
    own: frozenset[int],
) -> list[Place]:
    key, below = str(node.id), children.get(node.id, [])
    is_open = bool(below) and key in opened
    place = Place(
        key, Kind.NODE, node.id, node.name, node.note, level, parent_key, bool(below), is_open, node.is_active
    )
    found = [place]
    if not is_open:
        return found
    if node.id in own:
        found.append(Place(f"{key}-own", Kind.OWN, node.id, node.name, node.note, level + 1, key))
    for child in below:
        found += _branch(child, key, level + 1, children, opened, own)
    return found


def rows_of(
    shown: Sequence[Place], columns: Sequence[Column], now: Layer, before: Layer | None = None
) -> list[Row]:
    """The rows with their figures, each compared with what it was `before`."""
    return [
        Row(
            place,
            tuple(
                figure(
                    column,
                    now.sums(place),
                    now.quota(place).amount,
                    None if before is None else before.sums(place),
                    None if before is None else before.quota(place).amount,
                )
                for column in columns
            ),
            now.quota(place),
        )
        for place in shown
    ]
