"""Currencies as files state them: in a column of their own, or by a sign or code beside the amount."""

from __future__ import annotations

from collections.abc import Iterable

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


def is_of_another(mark: str, currency: str) -> bool:
    """Whether a sign or code beside an amount means another currency than this one."""
    sign = mark.rstrip(".")
    if sign.casefold() in _SIGNS:
        return currency not in _SIGNS[sign.casefold()].split()
    if sign == "$":
        return any(currency in codes.split() for codes in _SIGNS.values())
    meant = suggested("UNKNOWN_CURRENCY", mark)
    return currency != meant if meant else not currency.startswith(sign.rstrip("$"))
