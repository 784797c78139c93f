"""Problems of values that are mended once for all rows, by writing another value or none; and what it may be."""

from __future__ import annotations

import re

_REPLACEABLE = frozenset({
    "BAD_VALUE", "OUT_OF_RANGE", "UNKNOWN_CURRENCY", "MISSING_PERSON", "MISSING_ACCOUNT", "MISSING_PRODUCT",
    "MISSING_TERRITORY", "MISSING_STAGE",
})  # fmt: skip
KEPT_WHOLE = 120
"""Problems keep at most so much of a value; a longer one cannot be replaced by what is shown of it."""
_CURRENCIES = {
    "US$": "USD", "USD$": "USD", "$US": "USD", "U.S.$": "USD", "US DOLLAR": "USD", "EURO": "EUR", "EUROS": "EUR",
    "€": "EUR", "UKP": "GBP", "£": "GBP", "POUND": "GBP", "POUNDS": "GBP", "STERLING": "GBP", "SFR": "CHF",
    "SFR.": "CHF", "FR.": "CHF", "YEN": "JPY", "RMB": "CNY", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD",
    "NT$": "TWD", "HK$": "HKD", "R$": "BRL",
}  # fmt: skip
"""What people write for a currency, where it means one only: a bare $ does not."""


def is_replaceable(code: str, column: str, value: str) -> bool:
    """Whether writing another value mends such a problem."""
    return code in _REPLACEABLE and bool(column) and 0 < len(value) < KEPT_WHOLE


def suggested(code: str, value: str) -> str:
    """The value that is likely meant; blank where none is, which leaves the cell out."""
    if code == "UNKNOWN_CURRENCY":
        text = " ".join(value.split()).upper()
        bare = re.sub(r"[^A-Z]", "", text)
        return _CURRENCIES.get(text, bare if len(bare) == 3 and bare != text else "")
    return ""
