"""Logins and roles, for administrators."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth import get_user_model
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from organization import services
from organization.domain.roles import ROLE_MEANINGS, Capability, Role
from organization.domain.scope import Scope
from organization.forms import ROLE_LABELS, LinkForm, LoginCorrectionForm, LoginForm
from organization.permissions import requires
from organization.selectors import users as user_selectors
from organization.selectors.users import LoginFacts
from salesops.ui.form_page import form_page, press
from salesops.ui.pagination import page_of

MANAGE = Capability.MANAGE_USERS


@requires(MANAGE)
def users(request: HttpRequest) -> HttpResponse:
    """Every login: who, which roles, since when seen."""
    scope = request.viewer
    search, role, state = (request.GET.get(name, "").strip() for name in ("q", "role", "state"))
    rows = user_selectors.users(
        scope, search=search, role=role if role in Role.__members__ else "", state=state
    )
    waiting = user_selectors.users(scope, state="pending")
    context = {
        "page": page_of(request, rows),
        "q": search,
        "role": role,
        "state": state,
        "roles": [("", _("All roles")), *((r.value, label) for r, label in ROLE_LABELS.items())],
        "states": [
            ("", _("All logins")), ("active", _("Active")), ("off", _("Deactivated")),
            ("pending", _("Waiting for confirmation")),
        ],
        "waiting": [(login, grant) for login in waiting for grant in login.pending],
        "labels": ROLE_LABELS,
        "me": scope.user_id,
    }  # fmt: skip
    return render(request, "organization/users.html", context)


def _login(scope: Scope, user_id: int) -> LoginFacts:
    login = user_selectors.user(scope, user_id)
    if login is None:
        raise Http404
    return login


@requires(MANAGE)
def user(request: HttpRequest, user_id: int) -> HttpResponse:
    """One login: roles given and taken, person, sessions."""
    scope = request.viewer
    login = _login(scope, user_id)
    granted = {grant.role: grant for grant in login.grants}
    context = {
        "login": login,
        "roles": [
            (role, label, ROLE_MEANINGS[role], granted.get(role), role in services.TWO_PERSON_ROLES)
            for role, label in ROLE_LABELS.items()
        ],
        "is_me": user_id == scope.user_id,
        "me": scope.user_id,
    }
    return render(request, "organization/user.html", context)


@requires(MANAGE)
def user_new(request: HttpRequest) -> HttpResponse:
    """Make a login."""
    scope = request.viewer
    initial = {"person_id": request.GET.get("person")}
    form = LoginForm(request.POST or None, initial=initial, people=user_selectors.people_without_login(scope))

    def save(data: dict[str, Any]) -> str:
        services.create_login(**data, scope=scope)
        waiting = set(data["roles"]) & {role.value for role in services.TWO_PERSON_ROLES}
        if waiting:
            return _("Login created. A second administrator has to confirm the powerful role.")
        return _("Login created.")

    back = reverse("organization:users")
    return form_page(request, form, title=_("New login"), submit=_("Create login"), save=save, back=back)


@requires(MANAGE)
def user_edit(request: HttpRequest, user_id: int) -> HttpResponse:
    """Correct the name or the address of a login."""
    scope = request.viewer
    login = _login(scope, user_id)
    initial = {"name": login.name, "email": login.email}
    form = LoginCorrectionForm(request.POST or None, initial=initial)

    def save(data: dict[str, Any]) -> str:
        services.correct_login(user_id=user_id, **data, scope=scope)
        return _("Saved.")

    title = _("Edit %(name)s") % {"name": login.name or login.email}
    back = reverse("organization:user", args=[user_id])
    return form_page(request, form, title=title, submit=_("Save"), save=save, back=back, opened=initial)


@requires(MANAGE)
def user_link(request: HttpRequest, user_id: int) -> HttpResponse:
    """Say which person a login is."""
    scope = request.viewer
    login = _login(scope, user_id)
    people = user_selectors.people_without_login(scope)
    if login.person_id:
        people = [(login.person_id, login.person_name), *people]
    initial = {"person_id": login.person_id}
    form = LinkForm(request.POST or None, initial=initial, people=people)

    def save(data: dict[str, Any]) -> str:
        services.link_person(user_id=user_id, **data, scope=scope)
        return _("Saved.")

    title = _("Who is %(email)s?") % {"email": login.email}
    back = reverse("organization:user", args=[user_id])
    return form_page(request, form, title=title, submit=_("Save"), save=save, back=back, opened=initial)


@require_POST
@requires(MANAGE)
def user_role(request: HttpRequest, user_id: int) -> HttpResponse:
    """Give or take a role."""
    scope, role = request.viewer, request.POST.get("role", "")
    _login(scope, user_id)
    if role not in Role.__members__:
        raise Http404
    back = reverse("organization:user", args=[user_id])
    if request.POST.get("take"):
        return press(
            request, lambda: services.revoke_role(user_id=user_id, role=role, scope=scope),
            back=back, message=_("Role taken away. It counts at once."),
        )  # fmt: skip
    message = _("Role given.")
    if Role(role) in services.TWO_PERSON_ROLES:
        message = _("Asked for. A second administrator has to confirm it.")
    return press(
        request,
        lambda: services.grant_role(user_id=user_id, role=role, scope=scope),
        back=back,
        message=message,
    )


@require_POST
@requires(MANAGE)
def grant_confirm(request: HttpRequest, grant_id: int) -> HttpResponse:
    """The second administrator's yes."""
    scope = request.viewer
    return press(
        request, lambda: services.confirm_grant(grant_id=grant_id, scope=scope),
        back=reverse("organization:users"), message=_("Confirmed. The role counts at once."),
    )  # fmt: skip


@requires(MANAGE)
def user_active(request: HttpRequest, user_id: int) -> HttpResponse:
    """Let a login in at once, or shut it out after a page that says what that means."""
    scope, wanted = request.viewer, request.POST.get("active") == "1"
    login, back = _login(scope, user_id), reverse("organization:user", args=[user_id])
    if wanted:
        return press(
            request, lambda: services.set_active(user_id=user_id, is_active=True, scope=scope),
            back=back, message=_("Login reactivated."),
        )  # fmt: skip

    def save(_data: dict[str, Any]) -> str:
        services.set_active(user_id=user_id, is_active=False, scope=scope)
        return _("Login deactivated; its sessions have ended.")

    name = login.name or login.email
    return form_page(
        request, Form(request.POST if request.method == "POST" else None),
        title=_("Deactivate %(name)s?") % {"name": name}, submit=_("Deactivate"), save=save, back=back,
        lede=_("%(name)s is signed out everywhere at once and cannot sign in any more. Roles are kept for when you "
               "reactivate the login; deals, quotas and past figures stay with the person.") % {"name": name},
    )  # fmt: skip


@require_POST
@requires(MANAGE)
def user_sign_out(request: HttpRequest, user_id: int) -> HttpResponse:
    """End every session of a login."""
    scope = request.viewer
    _login(scope, user_id)
    return press(
        request, lambda: services.sign_out_everywhere(user_id=user_id, scope=scope),
        back=reverse("organization:user", args=[user_id]), message=_("Signed out everywhere."),
    )  # fmt: skip


@requires(MANAGE)
def user_second_step(request: HttpRequest, user_id: int) -> HttpResponse:
    """Remove what somebody lost, after a page that says what to make sure of."""
    scope = request.viewer
    login = _login(scope, user_id)

    def save(_data: dict[str, Any]) -> str:
        services.remove_second_steps(user_id=user_id, scope=scope)
        return _("Second step removed; the person was told by mail.")

    name = login.name or login.email
    return form_page(
        request, Form(request.POST if request.method == "POST" else None),
        title=_("Remove the second step of %(name)s?") % {"name": name}, submit=_("Remove"), save=save,
        back=reverse("organization:user", args=[user_id]),
        lede=_("For who lost telephone and recovery codes. Make sure that it is %(name)s who asks, by voice or face, "
               "not by mail. They are signed out everywhere and sign in with the password alone until they set up "
               "another.")
        % {"name": name},
    )  # fmt: skip


@require_POST
@requires(MANAGE)
def user_password_link(request: HttpRequest, user_id: int) -> HttpResponse:
    """A link, valid once and for a short time, with which the person chooses a password; handed over by the admin."""
    scope = request.viewer
    login = _login(scope, user_id)
    if user_id == scope.user_id or not login.is_active:
        raise Http404
    services.note_password_link(user_id=user_id, scope=scope)
    account = get_user_model().objects.get(pk=user_id)
    key = default_token_generator.make_token(account)
    path = reverse(
        "account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(account), "key": key}
    )
    context = {"login": login, "link": request.build_absolute_uri(path)}
    return render(request, "organization/user_password_link.html", context)
