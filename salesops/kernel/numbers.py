"""Numbers as people type them, read strictly.

`Decimal("1_000")` and `Decimal("١٢٣")` are accepted by Python and `int(Decimal("1e3000000"))` takes
minutes, so nothing reaches `Decimal` here that has not first matched an ASCII pattern with bounded length.
Whether a comma is a decimal mark or groups thousands is a property of a *column*, found from all its values
(`infer_style`); one value alone never decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from salesops.kernel.said import BadValue, Said

MAX_DIGITS = 30
"""Longest number accepted, in digits; `numeric(18,2)` needs 18, rates and shares a few more."""

MAX_EXPONENT = 15
"""Largest absolute exponent of a number in scientific notation (spreadsheets write `1.5E+06`)."""


class NumberStyle(StrEnum):
    """How a column writes its numbers."""

    POINT = "POINT"
    """1,234.56"""
    COMMA = "COMMA"
    """1.234,56"""


class BadNumber(BadValue):
    """The text is not a number."""


_SPACES = "[ \u00a0\u202f'\u2019]"
_GROUPED = {
    NumberStyle.POINT: r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}|"
    rf"[0-9]{{1,3}}(?:{_SPACES}[0-9]{{3}})+|[0-9]+)",
    NumberStyle.COMMA: rf"(?:[0-9]{{1,3}}(?:\.[0-9]{{3}})+|[0-9]{{1,3}}(?:{_SPACES}[0-9]{{3}})+|[0-9]+)",
}
_MARK = {NumberStyle.POINT: r"\.", NumberStyle.COMMA: ","}
_PATTERN = {
    style: re.compile(
        rf"(?P<sign>[+-]?)(?:(?P<whole>{_GROUPED[style]})(?:{_MARK[style]}(?P<part>[0-9]*))?"
        rf"|{_MARK[style]}(?P<only>[0-9]+))(?:[eE](?P<exp>[+-]?[0-9]{{1,3}}))?",
        re.ASCII,
    )
    for style in NumberStyle
}
_NOT_DIGIT = re.compile(r"[^0-9]", re.ASCII)
_CURRENCY_MARK = re.compile(
    r"^(?:[A-Z]{2,3}\$?|[$€£¥₹₩₽₺₴₫₪฿]|zł|kr\.?|Fr\.?)[ \u00a0]?|[ \u00a0]?(?:[A-Z]{3}|[$€£¥₹₩₽₺₴₫₪฿]|zł|kr\.?|Fr\.?)$"
)
_PLAIN = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_COUNTED = re.compile(r"[0-9]{1,18}", re.ASCII)
_PLAIN_POINT = re.compile(r"-?[0-9]{1,18}\.[0-9]{1,8}", re.ASCII)


def parse_amount(text: str, style: NumberStyle = NumberStyle.POINT) -> Decimal:
    """The amount written in `text`, currency marks and accounting parentheses allowed.

    Raises `BadNumber` for anything but ASCII digits in the given style: underscores, other alphabets'
    digits, NaN, infinity, misplaced thousands marks, more than MAX_DIGITS digits or an exponent beyond
    MAX_EXPONENT.
    """
    if _PLAIN.fullmatch(text) or (style is NumberStyle.POINT and _PLAIN_POINT.fullmatch(text)):
        return Decimal(text)
    bare, negative = _strip_marks(text)
    match = _PATTERN[style].fullmatch(bare)
    if match is None or len(bare) > 2 * MAX_DIGITS:
        raise BadNumber(_why_not(bare, style))
    whole = _NOT_DIGIT.sub("", match["whole"] or "0")
    part = match["part"] or match["only"] or ""
    exponent = int(match["exp"] or 0)
    if len(whole) + len(part) > MAX_DIGITS:
        raise BadNumber(Said("has more than %(most)s digits", most=MAX_DIGITS))
    if abs(exponent) > MAX_EXPONENT:
        raise BadNumber(Said("has an exponent beyond %(most)s", most=MAX_EXPONENT))
    value = (
        Decimal(f"{match['sign']}{whole}.{part or '0'}E{exponent}")
        if exponent
        else Decimal(f"{match['sign']}{whole}" + (f".{part}" if part else ""))
    )
    return -value if negative else value


def counted(text: str) -> int | None:
    """The number of a row, version or page as an address or a form carries it; None for anything but 1 to 18 digits.

    `str.isdecimal` lets pass what `int` refuses or the database cannot hold.
    """
    return int(text) if _COUNTED.fullmatch(text) else None


def parse_percent(text: str, style: NumberStyle = NumberStyle.POINT) -> Decimal:
    """A percentage as percent points: `40 %` and `40` are 40. Scaling of fractions (0.4) is the mapping's
    business."""
    return parse_amount(text.rstrip("% \u00a0"), style)


def currency_mark(text: str) -> str:
    """The currency's sign or code written beside the number, which `parse_amount` passes over; "" for none."""
    found = _CURRENCY_MARK.search(text.strip(" \t\u00a0()+-"))
    return found.group().strip(" \u00a0") if found else ""


def _strip_marks(text: str) -> tuple[str, bool]:
    """Take currency marks and accounting parentheses off; say whether parentheses or a trailing minus made
    it negative."""
    bare = text.strip(" \t\u00a0")
    negative = False
    if bare.startswith("(") and bare.endswith(")"):
        bare, negative = bare[1:-1].strip(), True
    elif bare.endswith("-") and len(bare) > 1:
        bare, negative = bare[:-1].strip(), True
    sign = ""
    if bare[:1] in {"-", "+"}:
        sign, bare = bare[0], bare[1:].lstrip()
    bare = _CURRENCY_MARK.sub("", bare, count=1)
    if negative and (sign or bare[:1] in {"-", "+"}):
        raise BadNumber(Said("has two signs"))
    return sign + bare, negative


def _why_not(text: str, style: NumberStyle) -> Said:
    if not text:
        return Said("is empty")
    if text.lower() in {"nan", "inf", "-inf", "infinity", "-infinity", "+inf"}:
        return Said("is not a finite number")
    if "_" in text:
        return Said("contains an underscore")
    if not text.isascii() and any(char.isdigit() and not char.isascii() for char in text):
        return Said("contains digits that are not 0-9")
    if style is NumberStyle.POINT:
        return Said("is not a number with a decimal point")
    return Said("is not a number with a decimal comma")


def fits(text: str, style: NumberStyle) -> bool:
    """Whether `text` can be read in the given style."""
    try:
        parse_amount(text, style)
    except BadNumber:
        return False
    return True


def infer_style(values: Iterable[str]) -> set[NumberStyle]:
    """The styles in which a column can be read; two members mean: ask, the values alone do not decide.

    Values fitting neither style are ignored here (they become problems of their rows). One style is enough
    when both give the same numbers: `1054` decides nothing and needs no question.
    """
    point = comma = differs = 0
    for text in values:
        if _PLAIN.fullmatch(text):
            continue
        as_point, as_comma = fits(text, NumberStyle.POINT), fits(text, NumberStyle.COMMA)
        if as_point and not as_comma:
            point += 1
        elif as_comma and not as_point:
            comma += 1
        elif as_point and parse_amount(text, NumberStyle.POINT) != parse_amount(text, NumberStyle.COMMA):
            differs += 1
    if point and not comma:
        return {NumberStyle.POINT}
    if comma and not point:
        return {NumberStyle.COMMA}
    if (point and comma) or differs:
        return {NumberStyle.POINT, NumberStyle.COMMA}
    return {NumberStyle.POINT}
