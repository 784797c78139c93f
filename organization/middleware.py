"""Gives every request its viewer, its business time zone and its language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.decorators import sync_and_async_middleware
from django.utils.functional import SimpleLazyObject

from organization.domain.facts import CompanyNotSetUpError
from organization.domain.roles import Capability
from organization.scope import scope_for
from organization.selectors import memo
from organization.selectors.company import company


def _prepare(request: HttpRequest) -> None:
    request.viewer = SimpleLazyObject(lambda: scope_for(request.user))  # type: ignore[attr-defined]
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


@sync_and_async_middleware
def ViewerMiddleware(get_response: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802
    """`request.viewer` is the `Scope` of who asks, read lazily and only for this request."""
    if iscoroutinefunction(get_response):

        async def middleware(request: HttpRequest) -> Any:
            token = memo.begin()
            try:
                await sync_to_async(_prepare)(request)
                return await get_response(request)
            finally:
                memo.end(token)
                timezone.deactivate()
    else:

        def middleware(request: HttpRequest) -> Any:  # type: ignore[misc]
            token = memo.begin()
            try:
                _prepare(request)
                return get_response(request)
            finally:
                memo.end(token)
                timezone.deactivate()

    middleware.process_exception = _Hooks.process_exception  # type: ignore[attr-defined]
    return middleware
