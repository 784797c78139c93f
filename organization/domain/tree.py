"""Putting rows with parents into reading order."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

Key = TypeVar("Key", bound=Hashable)


def in_tree_order(
    parents: Mapping[Key, Key | None], sort_key: Callable[[Key], Any]
) -> list[tuple[Key, Key | None, int, bool]]:
    """`(node, parent, depth, is_leaf)` depth first, siblings by `sort_key`.

    A node whose parent is not among the nodes becomes a root; nodes on a cycle (which the database refuses) are
    listed as roots too, so that nobody vanishes.
    """
    children: dict[Key | None, list[Key]] = {}
    for node, parent in parents.items():
        children.setdefault(parent if parent in parents else None, []).append(node)
    for siblings in children.values():
        siblings.sort(key=sort_key)
    ordered: list[tuple[Key, Key | None, int, bool]] = []
    seen: set[Key] = set()

    def descend(roots: Iterable[Key]) -> None:
        stack: list[tuple[Key, Key | None, int]] = [(root, None, 0) for root in reversed(list(roots))]
        while stack:
            node, parent, depth = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            below = children.get(node, [])
            ordered.append((node, parent, depth, not below))
            stack += [(child, node, depth + 1) for child in reversed(below)]

    descend(children.get(None, []))
    descend(sorted((node for node in parents if node not in seen), key=sort_key))
    return ordered
