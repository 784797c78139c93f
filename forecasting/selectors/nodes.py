"""The nodes of the tree a question is asked of, and reading them all at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from forecasting.domain.question import Question, TreeName
from forecasting.domain.table import TreeNode
from opportunities.models import ProductFamily
from organization.domain.scope import Scope
from organization.domain.sources import UNDONE
from organization.selectors import people_tree, territory_tree
from organization.selectors.memo import held


class NotVisibleError(LookupError):
    """The node asked for does not exist, or not for this viewer."""


@contextmanager
def one_moment() -> Iterator[None]:
    """Everything read inside is of the same instant, so that rows add up while others write.

    Inside a transaction already begun (a test, a service) that one decides. Settings are therefore read once.
    """
    if connection.in_atomic_block:
        with held():
            yield
        return
    with held(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def reach(scope: Scope, question: Question) -> Scope:
    """The reach in which a page is read. Who reads everybody's won deals and has people of their own sees all deals
    of theirs on the page of one of them, and won ones only on any other: no column mixes the two.
    """
    own = question.tree is TreeName.PEOPLE and question.top is not None and scope.sees_person(question.top)
    return scope.own_reach if own and scope.reads_won_only else scope


def tree_nodes(scope: Scope, question: Question) -> list[TreeNode]:
    """The nodes the viewer may see of the tree asked for, parents before children."""
    if question.tree is TreeName.PEOPLE:
        people = people_tree(scope, question.at, question.lines)
        return [TreeNode(p.id, p.name, p.parent_id, p.title, p.is_active) for p in people]
    if question.tree is TreeName.TERRITORIES:
        return [TreeNode(t.id, t.name, t.parent_id, is_active=t.is_active) for t in territory_tree(scope)]
    families = ProductFamily.objects.exclude(source__startswith=UNDONE).order_by("name", "id")
    rows = families.values_list("id", "name", "parent_id")
    return [TreeNode(*row) for row in rows]


def path_to(nodes: list[TreeNode], node_id: int | None) -> tuple[TreeNode, ...]:
    """The nodes from the top of what is visible down to this one, inclusive."""
    by_id = {node.id: node for node in nodes}
    found: list[TreeNode] = []
    node = by_id.get(node_id or 0)
    while node is not None and node not in found:
        found.insert(0, node)
        node = by_id.get(node.parent_id or 0)
    return tuple(found)


def below(nodes: list[TreeNode], top: int | None) -> list[TreeNode]:
    """A node with everything below it; all nodes for None."""
    if top is None:
        return nodes
    children: dict[int | None, list[TreeNode]] = {}
    for node in nodes:
        children.setdefault(node.parent_id, []).append(node)
    found = [node for node in nodes if node.id == top]
    for node in found:
        found += children.get(node.id, [])
    return found
