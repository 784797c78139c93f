"""Currencies as files state them: in a column of their own, or by a sign or code beside the amount."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from opportunities.domain.import_cures import suggested
from opportunities.domain.import_references import ReferenceRecord
from salesops.kernel.said import Said
from salesops.kernel.tabular import Gatherer, Problem, Severity

_SIGNS = {
    "€": "EUR", "£": "GBP GIP FKP SHP SSP EGP LBP SYP SDG", "¥": "JPY CNY", "₹": "INR", "₩": "KRW", "₽": "RUB",
    "₺": "TRY", "₴": "UAH", "₫": "VND", "₪": "ILS", "฿": "THB", "zł": "PLN", "kr": "SEK NOK DKK ISK",
    "fr": "CHF XAF XOF XPF",
}  # fmt: skip
"""The currencies a sign may mean. A bare $ is the sign of some thirty; it means none of these."""
BLANK_CURRENCY = "Amounts with a blank currency are in the one chosen in Match, else in the company’s own."
CURE = Said("Replace it by a currency code of three letters, such as USD or EUR.")


def settle_currencies(
    products: Iterable[ReferenceRecord], currencies: frozenset[str], gather: Gatherer
) -> None:
    """Write each product's currency as its code; a price in an unknown one is left out, not taken as in another."""
    for record in products:
        text = str(record.values.get("currency", ""))
        if not text:
            continue
        if text.upper() in currencies:
            record.values["currency"] = text.upper()
            continue
        for name in ("currency", "list_price"):
            record.values.pop(name, None)
        message = Said("is not a known currency; the price is left out")
        where = (record.file, record.line, record.column("currency"))
        gather.add(Problem(*where, text[:120], message, CURE, "UNKNOWN_CURRENCY", Severity.WARNING))


def is_of_another(mark: str, currency: str, known: Collection[str]) -> bool:
    """Whether a sign or code beside an amount means another currency than this one. What names none of those `known`
    (TL, RM, a word) is taken for this one's.
    """
    sign = mark.rstrip(".")
    if sign.casefold() in _SIGNS:
        return currency not in _SIGNS[sign.casefold()].split()
    if sign == "$":
        return any(currency in codes.split() for codes in _SIGNS.values())
    meant = suggested("UNKNOWN_CURRENCY", mark) or sign.rstrip("$").upper()
    if meant in known:
        return meant != currency
    dollars = (
        {code for code in known if code.startswith(meant)}
        if sign.endswith("$") and len(meant) == 2
        else set()
    )
    return bool(dollars) and currency not in dollars


def other_currency(mark: str, currency: str) -> tuple[Said, Said]:
    """What is wrong with an amount written in another currency than the one it would count in, and what mends it."""
    return (
        Said("is written in “%(mark)s”, but the amount counts in %(currency)s", mark=mark, currency=currency),
        Said("Export the currency in a column of its own, or choose the one of these rows in Match."),
    )
