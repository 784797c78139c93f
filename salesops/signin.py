"""How people get in: accounts are made by administrators, or vouched for by the company's identity provider."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """No open sign-up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Always refused: an administrator creates people."""
        return False


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Single sign-on connects to an existing account by its address; it never creates one."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Always refused: an administrator creates people."""
        return False
