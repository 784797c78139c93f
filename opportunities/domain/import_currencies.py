"""Currencies that lists of records state: known ones, or the amount in them is left out and told."""

from __future__ import annotations

from collections.abc import Iterable

from opportunities.domain.import_references import ReferenceRecord
from salesops.kernel.said import Said
from salesops.kernel.tabular import Gatherer, Problem, Severity

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
