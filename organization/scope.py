"""Whose rows a login may see, worked out afresh for every request from today's hierarchy and the roles in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from organization.domain.roles import ALL_DEAL_ROLES, Capability, Role
from organization.domain.scope import Scope
from organization.models import PersonClosure, RoleGrant
from salesops.wall.context import Reach

NOBODY = Scope()
_WALLED = (Capability.VIEW_AUDIT, Capability.VIEW_IMPORTS, Capability.IMPORT_CRM)
"""What the database asks about (`salesops.wall.policies`)."""


def scope_for(user: Any) -> Scope:
    """The reach of a login: nothing for the anonymous, the deactivated and those without a role.

    A rep reaches the own rows; a manager the own and everybody's below; operations, executives and auditors read
    every deal; finance every won deal. Never cached across requests: a revoked role or a moved report counts at once.
    """
    return scopes_for([user]).get(user.pk, NOBODY)


def scopes_for(users: Iterable[Any]) -> dict[int, Scope]:
    """The same for any number of logins in two statements; the anonymous and the deactivated are missing."""
    welcome = {user.pk: user for user in users if getattr(user, "is_authenticated", False) and user.is_active}
    if not welcome:
        return {}
    grants = RoleGrant.objects.filter(user_id__in=list(welcome), revoked_at__isnull=True, is_pending=False)
    roles: dict[int, set[Role]] = {user_id: set() for user_id in welcome}
    person: dict[int, int | None] = dict.fromkeys(welcome)
    for user_id, role, person_id in grants.values_list("user_id", "role", "user__person__id"):
        roles[user_id].add(Role(role))
        person[user_id] = person_id
    below = _below([person[user_id] for user_id, held in roles.items() if Role.MANAGER in held])
    return {
        user_id: Scope(
            user_id=user_id,
            user_name=str(welcome[user_id]),
            person_id=person[user_id],
            roles=frozenset(held),
            person_ids=_reach(person[user_id], held, below),
            everything=bool(held & ALL_DEAL_ROLES),
            won_only_everywhere=Role.FINANCE in held,
        )
        for user_id, held in roles.items()
    }


def wall_reach(scope: Scope) -> Reach:
    """What PostgreSQL is told of a viewer."""
    return Reach(
        people=scope.person_ids,
        won=scope.won_only_everywhere,
        everything=scope.everything,
        may=frozenset(capability.value for capability in _WALLED if scope.can(capability)),
    )


def _below(managers: Iterable[int | None]) -> dict[int, frozenset[int]]:
    """Everybody below each of these people, and they themselves."""
    asked = [person_id for person_id in managers if person_id is not None]
    if not asked:
        return {}
    found: dict[int, set[int]] = defaultdict(set)
    pairs = PersonClosure.objects.filter(ancestor_id__in=asked)
    for ancestor, descendant in pairs.values_list("ancestor_id", "descendant_id"):
        found[ancestor].add(descendant)
    return {ancestor: frozenset(descendants) for ancestor, descendants in found.items()}


def _reach(
    person_id: int | None, roles: Collection[Role], below: Mapping[int, frozenset[int]]
) -> frozenset[int]:
    if person_id is None:
        return frozenset()
    if Role.MANAGER in roles:
        return below.get(person_id, frozenset())
    return frozenset({person_id}) if Role.REP in roles else frozenset()
