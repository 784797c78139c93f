"""From the address of a page to the question it asks: nonsense falls back, what is hidden is not found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from forecasting.domain.columns import Rollup
from forecasting.domain.question import Question, Since, TreeName, compared_with
from forecasting.selectors.nodes import NotVisibleError
from organization.domain.facts import CompanyFacts, PeriodFacts
from organization.domain.scope import Scope
from organization.selectors import calendar
from organization.selectors.company import company, rate_book
from pipeline.domain.cells import Organization
from salesops.kernel.dates import asked_instant
from salesops.kernel.numbers import counted

KINDS = frozenset({"YEAR", "QUARTER", "MONTH"})
NAMES = (
    "who", "tree", "period", "at", "since", "currency", "org", "rollup", "open", "split", "extra", "view",
)  # fmt: skip
"""The words of a forecast's address; everything else in it belongs to the part of the page asked for."""


Choice = TypeVar("Choice", bound=StrEnum)


def question_of(query: Mapping[str, str], scope: Scope, now: dt.datetime) -> Question:
    """The question an address asks. Raises `NotVisibleError` for a person the viewer may not see."""
    facts, at_text = company(), query.get("at") or query.get("as_of") or ""
    at = _at(at_text, facts, now)
    name = query.get("period", "")
    period, currency = _period(name, facts.date_of(at or now)), _currency(query.get("currency", ""), facts)
    tree = _choice(TreeName, query.get("tree", ""), TreeName.PEOPLE)
    since_name, since = _since(query.get("since", ""), at or now, facts, period)
    return Question(
        tree=tree,
        top=_top(query.get("who", ""), tree, scope),
        period=period,
        now=now,
        at=at,
        since=since,
        since_name=since_name,
        currency=currency,
        organization=_choice(Organization, query.get("org", "").upper(), Organization.THEN),
        rollup=_choice(Rollup, query.get("rollup", ""), Rollup.SINGLE),
        opened=_words(query.get("open", "")),
        split=_words(query.get("split", "")),
        extra=_words(query.get("extra", "")),
        exact=query.get("view") == "exact",
        replaced=tuple(
            (word, given)
            for word, given, is_meant in (
                ("period", name, name.upper() in KINDS or name.strip().casefold() == period.name.casefold()),
                ("at", at_text, at is not None),
                ("since", query.get("since", ""), since_name == query.get("since")),
                ("currency", query.get("currency", ""), query.get("currency") == currency),
            )
            if given and not is_meant
        ),
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in text[:4000].split(",") if word)


def _choice(kind: type[Choice], text: str, default: Choice) -> Choice:
    try:
        return kind(text)
    except ValueError:
        return default


def _at(text: str, facts: CompanyFacts, now: dt.datetime) -> dt.datetime | None:
    """The instant asked for; the present and the future are now."""
    try:
        found = asked_instant(text, facts.zone)
    except ValueError:
        return None
    return found if found < now else None


def _period(name: str, day: dt.date) -> PeriodFacts:
    """The period named, or the present year, quarter or month; else the quarter of the instant looked at."""
    kind = name.upper() if name.upper() in KINDS else "QUARTER"
    if name and name.upper() not in KINDS:
        try:
            return calendar.period_named(name)
        except calendar.PeriodUnknownError:
            pass
    try:
        return calendar.period_containing(kind, day)
    except calendar.PeriodUnknownError:  # before the calendar begins, or after it ends
        known = calendar.periods(kind)
        return known[0] if day < known[0].from_date else known[-1]


def _since(
    name: str, instant: dt.datetime, facts: CompanyFacts, period: PeriodFacts
) -> tuple[str, dt.datetime]:
    """Unless said otherwise a week earlier; of a period that is over, where little moves any more, its start."""
    name = name or (Since.PERIOD if period.to_date <= facts.date_of(instant) else Since.WEEK)
    try:
        return name, compared_with(name, instant, facts.zone, period)
    except (ValueError, OverflowError):
        return Since.WEEK, compared_with(Since.WEEK, instant, facts.zone, period)


def _currency(code: str, facts: CompanyFacts) -> str:
    return code if code and rate_book().has_rate(code) else facts.corporate_currency


def _top(text: str, tree: TreeName, scope: Scope) -> int | None:
    """The node the page is about: who may see everything starts with everything, everybody else with themselves."""
    sees_all = scope.everything or scope.won_only_everywhere
    if (node := counted(text)) is not None:
        if tree is TreeName.PEOPLE and not (sees_all or scope.sees_person(node)):
            raise NotVisibleError
        return node
    if tree is TreeName.PEOPLE and not sees_all:
        if scope.person_id is None:
            raise NotVisibleError
        return scope.person_id
    return None
