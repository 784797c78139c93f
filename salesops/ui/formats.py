"""Numbers, money, ratios and dates as text in the viewer's language. Pure apart from the active language.

Nothing here computes business figures: values arrive as they were calculated and leave as text. ``None`` means "no
answer" and prints as an en dash; zero means none and prints as zero.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_symbol,
)
from django.utils import timezone, translation

NONE = "–"
MINUS = "−"
SHORT_DAYS = {"de": "d. LLL"}  # no dot at the end, so that a sentence may end with it
DAYS_WITH_YEAR = {"de": "d. LLL y"}
THOUSAND = {"de": "Tsd."}
"""The sign of thousands where Unicode's short form writes them out, so that a rounded amount never looks exact."""
Number = Decimal | int | float | str


def locale_code() -> str:
    """Babel code of the active language, ``en`` when Babel does not know it."""
    return _known_locale(translation.get_language() or "en")


@lru_cache(maxsize=32)
def _known_locale(language: str) -> str:
    try:
        return str(Locale.parse(language, sep="-"))
    except (UnknownLocaleError, ValueError):
        return "en"


def _date_locale() -> str:
    """Days before months in English too: 11 Dec 2026 cannot be misread on either side of an ocean."""
    code = locale_code()
    return "en_GB" if code == "en" else code


def to_decimal(value: object) -> Decimal | None:
    """Any number as Decimal; ``None`` for None, empty and not-a-number input."""
    if value is None or value == "":
        return None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() else None


def three_digits(value: Decimal) -> Decimal:
    """Value rounded half-up to three significant digits, so that 999,999 shows as 1M and not as 1000K."""
    if not value:
        return value
    step = Decimal(1).scaleb(max(value.adjusted() - 2, 0))
    return (value / step).quantize(Decimal(1), ROUND_HALF_UP) * step


def _signed(text: str, value: Decimal, signed: bool) -> str:
    text = text.replace("-", MINUS)
    return f"+{text}" if signed and value > 0 else text


@lru_cache(maxsize=65536)
def _money(value: Decimal, currency: str, locale: str, compact: bool, signed: bool) -> str:
    if not compact:
        text = (
            format_currency(value, currency, locale=locale)
            if currency
            else format_decimal(value, "#,##0.00", locale)
        )
        return _signed(text, value, signed)
    rounded = three_digits(value)
    if abs(rounded) < 1000:
        rounded = rounded.quantize(Decimal(1), ROUND_HALF_UP)
    text = _compact(rounded, currency, locale)
    return _signed(text, value, signed)


def _compact(value: Decimal, currency: str, locale: str) -> str:
    """Short form ("$4.12M", "145 Tsd. $"), in every language seen to be rounded."""
    if currency:
        text = format_compact_currency(value, currency, fraction_digits=2, locale=locale)
    else:
        text = format_compact_decimal(value, fraction_digits=2, locale=locale)
    if abs(value) < 1000 or sum(character.isdigit() for character in text) <= 3:
        return text
    thousands = format_decimal(value / 1000, "0.##", locale=locale)
    short = f"{thousands}\u00a0{THOUSAND[locale]}" if locale in THOUSAND else f"{thousands}K"
    return f"{short}\u00a0{get_currency_symbol(currency, locale=locale)}" if currency else short


def money(value: object, currency: str = "", *, compact: bool = False, signed: bool = False) -> str:
    """Amount as text: exact to the minor unit, or compact to three significant digits; ``–`` for None."""
    number = to_decimal(value)
    if number is None:
        return NONE
    return _money(number, currency or "", locale_code(), compact, signed)


def is_sign_of(sign: str, currency: str) -> bool:
    """Whether a typed sign or code means this currency, as English or the viewer's language writes it."""
    symbols = {get_currency_symbol(currency, locale=code) for code in ("en", locale_code())}
    plain = sign.rstrip(".")
    is_dollar = plain.endswith("$") and any(symbol.endswith("$") for symbol in symbols)
    fits = plain == currency or any(symbol.rstrip(".").endswith(plain) for symbol in symbols)
    return fits or (is_dollar and currency.startswith(plain[:-1].upper()))


@lru_cache(maxsize=16384)
def _whole(value: Decimal, currency: str, locale: str) -> str:
    pattern = Locale.parse(locale).currency_formats["standard"].pattern.replace(".00", "")
    return _signed(
        format_currency(value, currency, pattern, locale=locale, currency_digits=False), value, False
    )


def money_as_typed(value: object, currency: str) -> str:
    """Amount to the minor unit, but a whole one without the zeros nobody typed; ``–`` for None."""
    number = to_decimal(value)
    if number is None:
        return NONE
    if not currency or number != number.to_integral_value():
        return money(number, currency)
    return _whole(number, currency, locale_code())


@lru_cache(maxsize=16384)
def _percent(value: Decimal, digits: int, locale: str) -> str:
    pattern = Locale.parse(locale).percent_formats[None].pattern
    wanted = pattern.replace("0", "0." + "0" * digits, 1) if digits else pattern
    quantum = Decimal(1).scaleb(-digits - 2)
    return format_percent(value.quantize(quantum, ROUND_HALF_UP), wanted, locale=locale).replace("-", MINUS)


def percent(value: object, digits: int = 0) -> str:
    """Ratio (0.94) as percent text ("94%")."""
    number = to_decimal(value)
    return NONE if number is None else _percent(number, digits, locale_code())


@lru_cache(maxsize=16384)
def _number(value: Decimal, digits: int, locale: str) -> str:
    fraction = "." + "0" * digits if digits else ""
    quantized = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return format_decimal(quantized, "#,##0" + fraction, locale=locale).replace("-", MINUS)


def number(value: object, digits: int = 0) -> str:
    """Number with grouping and a fixed count of decimals."""
    parsed = to_decimal(value)
    return NONE if parsed is None else _number(parsed, digits, locale_code())


def rate(value: object) -> str:
    """An exchange rate without needless zeros; one that is a quotient to eight significant digits."""
    parsed = to_decimal(value)
    if parsed is None:
        return NONE
    step = Decimal(1).scaleb(min(parsed.adjusted(), 0) - 7)
    return format_decimal(parsed.quantize(step, ROUND_HALF_UP), "#,##0.####################", locale_code())


def multiple(value: object) -> str:
    """Coverage and the like: 3.2 as "3.2×"."""
    parsed = to_decimal(value)
    return NONE if parsed is None else f"{number(parsed, 1)}×"


def days(value: object) -> str:
    """Duration in days: "1 day", "12 days", one decimal below ten when fractional."""
    parsed = to_decimal(value)
    if parsed is None:
        return NONE
    digits = 0 if parsed == parsed.to_integral_value() or abs(parsed) >= 10 else 1
    text = number(parsed, digits)
    return translation.ngettext("%(n)s day", "%(n)s days", 1 if parsed == 1 else 2) % {"n": text}


def day(value: dt.date | None, style: str = "medium") -> str:
    """A calendar date (close dates carry no time and no zone); `short` leaves out the year when it is this one.

    `no year` leaves it out always, for axes whose caption names the period.
    """
    if not value:
        return NONE
    if isinstance(value, dt.datetime):
        value = timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    locale = _date_locale()
    if style not in {"short", "no year"}:
        return _date(value, style, locale)
    if style == "no year" or value.year == timezone.localdate().year:
        return _date(value, SHORT_DAYS.get(locale, "d MMM"), locale)
    return _date(value, DAYS_WITH_YEAR.get(locale, "d MMM y"), locale)


@lru_cache(maxsize=16384)
def _date(value: dt.date, style: str, locale: str) -> str:
    return format_date(value, style, locale=locale)


def moment(value: dt.datetime | None, style: str = "medium") -> str:
    """An instant in the current time zone, to the minute: the day as `day` writes it, then the time."""
    if not value:
        return NONE
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return f"{day(local.date(), style)}, {local:%H:%M}"


def moment_in_zone(value: dt.datetime) -> str:
    """An instant with its zone, for what leaves the page (a picture, a file): "21 Jul 2026, 23:59 EDT"."""
    return f"{moment(value)} {timezone.localtime(value):%Z}"


DELTA_TEXT: dict[str, Callable[[Decimal, str], str]] = {
    "money": lambda value, currency: money(value, currency, compact=True, signed=True),
    "percent": lambda value, _: _plus(percent(value), value),
    "points": lambda value, _: (
        _plus(number(value * 100, 1), value) + " " + translation.pgettext("percentage points", "pp")
    ),
    "count": lambda value, _: _plus(number(value), value),
    "days": lambda value, _: _plus(days(value), value),
    "multiple": lambda value, _: _plus(multiple(value), value),
}


def _plus(text: str, value: Decimal) -> str:
    return f"+{text}" if value > 0 else text


def delta(value: object, currency: str = "", kind: str = "money") -> str:
    """Change with its sign always shown."""
    parsed = to_decimal(value)
    return NONE if parsed is None else DELTA_TEXT[kind](parsed, currency)
