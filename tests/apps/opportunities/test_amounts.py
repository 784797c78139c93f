"""An amount as typed: what is read, what is asked about, which currency signs are believed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import translation

from opportunities.domain.deal import DealError
from opportunities.forms.amounts import parse_amount


@pytest.mark.parametrize(
    ("language", "text", "currency", "amount"),
    [
        ("en", "95000", "USD", "95000"),
        ("en", "95,000.50", "USD", "95000.5"),
        ("en", "1,250", "USD", "1250"),
        ("en", "1 250.5", "USD", "1250.5"),
        ("en", "$95k", "USD", "95000"),
        ("en", "US$ 1.2m", "USD", "1200000"),
        ("en", "CA$5", "CAD", "5"),
        ("en", "$5", "CAD", "5"),
        ("en", "500 GBP", "GBP", "500"),
        ("en", "£500", "GBP", "500"),
        ("en", "−5", "USD", "-5"),
        ("de", "12,5", "EUR", "12.5"),
        ("de", "95.000,50 €", "EUR", "95000.5"),
        ("de", "1.250", "EUR", "1250"),
    ],
)
def test_what_is_read(language: str, text: str, currency: str, amount: str) -> None:
    with translation.override(language):
        assert parse_amount(text, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("en", "12,5", "Is 12,5 meant as 12.5?"),
        ("en", "12,50", "Is 12,50 meant as 12.50?"),
        ("en", "12,5k", "Is 12,5 meant as 12.5?"),
        ("en", "95.000,50", "Is 95.000,50 meant as 95000.50?"),
        ("de", "12.5", "12,5"),
        ("en", "1,2,3", "Write a number"),
        ("en", "plenty", "Write a number"),
    ],
)
def test_what_is_asked_about_and_never_guessed(language: str, text: str, question: str) -> None:
    with translation.override(language), pytest.raises(DealError) as refused:
        parse_amount(text, "USD")
    assert question in refused.value.message


@pytest.mark.parametrize(
    ("text", "currency"), [("$500", "GBP"), ("500 €", "GBP"), ("USD 500", "EUR"), ("CA$5", "USD"), ("$5", "")]
)
def test_a_sign_of_another_currency_is_refused(text: str, currency: str) -> None:
    with pytest.raises(DealError, match=currency or "without a currency sign"):
        parse_amount(text, currency)
