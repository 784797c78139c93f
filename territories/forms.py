"""What people send about quotas."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from organization.selectors import company
from salesops.kernel.numbers import BadNumber, NumberStyle, currency_mark, parse_amount
from salesops.kernel.said import Said
from salesops.ui.formats import is_sign_of
from salesops.ui.words import in_words
from territories.domain.quotas import QuotaChange

MAX_CELLS = 20_000


class QuotaFileForm(forms.Form):
    """A file of quotas."""

    file = forms.FileField(label=_("File"))
    decimal_mark = forms.ChoiceField(
        label=_("Decimal mark"), required=False,
        choices=[("", _("As the numbers show")), ("POINT", _("Point: 1,234.56")), ("COMMA", _("Comma: 1.234,56"))],
    )  # fmt: skip


class BadRequestError(ValueError):
    """The request is not what the page sends."""


@dataclass(frozen=True)
class GridInput:
    """Cells as typed: those understood, and for the others why not, by "person:period"."""

    changes: list[QuotaChange]
    faults: dict[str, str]


def grid_input(body: bytes) -> GridInput:
    """Read what the grid posts; numbers as the viewer's language writes them. Raises `BadRequestError`."""
    try:
        cells: Any = json.loads(body)["cells"]
        if not isinstance(cells, list) or len(cells) > MAX_CELLS:
            raise BadRequestError
        style = NumberStyle.COMMA if (get_language() or "en").startswith("de") else NumberStyle.POINT
        return _cells(cells, style)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRequestError from error


def _key(value: object) -> int:
    """A row's number: plain digits that a bigint can hold."""
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadRequestError
    return int(text)


def _cells(cells: list[Any], style: NumberStyle) -> GridInput:
    changes: list[QuotaChange] = []
    faults: dict[str, str] = {}
    for cell in cells:
        person, period = _key(cell["person"]), _key(cell["period"])
        text, seen = str(cell["value"]).strip(), cell.get("seen") or ""
        currency = str(cell.get("currency", ""))[:3].upper() or company().corporate_currency
        try:
            amount = _amount(text, style, currency)
        except BadNumber as error:
            faults[f"{person}:{period}"] = in_words(error.why)
            continue
        changes.append(QuotaChange(person, period, amount, currency, _key(seen) if seen else None, True))
    return GridInput(changes, faults)


def _amount(text: str, style: NumberStyle, currency: str) -> Decimal | None:
    """The number typed; blank is None. Raises `BadNumber`, for another currency's sign too."""
    if not text:
        return None
    amount, sign = parse_amount(text, style), currency_mark(text)
    if sign and not is_sign_of(sign, currency):
        raise BadNumber(
            Said(
                "This cell is in %(currency)s, but %(sign)s was written. Write the amount in %(currency)s.",
                currency=currency, sign=sign,
            )
        )  # fmt: skip
    return amount
