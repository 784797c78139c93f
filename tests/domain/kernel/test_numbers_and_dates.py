"""Amounts and dates as people write them: strictly read, never guessed."""

from __future__ import annotations

import datetime as dt
import re
import time
from contextlib import suppress
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.kernel.dates import BadDate, DateOrder, as_business_date, as_instant, infer_order, parse_moment
from salesops.kernel.numbers import BadNumber, NumberStyle, counted, infer_style, parse_amount, parse_percent

POINT, COMMA = NumberStyle.POINT, NumberStyle.COMMA


@pytest.mark.parametrize(
    ("text", "style", "value"),
    [
        ("1234", POINT, "1234"), ("1,234.50", POINT, "1234.50"), ("1.234,50", COMMA, "1234.50"), (".0120", POINT, "0.0120"),
        ("$1,200", POINT, "1200"), ("EUR 1.200,5", COMMA, "1200.5"), ("1 234,5 €", COMMA, "1234.5"), ("(12.5)", POINT, "-12.5"),
        ("12-", POINT, "-12"), ("-$5", POINT, "-5"), ("1'234.5", POINT, "1234.5"), ("12,34,567", POINT, "1234567"),
        ("1.5E+06", POINT, "1500000"), ("300000.0000", POINT, "300000.0000"), ("CHF 10", POINT, "10"),
    ],
)  # fmt: skip
def test_amounts(text: str, style: NumberStyle, value: str) -> None:
    assert parse_amount(text, style) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["1_000", "١٢٣.٤٥", "NaN", "inf", "-Infinity", "1e3000000", "1e16", "12,34", "1,23,4", "1.2.3", "--5", "(-5)", "0x10", "", "abc",
     "1" * 31, "１２", "5 apples", "1,2345"],
)  # fmt: skip
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(BadNumber):
        parse_amount(text, POINT)


def test_nine_characters_do_not_stop_the_machine() -> None:
    started = time.monotonic()
    with pytest.raises(BadNumber):
        parse_amount("1e3000000")
    assert time.monotonic() - started < 5  # written out it takes minutes and gigabytes


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_what_is_formatted_is_read_again(value: Decimal) -> None:
    assert parse_amount(f"{value:,.2f}", POINT) == value
    german = f"{value:,.2f}".translate(str.maketrans(",.", ".,"))
    assert parse_amount(german, COMMA) == value


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_a_reason(text: str) -> None:
    with suppress(BadNumber):
        assert parse_amount(text).is_finite()


def test_percentages() -> None:
    assert parse_percent("40 %") == 40
    assert parse_percent("12,5%", COMMA) == Decimal("12.5")


@pytest.mark.parametrize(
    ("values", "styles"),
    [
        (["1054", "55"], {POINT}), (["1,234", "900"], {POINT, COMMA}), (["1.234", "900"], {POINT, COMMA}), (["1,234", "1.5"], {POINT}),
        (["1.234", "1,5"], {COMMA}), (["1.5", "1,5"], {POINT, COMMA}), ([".0120"], {POINT}), (["rubbish", "5"], {POINT}),
    ],
)  # fmt: skip
def test_the_style_of_a_column_needs_all_its_values(values: list[str], styles: set[NumberStyle]) -> None:
    assert infer_style(values) == styles


MDY, DMY, YMD = DateOrder.MDY, DateOrder.DMY, DateOrder.YMD


@pytest.mark.parametrize(
    ("text", "order", "moment"),
    [
        ("2017-03-01", None, dt.date(2017, 3, 1)), ("2017/08/25", None, dt.date(2017, 8, 25)), ("20101229", None, dt.date(2010, 12, 29)),
        ("3/1/2017", MDY, dt.date(2017, 3, 1)), ("3/1/2017", DMY, dt.date(2017, 1, 3)), ("31.12.2026", DMY, dt.date(2026, 12, 31)),
        ("02/23/26 08:55 PM", MDY, dt.datetime(2026, 2, 23, 20, 55)), ("02/23/26 12:05 AM", MDY, dt.datetime(2026, 2, 23, 0, 5)),
        ("2021-01-07 6:49:18", None, dt.datetime(2021, 1, 7, 6, 49, 18)),
        ("2020-07-09 15:25:37.051", None, dt.datetime(2020, 7, 9, 15, 25, 37, 51000)),
        ("2011-10-01T00:38:44.546+02:00", None, dt.datetime(2011, 10, 1, 0, 38, 44, 546000, dt.timezone(dt.timedelta(hours=2)))),
        ("2023-10-28T20:45:25Z", None, dt.datetime(2023, 10, 28, 20, 45, 25, tzinfo=dt.UTC)),
        ("31 Mar 2026", None, dt.date(2026, 3, 31)), ("Oct 20, 2016", None, dt.date(2016, 10, 20)),
        ("45292", DateOrder.EXCEL_1900, dt.date(2024, 1, 1)), ("43830", DateOrder.EXCEL_1904, dt.date(2024, 1, 1)),
        ("45292.5", DateOrder.EXCEL_1900, dt.datetime(2024, 1, 1, 12)),
    ],
)  # fmt: skip
def test_dates(text: str, order: DateOrder | None, moment: dt.date) -> None:
    assert parse_moment(text, order) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-W01-1",
        "2026-02-30",
        "0000-00-00",
        "13/13/2020",
        "3/1/2017",
        "45292",
        "tomorrow",
        "",
        "2026-1",
        "2026-01-01 25:00",
        "10:30",
    ],
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(BadDate):
        parse_moment(text)


@pytest.mark.parametrize(
    ("values", "orders"),
    [
        (["10/20/2016", "3/1/2017"], {MDY}), (["20/10/2016", "3/1/2017"], {DMY}), (["3/4/2017", "5/6/2017"], {MDY, DMY}),
        (["1/1/2017"], {MDY}), (["02/23/26 08:55 PM", "03/07/26 09:00 PM"], {MDY}), (["2017-01-01", "2017-02-01"], set()),
        (["25/12/2016", "12/25/2016"], {MDY, DMY}), (["45292"], {DateOrder.EXCEL_1900, DateOrder.EXCEL_1904}),
        (["99/99/9999", "10/20/2016"], {MDY}),
    ],
)  # fmt: skip
def test_the_order_of_a_column_needs_all_its_values(values: list[str], orders: set[DateOrder]) -> None:
    assert infer_order(values) == orders


@given(st.text(max_size=20))
def test_any_text_is_a_date_or_a_reason(text: str) -> None:
    for order in (None, *DateOrder):
        with suppress(BadDate):
            assert isinstance(parse_moment(text, order), dt.date)


def test_a_stamp_becomes_a_business_date_in_the_declared_zone() -> None:
    amsterdam = ZoneInfo("Europe/Amsterdam")
    stamp = parse_moment("2011-09-30T23:30:00+00:00")
    assert as_business_date(stamp, amsterdam) == dt.date(2011, 10, 1)
    assert as_instant(dt.date(2011, 10, 1), amsterdam) == dt.datetime(2011, 9, 30, 22, tzinfo=dt.UTC)
    assert as_instant(dt.date(2011, 10, 31), amsterdam) == dt.datetime(2011, 10, 30, 23, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-02-30", "is not a date of the calendar: that month has no day 30"),
        ("31/13/2026", "is not a date of the calendar: there is no month 13"),
        ("2026-02-03 25:00", "has a time of day or an offset that does not exist"),
    ],
)
def test_why_a_date_is_none_is_said_in_our_own_words(text: str, why: str) -> None:
    with pytest.raises(BadDate, match=f"^{re.escape(why)}$"):
        parse_moment(text, DateOrder.DMY)


@pytest.mark.parametrize("text", ["", " 1", "-1", "1.0", "²", "٣", "1\n", "9" * 19, "9" * 5000])
def test_what_numbers_no_row_is_no_number(text: str) -> None:
    assert counted(text) is None
    assert counted("9" * 18) == 10**18 - 1
    assert counted("007") == 7
