"""What every answer says to browsers, and how programs and people without what the company demands are turned away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

PROGRAMS = ("/api/", "/events")
"""Where programs ask. They are never sent on from http to https: the mistake would go unnoticed, and so would what
they had already sent in the clear."""

SIGN_OUT = "/accounts/logout/"


class AnswersMiddleware(MiddlewareMixin):
    """No answer is stored by a browser or proxy or read by another site, unless the view says otherwise."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Refuses programs that ask over plain http where https is served, and the method that echoes requests."""
        if request.method == "TRACE":
            return HttpResponse(status=405)
        if not settings.HTTPS or request.is_secure() or not request.path.startswith(PROGRAMS):
            return None
        return JsonResponse(
            {"message": _("Ask by https://; what was sent by http was not read.")}, status=403
        )

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Adds the headers. Static files have said how long they keep."""
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if request.method == "POST" and request.path == SIGN_OUT:
            response.headers["Clear-Site-Data"] = (
                '"storage"'  # which branches were open; answers are never stored
            )
        return response


class SecondStepMiddleware(MiddlewareMixin):
    """With `SECOND_STEP_REQUIRED`, whoever has no second step can do nothing but set one up.

    Whoever signs in at the identity provider is asked for it there. Tokens of programs are made by people, here.
    """

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Sends to the page where it is set up; programs read why not."""
        if not settings.SECOND_STEP_REQUIRED or request.path.startswith("/accounts/"):
            return None
        user = request.user
        if not user.is_authenticated or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        if is_mfa_enabled(user) or SocialAccount.objects.filter(user=user).exists():
            return None
        words = _("Your company asks for a second step at sign-in. Set one up to go on.")
        if request.path.startswith(PROGRAMS):
            return JsonResponse({"message": words}, status=403)
        if request.headers.get("HX-Request"):
            return HttpResponseForbidden(words)
        messages.info(request, words)
        return redirect("mfa_index")
