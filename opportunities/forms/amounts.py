"""An amount as a person types it: read strictly, asked about when it could mean two things, never guessed."""

from __future__ import annotations

import re
from decimal import Decimal

from django.utils import translation
from django.utils.translation import gettext as _

from opportunities.domain.deal import DealError
from salesops.kernel.numbers import BadNumber, NumberStyle
from salesops.kernel.numbers import parse_amount as parse_number
from salesops.ui.formats import is_sign_of

_SUFFIX = {"": Decimal(1), "k": Decimal(1000), "m": Decimal(10**6), "b": Decimal(10**9)}
_DECIMAL_COMMA = {"de", "fr", "es", "it", "nl", "pt", "pl", "da", "sv", "nb", "fi", "cs", "tr", "ru"}
_SIGN = r"[A-Za-z]{0,3}\$|[€£¥₹₩₽₺₴₫₪฿]|[A-Z]{3}|[Kk]r\.?|zł|Fr\.?"
_TYPED = re.compile(rf"([-−]?)\s*({_SIGN})?\s*([-−]?[0-9.,\s'’]*[0-9.,])\s*([kKmMbB]?)\s*({_SIGN})?")


def uses_comma() -> bool:
    """Whether the viewer's language writes decimals with a comma."""
    return (translation.get_language() or "en").split("-")[0] in _DECIMAL_COMMA


def parse_amount(text: str, currency: str = "") -> Decimal | None:
    """`95000`, `95,000.50`, `$95k`, `1.2m`; in languages with a decimal comma `95.000,50`. Blank is None.

    A sign or code must be that of `currency`; without one none may be written. A mark that separates no group of three
    digits is asked about. Raises `DealError`.
    """
    bare = text.strip()
    if not bare or bare in {"-", "–"}:
        return None
    match = _TYPED.fullmatch(bare)
    if match is None:
        raise DealError("amount", _("Write a number, such as 95000 or 95k."))
    minus, before, digits, suffix, after = match.groups()
    for sign in (before, after):
        if sign:
            _check_sign(sign, currency)
    number = re.sub(r"\s+", " ", (minus + digits).replace("−", "-"))
    return _number(number) * _SUFFIX[suffix.lower()]


def _number(text: str) -> Decimal:
    here, there = NumberStyle.POINT, NumberStyle.COMMA
    if uses_comma():
        here, there = there, here
    try:
        return parse_number(text, here)
    except BadNumber:
        pass
    try:
        meant = f"{parse_number(text, there):f}"
    except BadNumber as error:
        raise DealError("amount", _("Write a number, such as 95000 or 95k.")) from error
    meant = meant.replace(".", ",") if here is NumberStyle.COMMA else meant
    raise DealError(
        "amount", _("Is %(text)s meant as %(meant)s? Then write it so.") % {"text": text, "meant": meant}
    )


def _check_sign(sign: str, currency: str) -> None:
    if not currency:
        raise DealError("amount", _("Write the number without a currency sign."))
    if is_sign_of(sign, currency):
        return
    raise DealError(
        "amount",
        _("This deal is in %(currency)s, but %(sign)s was written. Write the amount in %(currency)s.")
        % {"currency": currency, "sign": sign},
    )
