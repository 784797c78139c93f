"""Lists of deals as files: what is on screen, with its filters, in full."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from opportunities.domain.listing import DealRow
from salesops.kernel.money import quantize_half_up
from salesops.ui.exports import csv_lines

HEADER = (
    "id", "deal", "account", "owner", "stage", "status", "category", "subcategory", "amount", "currency",
    "corporate_amount", "corporate_currency", "probability", "close_date", "next_step", "type", "source", "product",
    "territory", "created_at", "days_in_stage", "pushes",
)  # fmt: skip


def deals_csv(rows: Iterable[DealRow], corporate: str, minor_unit: int = 2) -> str:
    """RFC 4180 text with a header; converted amounts are rounded here to the corporate currency's minor unit.

    Text that a spreadsheet would run as a formula is quoted with an apostrophe.
    """
    cells = (
        (
            row.id, row.name, row.account_name, row.owner_name, row.stage_name, row.status, row.category,
            row.subcategory_name, row.amount, row.currency, _rounded(row.converted, minor_unit), corporate,
            row.probability,
            row.close_date, row.next_step, row.deal_type, row.lead_source, row.product_name, row.territory_name,
            row.created_at.isoformat(), row.days_in_stage, row.push_count,
        )
        for row in rows
    )  # fmt: skip
    return "".join(csv_lines([HEADER, *cells]))


def _rounded(amount: Decimal | None, minor_unit: int) -> Decimal | None:
    return None if amount is None else quantize_half_up(amount, minor_unit)
