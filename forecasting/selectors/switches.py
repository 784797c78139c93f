"""What the header of the forecast offers: neighbouring periods and currencies."""

from __future__ import annotations

from dataclasses import dataclass

from forecasting.domain.question import Question
from organization.domain.facts import PeriodFacts
from organization.selectors import company, periods, periods_containing, rate_book

KINDS = ("YEAR", "QUARTER", "MONTH")


@dataclass(frozen=True)
class KindChoice:
    """A grain of time, and the period it would lead to."""

    kind: str
    name: str
    current: bool


@dataclass(frozen=True)
class PeriodSwitch:
    """The periods one step away, those around, and the other grains."""

    previous: PeriodFacts | None
    next: PeriodFacts | None
    around: tuple[PeriodFacts, ...]
    kinds: tuple[KindChoice, ...]


def period_switch(question: Question) -> PeriodSwitch:
    """Where one can go from the period shown: two years to each side, by year, quarter or month."""
    period = question.period
    near = periods(period.kind, around=period.from_date)
    place = next((i for i, p in enumerate(near) if p.id == period.id), 0)
    today = company().date_of(question.instant)
    day = today if today in period else period.from_date
    kinds = {found.kind: found for found in periods_containing(day)}
    return PeriodSwitch(
        near[place - 1] if place else None,
        near[place + 1] if place + 1 < len(near) else None,
        tuple(near[max(place - 4, 0) : place + 5]),
        tuple(KindChoice(k, kinds[k].name, k == period.kind) for k in KINDS if k in kinds),
    )


def currencies_offered() -> list[str]:
    """The corporate currency first, then those with a rate."""
    book = rate_book()
    return [book.corporate, *sorted(code for code in book.rates if code != book.corporate)]
