"""Addresses of the forecast: what means nothing is said, links show the same to others, the past has no edge."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from organization.models import User
from territories.models import Quota
from tests.apps.forecasting.conftest import EARLY, Company

pytestmark = pytest.mark.django_db


def opened(user: User, address: str = "/forecast/", **query: str) -> Any:
    session = Client()
    session.force_login(user)
    return session.get(address, query)


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", unescape(strip_tags(response.content.decode()))).strip()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"period": "BOGUS"}, "There is no period “BOGUS”; FY27-Q1 is shown."),
        ({"currency": "JPY"}, "No exchange rate is known for “JPY”; amounts are in USD."),
        ({"at": "garbage"}, "“garbage” is no moment of the past; the present is shown."),
        ({"at": "2099-01-01"}, "“2099-01-01” is no moment of the past; the present is shown."),
        ({"since": "yesteryear"}, "“yesteryear” is no moment to compare with; a week earlier is taken."),
    ],
)
def test_what_means_nothing_is_replaced_and_said(company: Company, query: dict[str, str], said: str) -> None:
    assert said in text(opened(company.executive, **query))


def test_what_means_something_is_not_complained_of(company: Company) -> None:
    page = opened(company.executive, period="quarter", at="2026-04-01", since="monday", currency="EUR")
    assert page.context["question"].replaced == ()


@pytest.mark.parametrize(
    ("period", "named"), [("FY26-Q4", "period"), ("FY27-Q1", "week"), ("FY27-Q2", "week")]
)
def test_a_period_that_is_over_is_compared_with_its_start(company: Company, period: str, named: str) -> None:
    page = opened(company.executive, period=period)
    asked = page.context["question"]
    assert asked.since_name == named
    if named == "period":
        assert asked.since.date() == asked.period.from_date
    assert opened(company.executive, period=period, since="monday").context["question"].since_name == "monday"


def test_the_instants_on_offer_are_those_of_the_period(company: Company) -> None:
    def offered(**query: str) -> list[tuple[str, str]]:
        page = opened(company.executive, **query)
        return [(preset["label"], preset["value"]) for preset in page.context["as_of_presets"]]

    assert [label for label, _ in offered()][:2] == ["This morning", "A week ago"]
    assert offered(period="FY26-Q4") == [
        ("Ten days before its end", "2026-01-21T00:00"),
        ("End of FY26-Q4", "2026-01-31T23:59"),
        ("Start of FY26-Q4", "2025-11-01T00:00"),
    ]


@pytest.mark.parametrize("at", ["2019-12-31", "2020-01-01", "1999-01-01T00:00"])
def test_before_the_calendar_begins_there_is_a_page(company: Company, at: str) -> None:
    page = opened(company.executive, at=at)
    assert page.status_code == 200
    assert page.context["board"].answer.won == 0


def test_as_of_is_understood_by_either_word(company: Company) -> None:
    """On the page itself one word stands for both, so that each part of it looks at the same moment."""
    page = opened(company.executive, as_of="2026-04-01", tree="people")
    assert (page.status_code, page["Location"]) == (302, "/forecast/?tree=people&at=2026-04-01")
    part = opened(company.executive, "/forecast/board", as_of="2026-04-01")
    assert part.context["question"].at is not None
    assert (
        opened(company.executive, "/quotas/", at="2026-01-02T10:00", year="FY27").context["as_of"] is not None
    )
    assert opened(company.executive, "/people/", at="2026-04-01").context["as_of"] is not None


def test_a_link_to_these_figures_shows_them_to_others(company: Company) -> None:
    mine = opened(company.manager)
    theirs = opened(company.executive, "/forecast/" + mine.context["as_seen_url"])
    assert mine.context["question"].top == theirs.context["question"].top == company.ben.pk
    for field in ("period", "since", "tree", "currency"):
        assert getattr(mine.context["question"], field) == getattr(theirs.context["question"], field), field
    assert mine.context["board"].answer == theirs.context["board"].answer


def test_a_month_without_quota_says_which_period_has_one(company: Company) -> None:
    Quota.objects.filter(period__kind="MONTH").update(superseded_at=EARLY)
    page = text(opened(company.executive, period="FY27-M03"))
    assert "won; no quota is set for FY27-M03, only for FY27-Q1." in page


@pytest.mark.parametrize("tree", ["territories", "families"])
def test_trees_without_quotas_have_no_columns_of_dashes(company: Company, tree: str) -> None:
    page = opened(company.executive, tree=tree)
    names = {column.name for column in page.context["board"].columns}
    assert not names & {"quota", "gap", "attainment", "coverage"}
    assert {item.figure.column.name for item in page.context["board"].strip} == {
        "won", "commit", "upside", "pipeline", "commit_forecast", "best_case",
    }  # fmt: skip
    assert "no quota is set" not in text(page)


def test_a_gaps_change_says_whether_it_is_better(company: Company) -> None:
    gap = next(item for item in opened(company.executive).context["strip"] if item["name"] == "gap")
    board = opened(company.executive).context["board"]
    assert gap["change"] == board.answer.change
    assert gap["change_word"] == ("better" if board.answer.change > 0 else "worse")
