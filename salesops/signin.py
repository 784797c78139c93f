"""How people get in: accounts are made by administrators, or vouched for by the company's identity provider."""

from __future__ import annotations

from math import ceil
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.ratelimit import parse_rates
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from organization.permissions import public
from salesops.audit.record import record
from salesops.ui import preferences

THROTTLED = {"too_many_login_attempts", "rate_limited"}


class AccountAdapter(DefaultAccountAdapter):
    """No open sign-up; whoever tries too often reads on a page of its own how long to wait."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Always refused: an administrator creates people."""
        return False

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """The sentence of a mistake. Raises the refusal instead when there were too many."""
        if code in THROTTLED:
            raise ImmediateHttpResponse(too_many(self.request))
        return super().validation_error(code, *args)

    def post_login(self, request: HttpRequest, user: Any, **details: Any) -> HttpResponse:
        """Every sign-in starts with the theme, density and keys of the account, whoever used this browser before."""
        response: HttpResponse = super().post_login(request, user, **details)
        chosen = preferences.kept_with(user, nav=preferences.shown_to(request).nav)
        preferences.remember(response, chosen, secure=request.is_secure())
        return response


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Single sign-on connects to an existing login by its verified address; it never creates one.

    Our own rule instead of allauth's (`SOCIALACCOUNT_EMAIL_AUTHENTICATION`), which takes the word "false" for true and
    would throw away the password of a login it connects.
    """

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Always refused: an administrator creates people."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Lets in an identity known from before, or connects it; raises the page that says why not."""
        if sociallogin.state.get("process") != AuthProcess.LOGIN:
            raise ImmediateHttpResponse(
                _refusal(request, "other", "")
            )  # nobody connects a stranger's identity
        if sociallogin.is_existing:
            return
        address = next((found.email for found in sociallogin.email_addresses), "")
        is_verified = any(str(found.verified).lower() == "true" for found in sociallogin.email_addresses)
        if not is_verified:
            raise ImmediateHttpResponse(_refusal(request, "unverified", address))
        login = get_user_model().objects.filter(email=address.lower(), is_active=True).first()
        if login is None:
            raise ImmediateHttpResponse(_refusal(request, "unknown", address))
        with transaction.atomic():
            sociallogin.connect(request, login)
            record(
                actor_id=login.pk, actor_name=str(login), verb="CONNECT_SINGLE_SIGN_ON", object_type="login",
                object_id=login.pk, label=str(login), after={"subject": sociallogin.account.uid},
            )  # fmt: skip


def _refusal(request: HttpRequest, reason: str, address: str) -> HttpResponse:
    return render(request, "socialaccount/refused.html", {"reason": reason, "address": address}, status=403)


def too_many(request: HttpRequest) -> HttpResponse:
    """The refusal after too many attempts; whoever waits as long as the longest window of sign-in gets in again."""
    limits = ",".join(account_settings.RATE_LIMITS[name] for name in ("login", "login_failed"))
    seconds = max(rate.duration for rate in parse_rates(limits))
    answer = render(request, "429.html", {"minutes": ceil(seconds / 60)}, status=429)
    answer["Retry-After"] = str(ceil(seconds))
    return answer


@public
def closed(request: HttpRequest, key: str = "") -> HttpResponse:
    """A page of allauth this product does not have: addresses and identities are the administrators' business."""
    raise Http404
