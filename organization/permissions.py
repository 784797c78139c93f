"""What each page demands. Every route carries a rule, or `tests/house/test_permission_matrix.py` fails."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _

from organization.domain.credential import Credential
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.domain.tokens import token_digest
from organization.models import User
from salesops.replies.once import answer_once

log = structlog.get_logger(__name__)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PROGRAMS = "/api/"
"""Addresses below are for programs."""
TOKEN_PATHS = (PROGRAMS, "/events")
"""Where a token in the header counts."""
_BEARER = "Bearer "
View = Callable[..., Any]


@dataclass(frozen=True)
class AccessRule:
    """Who may call a view: anyone, or who has one of `read` (for changing methods: one of `write`)."""

    is_public: bool = False
    read: tuple[Capability, ...] = ()
    write: tuple[Capability, ...] = ()

    def allows(self, scope: Scope, method: str) -> bool:
        """Whether this viewer may use this method here."""
        wanted = self.read if method in SAFE_METHODS else self.write
        return self.is_public or any(scope.can(capability) for capability in wanted)


def requires(
    *capabilities: Capability, write: Capability | tuple[Capability, ...] | None = None
) -> Callable[[View], View]:
    """Let in who is signed in and has one of the capabilities; `write` is demanded instead for POST and its kin.

    A changing request that bears an idempotency key is done once, however often it is sent (`salesops.replies`).
    Strangers are sent to sign in (a script of a page whose session has ended is told to go there); people without the
    right get 403. Programs get 401 and 403 as JSON. The view receives `request.viewer`.
    """
    writes = capabilities if write is None else write if isinstance(write, tuple) else (write,)
    rule = AccessRule(read=capabilities, write=writes)

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            refusal = _refusal(request, rule)
            return refusal or answer_once(
                request, request.viewer.user_id, lambda: view(request, *args, **kwargs)
            )

        return _labelled(guarded, rule)

    return decorate


def public(view: View) -> View:
    """Mark a view as open to everybody, on purpose."""
    return _labelled(view, AccessRule(is_public=True))


def _labelled(view: View, rule: AccessRule) -> View:
    view.access_rule = rule  # type: ignore[attr-defined]
    view.required_capability = rule.read[0] if rule.read else None  # type: ignore[attr-defined]
    return view


def _refusal(request: HttpRequest, rule: AccessRule) -> HttpResponse | None:
    """What to answer instead of the view; None to go on. Programs (`/api/`) read JSON, people a page."""
    is_program = request.path.startswith(PROGRAMS)
    if not request.user.is_authenticated:
        return (
            JsonResponse({"message": _("Sign in first.")}, status=401) if is_program else to_sign_in(request)
        )
    if rule.allows(request.viewer, request.method or "GET"):  # type: ignore[attr-defined]
        return None
    log.warning("access_refused", method=request.method, path=request.path)
    if is_program:
        message = _("Your role does not include this. An administrator can change that.")
        return JsonResponse({"message": message}, status=403)
    raise PermissionDenied


def signed_in(request: HttpRequest) -> User:
    """The login of a guarded view; the guard has made sure that there is one."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def token_of(request: HttpRequest) -> str:
    """The token a program sent, where tokens count; "" for none."""
    header = request.headers.get("Authorization", "")
    is_one = header.startswith(_BEARER) and request.path.startswith(TOKEN_PATHS)
    return header.removeprefix(_BEARER).strip() if is_one else ""


def credential_of(request: HttpRequest) -> Credential:
    """That of a guarded view's request."""
    viewer: Scope = request.viewer  # type: ignore[attr-defined]
    user_id = viewer.user_id or 0
    if token := token_of(request):
        return Credential(user_id, digest=token_digest(token), limits=viewer.limits)
    return Credential(user_id, session_key=request.session.session_key or "")


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """A redirect to sign-in that comes back here; for a script's request, a 401 that makes the whole page go there."""
    if request.headers.get("HX-Request"):
        current = urlsplit(request.headers.get("HX-Current-URL", "/"))
        back = current.path + (f"?{current.query}" if current.query else "")
        target = redirect_to_login(back).url
        return HttpResponse(status=401, headers={"HX-Redirect": target})
    if request.headers.get("Accept", "").startswith(("text/event-stream", "application/json")):
        return HttpResponse(status=401, headers={"Location": resolve_url("account_login")})
    return redirect_to_login(request.get_full_path())
