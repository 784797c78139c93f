"""Logins as the page of users shows them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, Prefetch, Q

from organization.domain.roles import Capability, Role
from organization.domain.scope import Scope
from organization.models import Person, RoleGrant, User


@dataclass(frozen=True)
class GrantFacts:
    """A role somebody has, or is to have once a second administrator says yes."""

    id: int
    role: Role
    granted_at: dt.datetime
    granted_by_id: int | None
    granted_by: str
    is_pending: bool


@dataclass(frozen=True)
class LoginFacts:
    """A login with its roles and person."""

    id: int
    email: str
    name: str
    is_active: bool
    last_login: dt.datetime | None
    date_joined: dt.datetime
    has_password: bool
    has_second_step: bool
    person_id: int | None
    person_name: str
    grants: tuple[GrantFacts, ...]

    @property
    def roles(self) -> list[Role]:
        """Roles in force."""
        return [grant.role for grant in self.grants if not grant.is_pending]

    @property
    def pending(self) -> list[GrantFacts]:
        """Roles that wait for a second administrator."""
        return [grant for grant in self.grants if grant.is_pending]


def users(
    scope: Scope, *, search: str = "", role: str = "", state: str = "", user_id: int | None = None
) -> list[LoginFacts]:
    """Logins by name, filtered; none for whoever may not manage them."""
    if not scope.can(Capability.MANAGE_USERS):
        return []
    current = RoleGrant.objects.filter(revoked_at__isnull=True).select_related("granted_by").order_by("id")
    second = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type="recovery_codes")
    rows = User.objects.select_related("person").prefetch_related(Prefetch("role_grants", queryset=current))
    rows = rows.annotate(has_second_step=Exists(second))
    if user_id is not None:
        rows = rows.filter(pk=user_id)
    if search:
        rows = rows.filter(
            Q(name__icontains=search) | Q(email__icontains=search) | Q(person__name__icontains=search)
        )
    if role:
        rows = rows.filter(role_grants__role=role, role_grants__revoked_at__isnull=True)
    if state == "pending":
        rows = rows.filter(role_grants__is_pending=True, role_grants__revoked_at__isnull=True)
    elif state in ("active", "off"):
        rows = rows.filter(is_active=state == "active")
    return [_facts(user) for user in rows.order_by("name", "email").distinct()]


def _facts(user: Any) -> LoginFacts:
    person: Person | None = getattr(user, "person", None)
    return LoginFacts(
        user.pk, user.email, user.name, user.is_active, user.last_login, user.date_joined,
        user.has_usable_password(), user.has_second_step, person.pk if person else None, person.name if person else "",
        tuple(
            GrantFacts(
                grant.pk, Role(grant.role), grant.granted_at, grant.granted_by_id,
                str(grant.granted_by) if grant.granted_by else "", grant.is_pending,
            )
            for grant in user.role_grants.all()
        ),
    )  # fmt: skip


def user(scope: Scope, user_id: int) -> LoginFacts | None:
    """One login, or None."""
    return next(iter(users(scope, user_id=user_id)), None)


def people_without_login(scope: Scope) -> list[tuple[int, str]]:
    """Active people nobody signs in as yet, by name."""
    if not scope.can(Capability.MANAGE_USERS):
        return []
    rows = Person.objects.filter(user__isnull=True, is_active=True).order_by("name", "id")
    return [
        (pk, f"{name} · {email}" if email else name)
        for pk, name, email in rows.values_list("id", "name", "email")
    ]


def administrators() -> list[tuple[str, str]]:
    """Name and address of the administrators in force, by name: whom anybody may ask."""
    grants = RoleGrant.objects.filter(
        role=Role.ADMIN, revoked_at__isnull=True, is_pending=False, user__is_active=True
    )
    rows = grants.order_by("user__name", "user__email").values_list("user__name", "user__email").distinct()
    return [(name or email, email) for name, email in rows]
