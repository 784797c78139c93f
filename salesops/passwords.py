"""Passwords: those refused beside short, common and personal ones, and those made here for a login."""

from __future__ import annotations

import re
import secrets
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from organization.domain.facts import CompanyNotSetUpError
from organization.models import User
from organization.selectors.company import company

WORDS = (
    "salesops", "sales", "forecast", "pipeline", "quota", "commit", "upside", "territory", "revenue", "password",
    "passwort", "welcome", "willkommen", "admin", "manager", "summer", "winter", "spring", "autumn", "sommer",
)  # fmt: skip
"""With the words of the company's name, what a password may contain but not consist of."""
LEFT = 6
"""Letters and digits there must be beside these words and years."""
_YEAR = re.compile(r"(19|20)\d\d")
_OTHER = re.compile(r"[\W_]+")


class CompanyWordsValidator:
    """Refuses a password that is little more than the words anybody would try here."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises `ValidationError`."""
        left = password.casefold()
        for word in sorted({*WORDS, *_names()}, key=len, reverse=True):
            left = left.replace(word, "")
        if len(_OTHER.sub("", _YEAR.sub("", left))) < LEFT:
            raise ValidationError(
                _(
                    "Beside the company's name, words of the trade and years, little is left of this password."
                ),
                code="company_words",
            )

    def get_help_text(self) -> str:
        """The rule, said beforehand."""
        return _("More than the company's name, words of the trade and years.")


def generated_password(*, email: str, name: str = "") -> str:
    """A password of 16 random letters and signs that the rules for chosen ones accept for this login.

    One in some thousands shares so many letters with the address that it is refused; then another is drawn.
    Raises `ValidationError` when the rules refuse a hundred: no password of this length passes them.
    """
    user = User(email=email, name=name)
    left = 100
    while True:
        left -= 1
        password = secrets.token_urlsafe(12)
        try:
            validate_password(password, user)
        except ValidationError:
            if not left:
                raise
        else:
            return password


def _names() -> set[str]:
    try:
        name = company().name
    except CompanyNotSetUpError:
        return set()
    return {word for word in re.split(r"[\W_]+", name.casefold()) if len(word) > 3}
