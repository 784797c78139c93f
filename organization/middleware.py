"""Gives every request its viewer, its business time zone and its language."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from organization.domain.facts import CompanyNotSetUpError
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.domain.tokens import granted
from organization.permissions import token_of
from organization.scope import scope_for, wall_reach
from organization.selectors import memo
from organization.selectors.company import company
from organization.selectors.tokens import user_of_token
from salesops.sessions import end_if_over
from salesops.wall import context as wall


def _sign_in_program(request: HttpRequest) -> frozenset[Capability] | None:
    """Where programs are served, a token in the header signs its owner in, for this request and as far as it goes.

    Raises `UnknownTokenError` for a token that is not, or no longer, good: never falling back to a session.
    """
    token = token_of(request)
    if not token:
        return None
    found = user_of_token(token)
    if found is None:
        raise UnknownTokenError
    request.user, scopes = found
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # no browser sends this header by itself
    return granted(scopes)


class UnknownTokenError(Exception):
    """The token is unknown, revoked, expired, or its owner deactivated."""


def _refused_token() -> HttpResponse:
    message = "The token is unknown, revoked or expired."
    return JsonResponse(
        {"message": message}, status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
    )


def _prepare(request: HttpRequest) -> None:
    limits = _sign_in_program(request)
    end_if_over(request)

    def viewer() -> Scope:
        with wall.nobody():
            scope = scope_for(request.user)
        return scope if limits is None else replace(scope, limits=limits)

    request.viewer = SimpleLazyObject(viewer)  # type: ignore[attr-defined]
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
        return
    try:
        timezone.activate(company().zone)
    except CompanyNotSetUpError:
        timezone.deactivate()
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and request.user.language in dict(
        settings.LANGUAGES
    ):
        translation.activate(request.user.language)
        request.LANGUAGE_CODE = request.user.language  # type: ignore[attr-defined]


def _wall(request: HttpRequest) -> AbstractContextManager[None]:
    """A request is its viewer's, bound by policies; what it saves, a service does, as the system (`wall.saving`)."""

    def reach() -> wall.Reach:
        return wall_reach(request.viewer)  # type: ignore[attr-defined]

    return wall.on_behalf_of(reach)


def _not_set_up(request: HttpRequest) -> HttpResponse:
    """Administrators go and set the company up; others read that nobody has yet."""
    if request.viewer.can(Capability.MANAGE_ORGANIZATION):  # type: ignore[attr-defined]
        return redirect("organization:setup_company")
    return render(request, "organization/not_set_up.html", status=503)


class _Hooks:
    """Turns a missing company into a page, in whichever view it was noticed."""

    @staticmethod
    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return _not_set_up(request) if isinstance(exception, CompanyNotSetUpError) else None


def ViewerMiddleware(get_response: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802
    """`request.viewer` is the `Scope` of who asks, read lazily and only for this request."""

    def middleware(request: HttpRequest) -> Any:
        token = memo.begin()
        try:
            with wall.nobody():
                _prepare(request)
            with _wall(request):
                return get_response(request)
        except UnknownTokenError:
            return _refused_token()
        finally:
            memo.end(token)
            timezone.deactivate()

    middleware.process_exception = _Hooks.process_exception  # type: ignore[attr-defined]
    return middleware
