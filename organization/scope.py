"""Whose rows a login may see, worked out afresh for every request from today's hierarchy and the roles in force."""

from __future__ import annotations

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
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return NOBODY
    grants = RoleGrant.objects.filter(user_id=user.pk, revoked_at__isnull=True, is_pending=False)
    rows = list(grants.values_list("role", "user__person__id"))
    roles = frozenset(Role(role) for role, _ in rows)
    person_id = rows[0][1] if rows else None
    return Scope(
        user_id=user.pk,
        user_name=str(user),
        person_id=person_id,
        roles=roles,
        person_ids=_reach(person_id, roles),
        everything=bool(roles & ALL_DEAL_ROLES),
        won_only_everywhere=Role.FINANCE in roles,
    )


def wall_reach(scope: Scope) -> Reach:
    """What PostgreSQL is told of a viewer."""
    return Reach(
        people=scope.person_ids,
        won=scope.won_only_everywhere,
        everything=scope.everything,
        may=frozenset(capability.value for capability in _WALLED if scope.can(capability)),
    )


def _reach(person_id: int | None, roles: frozenset[Role]) -> frozenset[int]:
    if person_id is None:
        return frozenset()
    if Role.MANAGER in roles:
        pairs = PersonClosure.objects.filter(ancestor_id=person_id)
        return frozenset(pairs.values_list("descendant_id", flat=True))
    return frozenset({person_id}) if Role.REP in roles else frozenset()
