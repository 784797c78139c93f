"""Which passwords are refused beside short, common and personal ones: those anybody would try at this company."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from organization.domain.facts import CompanyNotSetUpError
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


def _names() -> set[str]:
    try:
        name = company().name
    except CompanyNotSetUpError:
        return set()
    return {word for word in re.split(r"[\W_]+", name.casefold()) if len(word) > 3}
