"""Logins and roles: who gets in, and as what. Powerful roles take two administrators; nobody raises themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from organization.domain.roles import Capability, Role
from organization.domain.scope import Scope
from organization.models import Person, RoleGrant, User
from organization.services.trail import ACCESS_LOCK, NotAllowedError, OrganizationError, demand, lock, note
from salesops.ui.meanwhile import Seen, unchanged
from salesops.wall.context import saving

TWO_PERSON_ROLES = frozenset({Role.ADMIN, Role.FINANCE})
"""Roles whose grant a second administrator confirms before it takes effect."""


@saving()
def create_login(
    *,
    email: str,
    name: str = "",
    password: str | None = None,
    roles: Iterable[Role | str] = (),
    person_id: int | None = None,
    scope: Scope | None = None,
) -> int:
    """A login with roles, linked to a person if given; returns its id.

    Without a password it signs in by single sign-on, or by the link an administrator hands over. Raises
    `OrganizationError` for no role, a bad or taken address, a weak password, or a person who has a login.
    """
    scope = scope or Scope.system("login created on the command line")
    demand(scope, Capability.MANAGE_USERS)
    lock(ACCESS_LOCK)
    email = _free_address(email)
    roles = list(roles)
    if not roles:
        raise OrganizationError("roles", "A login needs at least one role; without one it sees nothing.")
    user = User(email=email, name=name.strip())
    if password:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise OrganizationError("password", " ".join(error.messages)) from error
    user.set_password(password or None)  # a hash of "" would pass for a chosen password
    user.save()
    note(scope, "CREATE", "login", user.pk, user, None, {"email": email, "name": user.name})
    if person_id is not None:
        link_person(user_id=user.pk, person_id=person_id, scope=scope)
    for role in roles:
        grant_role(user_id=user.pk, role=role, scope=scope)
    return user.pk


def _free_address(text: str, *, but: int | None = None) -> str:
    """The address in small letters; refused when it is none or another login's than `but`."""
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise OrganizationError("email", f"{email or 'This'} is not an e-mail address.") from error
    if User.objects.filter(email__iexact=email).exclude(pk=but or 0).exists():
        raise OrganizationError("email", f"{email} has a login already.")
    return email


@saving()
def correct_login(*, user_id: int, name: str, email: str, seen: Seen | None = None, scope: Scope) -> None:
    """Mend the name and the address of somebody else's login. Whoever signs in by it is told of a new address by mail.

    Password, second step and sessions stay; links to choose a password sent before no longer open.
    """
    demand(scope, Capability.MANAGE_USERS)
    lock(ACCESS_LOCK)
    if scope.user_id == user_id:
        raise NotAllowedError("", "Another administrator has to correct your own login.")
    user, name = _login(user_id), name.strip()
    email = user.email if email.strip() == user.email else _free_address(email, but=user_id)
    before, after = {"name": user.name, "email": user.email}, {"name": name, "email": email}
    unchanged(seen, before, after)
    if before == after:
        return
    label, user.name, user.email = str(user), name, email
    user.save(update_fields=["name", "email"])
    note(scope, "UPDATE", "login", user_id, label, before, after)
    if before["email"] != email:
        if EmailAddress.objects.filter(user=user).delete()[0]:
            EmailAddress.objects.create(user=user, email=email, primary=True, verified=False)
        transaction.on_commit(lambda: _tell_address_changed(user, before["email"]), robust=True)


def _tell_address_changed(user: User, former: str) -> None:
    """To the former address as well, so that nobody's login is taken over behind their back; each without the other."""
    with translation.override(user.language or settings.LANGUAGE_CODE):
        for address in (former, user.email):
            send_mail(
                _("Your address for signing in was changed"),
                _(
                    "An administrator changed the e-mail address with which you sign in. Your password stays as it "
                    "is.\n\nIf you did not ask for it, tell another administrator at once."
                ),
                None,
                [address],
            )


@saving()
def link_person(*, user_id: int, person_id: int | None, seen: Seen | None = None, scope: Scope) -> None:
    """Say which person a login is (None: nobody); the person's deals become the login's own."""
    demand(scope, Capability.MANAGE_USERS)
    lock(ACCESS_LOCK)
    user = _login(user_id)
    if scope.user_id == user_id:
        raise NotAllowedError("person", "Another administrator has to link your own login.")
    former = Person.objects.filter(user_id=user_id).first()
    former_id = former.pk if former else None
    unchanged(seen, {"person_id": former_id}, {"person_id": person_id})
    if former_id == person_id:
        return
    if former:
        former.user = None
        former.save(update_fields=["user"])
    person = None
    if person_id is not None:
        person = Person.objects.select_for_update().filter(pk=person_id).first()
        if person is None:
            raise OrganizationError("person", "There is no such person.")
        if person.user_id is not None:
            raise OrganizationError("person", f"{person.name} has a login already.")
        person.user = user
        person.save(update_fields=["user"])
    note(
        scope, "LINK", "login", user.pk, user,
        {"person": former.name if former else None}, {"person": person.name if person else None},
    )  # fmt: skip


@saving()
def grant_role(*, user_id: int, role: Role | str, scope: Scope | None = None) -> bool:
    """Give a role; True when it is in force at once, False when a second administrator has to confirm it.

    Nobody grants themselves a role. On the command line (a system scope) no second person is asked for.
    """
    scope = scope or Scope.system("role granted on the command line")
    demand(scope, Capability.MANAGE_USERS)
    lock(ACCESS_LOCK)
    user, role = _login(user_id), Role(role)
    if scope.user_id == user_id:
        raise NotAllowedError("role", "Nobody grants themselves a role; ask another administrator.")
    if not user.is_active:
        raise OrganizationError("role", "This login is deactivated; reactivate it first.")
    present = RoleGrant.objects.filter(user=user, role=role, revoked_at__isnull=True).first()
    if present:
        return not present.is_pending
    is_pending = role in TWO_PERSON_ROLES and scope.user_id is not None
    RoleGrant.objects.create(
        user=user, role=role, granted_at=timezone.now(), granted_by_id=scope.user_id, is_pending=is_pending
    )
    note(scope, "REQUEST_ROLE" if is_pending else "GRANT_ROLE", "login", user.pk, user, None, {"role": role})
    return not is_pending


@saving()
def confirm_grant(*, grant_id: int, scope: Scope) -> None:
    """The second administrator's yes. Neither who asked nor who receives may give it."""
    demand(scope, Capability.MANAGE_USERS)
    lock(ACCESS_LOCK)
    grant = RoleGrant.objects.select_related("user").filter(pk=grant_id, revoked_at__isnull=True).first()
    if grant is None or not grant.is_pending:
        raise OrganizationError("grant", "This grant no longer waits for confirmation.")
    if scope.user_id is not None and scope.user_id in (grant.granted_by_id, grant.user_id):
        raise NotAllowedError("grant", "A second administrator has to confirm this grant.")
    grant.is_pending, grant.confirmed_at, grant.confirmed_by_id = False, timezone.now(), scope.user_id
    grant.save(update_fields=["is_pending", "confirmed_at", "confirmed_by"])
    note(scope, "CONFIRM_ROLE", "login", grant.user_id, grant.user, {"pending": True}, {"role": grant.role})


@saving()
def revoke_role(*, user_id: int, role: Role | str, scope: Scope | None = None) -> None:
    """Take a role away (or refuse a pending one), at once. The last administrator keeps theirs."""
    scope = scope or Scope.system("role revoked on the command line")
    demand(scope, Capability.MANAGE_USERS)
    lock(ACCESS_LOCK)
    grant = (
        RoleGrant.objects.select_related("user")
        .filter(user_id=user_id, role=Role(role), revoked_at__isnull=True)
        .first()
    )
    if grant is None:
        return
    if not grant.is_pending:
        _keep_an_administrator(user_id, role)
    grant.revoked_at, grant.revoked_by_id = timezone.now(), scope.user_id
    grant.save(update_fields=["revoked_at", "revoked_by"])
    verb = "REFUSE_ROLE" if grant.is_pending else "REVOKE_ROLE"
    note(scope, verb, "login", user_id, grant.user, {"role": grant.role}, None)


def _keep_an_administrator(user_id: int, role: Role | str) -> None:
    if Role(role) is not Role.ADMIN:
        return
    others = RoleGrant.objects.filter(
        role=Role.ADMIN, revoked_at__isnull=True, is_pending=False, user__is_active=True
    ).exclude(user_id=user_id)
    if not others.exists():
        raise OrganizationError("role", "This is the last administrator; make another one first.")


@saving()
def set_active(*, user_id: int, is_active: bool, scope: Scope) -> None:
    """Let a login in or shut it out; shutting out ends its sessions and empties its reach at once."""
    demand(scope, Capability.MANAGE_USERS)
    lock(ACCESS_LOCK)
    user = _login(user_id)
    if user.is_active == is_active:
        return
    if not is_active:
        if scope.user_id == user_id:
            raise NotAllowedError("", "You cannot deactivate your own login.")
        if RoleGrant.objects.filter(
            user=user, role=Role.ADMIN, revoked_at__isnull=True, is_pending=False
        ).exists():
            _keep_an_administrator(user_id, Role.ADMIN)
    user.is_active = is_active
    user.session_epoch = F("session_epoch") + 1
    user.save(update_fields=["is_active", "session_epoch"])
    note(
        scope, "REACTIVATE" if is_active else "DEACTIVATE", "login", user_id, user,
        {"is_active": not is_active}, {"is_active": is_active},
    )  # fmt: skip


@saving()
def sign_out_everywhere(*, user_id: int, scope: Scope) -> None:
    """End every session of a login: one's own, or, as an administrator, anybody's. Counts at their next request."""
    if scope.user_id != user_id:
        demand(scope, Capability.MANAGE_USERS)
    user = _login(user_id)
    User.objects.filter(pk=user_id).update(session_epoch=F("session_epoch") + 1)
    note(scope, "SIGN_OUT_EVERYWHERE", "login", user_id, user)


@saving()
def note_password_link(*, user_id: int, scope: Scope) -> None:
    """Write down that an administrator made a link with which a login's password can be chosen."""
    demand(scope, Capability.MANAGE_USERS)
    user = _login(user_id)
    note(scope, "MAKE_PASSWORD_LINK", "login", user_id, user)


@saving()
def remove_second_steps(*, user_id: int, scope: Scope) -> None:
    """Take away authenticator app, passkeys and recovery codes of somebody who lost them, and end their sessions.

    The password remains, and the person is told by mail: an administrator who made a password link, too, would be in.
    """
    demand(scope, Capability.MANAGE_USERS)
    if scope.user_id == user_id:
        raise NotAllowedError(
            "", "Your own second step is removed under Your account, with a proof that it is you."
        )
    user = _login(user_id)
    kinds = sorted(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    if not kinds:
        return
    Authenticator.objects.filter(user=user).delete()
    User.objects.filter(pk=user_id).update(session_epoch=F("session_epoch") + 1)
    note(scope, "REMOVE_SECOND_STEP", "login", user_id, user, {"second_step": kinds}, {"second_step": []})
    transaction.on_commit(lambda: _tell_second_step_removed(user), robust=True)


def _tell_second_step_removed(user: User) -> None:
    with translation.override(user.language or settings.LANGUAGE_CODE):
        send_mail(
            _("Your second step was removed"),
            _(
                "An administrator removed your second step (authenticator app, passkeys, recovery codes), "
                "because somebody said that you lost it. You sign in with your password alone; set up another one "
                "under Your account.\n\nIf it was not you who said so, tell another administrator at once."
            ),
            None,
            [user.email],
        )


@saving()
def save_preferences(*, scope: Scope, **changes: Any) -> None:
    """One's own name, language, theme, density and letter keys."""
    unknown = set(changes) - {"name", "language", "theme", "density", "letter_keys"}
    if unknown or scope.user_id is None:
        raise OrganizationError("", "These are not preferences.")
    user = _login(scope.user_id)
    former = user.name
    for field, value in changes.items():
        setattr(user, field, value)
    user.save(update_fields=list(changes))
    if user.name != former:
        note(scope, "UPDATE", "login", user.pk, user, {"name": former}, {"name": user.name})


def _login(user_id: int) -> User:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise OrganizationError("user", "There is no such login.")
    return user
