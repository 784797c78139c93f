"""Numbers as people read them, in both languages."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone, translation

from salesops.ui import formats


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", "$0"),
        ("999", "$999"),
        ("999.6", "$1K"),
        ("1234", "$1.23K"),
        ("12345", "$12.3K"),
        ("260000", "$260K"),
        ("999499", "$999K"),
        ("999999", "$1M"),
        ("1234567.89", "$1.23M"),
        ("-4121456", "−$4.12M"),
        ("1500000000", "$1.5B"),
    ],
)
def test_compact_money_has_three_significant_digits(value: str, expected: str) -> None:
    assert formats.money(Decimal(value), "USD", compact=True) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("145139.20", "145 Tsd. €"),
        ("12345", "12,3 Tsd. €"),
        ("1234", "1,23 Tsd. €"),
        ("-150000", "−150 Tsd. €"),
        ("999999", "1 Mio. €"),
        ("1056789.89", "1,06 Mio. €"),
        ("-999", "−999 €"),
    ],
)
def test_german_compact_money_is_seen_to_be_rounded(value: str, expected: str) -> None:
    with translation.override("de"):
        assert formats.money(Decimal(value), "EUR", compact=True).replace("\xa0", " ") == expected
        bare = formats.money(Decimal(value), compact=True).replace("\xa0", " ")
        assert bare == expected.removesuffix(" €")


def test_exact_money_keeps_the_minor_unit_of_its_currency() -> None:
    assert formats.money(Decimal("1234567.8"), "EUR") == "€1,234,567.80"
    assert formats.money(Decimal("1234567"), "JPY") == "¥1,234,567"


def test_nothing_and_zero_differ() -> None:
    assert formats.money(None, "EUR") == "–"
    assert formats.money(0, "EUR") == "€0.00"
    assert formats.percent(None) == "–"
    assert formats.percent(0) == "0%"


def test_signs_are_always_shown_on_changes() -> None:
    assert formats.delta(Decimal("61000"), "USD") == "+$61K"
    assert formats.delta(Decimal("-61000"), "USD") == "−$61K"
    assert formats.delta(Decimal("0.034"), kind="points") == "+3.4 pp"
    assert formats.delta(Decimal(0), "USD") == "$0"


def test_ratios_durations_and_multiples() -> None:
    assert formats.percent(Decimal("0.9449"), 1) == "94.5%"
    assert formats.percent("-0.05") == "−5%"
    assert formats.days(1) == "1 day"
    assert formats.days("12.4") == "12 days"
    assert formats.days("2.5") == "2.5 days"
    assert formats.multiple("3.24") == "3.2×"
    assert formats.number(8800) == "8,800"


def test_dates_follow_the_language_and_need_no_zone() -> None:
    day = dt.date(2021, 12, 11)
    this_year = timezone.localdate().replace(month=12, day=11)
    assert formats.day(day) == "11 Dec 2021"
    assert formats.day(this_year, "short") == "11 Dec"
    with translation.override("de"):
        assert formats.day(day) == "11.12.2021"
        assert formats.day(this_year, "short") == "11. Dez"
    assert formats.day(None) == "–"


def test_a_day_of_another_year_carries_it() -> None:
    last_year = timezone.localdate().year - 1
    day = dt.date(last_year, 1, 1)
    assert formats.day(day, "short") == f"1 Jan {last_year}"
    with translation.override("de"):
        assert formats.day(day, "short") == f"1. Jan {last_year}"


def test_an_instant_is_written_one_way_in_the_zone_of_the_page() -> None:
    at = dt.datetime(2021, 7, 22, 3, 59, tzinfo=dt.UTC)
    with timezone.override("America/New_York"):
        assert formats.moment(at) == formats.moment(at, "short") == "21 Jul 2021, 23:59"
        with translation.override("de"):
            assert formats.moment(at) == "21.07.2021, 23:59"


@pytest.mark.parametrize("value", [None, "", "abc", "NaN", "Infinity"])
def test_what_is_no_number_is_none(value: object) -> None:
    assert formats.to_decimal(value) is None
