"""Behind every number its deals, which add up to it; behind every move its deals, which add up to the difference."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from forecasting.domain.columns import column_named
from forecasting.domain.question import Question
from forecasting.forms import question_of
from forecasting.selectors.board import all_subdivisions, board
from forecasting.selectors.drill import drill
from forecasting.selectors.moved import moved, pace
from forecasting.selectors.nodes import NotVisibleError
from organization.models import Currency, User
from organization.services import record_rates
from salesops.kernel.money import EXACT
from tests.apps.forecasting.conftest import EARLY, IN_Q1, NOW, Company, scope_of
from tests.factories.pipeline import deal

pytestmark = pytest.mark.django_db
EVERYTHING = ",".join(map(str, range(1, 2000)))
WATCHED = {"won", "commit.0", "best_case"}
"""Columns followed at every row: one category, one subcategory, several together."""
VIEWS = [
    {},
    {"at": "2026-04-03", "org": "today"},
    {"currency": "EUR"},
    {"rollup": "cumulative"},
    {"period": "FY27"},
    {"period": "FY27-M03"},
]


def asked(user: User, **query: Any) -> Question:
    words = {"extra": "lost,omitted", "split": "commit,upside", "open": EVERYTHING, **query}
    return question_of(words, scope_of(user), NOW)


@pytest.mark.parametrize("tree", ["people", "territories", "families"])
@pytest.mark.parametrize("who", ["executive", "manager"])
def test_the_drawer_adds_up_to_the_figure(company: Company, who: str, tree: str) -> None:
    user = getattr(company, who)
    scope = scope_of(user)
    for view in VIEWS if (who, tree) == ("executive", "people") else VIEWS[1:2]:
        question = asked(user, tree=tree, **view)
        for row in board(scope, question).rows:
            for figure in row.figures:
                if figure.column.name in WATCHED:
                    found = drill(scope, question, figure.column, row.place.key)
                    where = (view, row.place.key, figure.column.name)
                    assert found.total == figure.value == found.figure.value, where
                    assert found.agrees
                    assert found.page is not None
                    assert found.page.total_count == figure.deals, where


def test_more_deals_than_a_page_still_add_up(company: Company) -> None:
    scope = scope_of(company.executive)
    for currency in ("USD", "EUR"):
        question = asked(company.executive, currency=currency)
        column = column_named("commit")
        assert column is not None
        found = drill(scope, question, column, "all", size=2)
        assert len(found.deals) == 2
        assert found.page is not None
        assert found.page.total_count == 6
        assert found.total == found.figure.value


@pytest.mark.parametrize("currency", ["USD", "EUR"])
@pytest.mark.parametrize("at", [{}, {"at": "2026-04-09"}])
def test_the_deals_worth_most_come_first(company: Company, currency: str, at: dict[str, str]) -> None:
    """By what they are worth in the currency shown: 9,000 yen are less than 100 dollars, francs have no rate."""
    Currency.objects.get_or_create(code="CHF", defaults={"name": "Swiss franc"})
    record_rates([("JPY", dt.date(2015, 1, 1), Decimal("0.01"))])
    for code, amount in (("JPY", 9000), ("CHF", 10**6), ("EUR", 95), ("USD", 100)):
        deal(
            EARLY,
            owner=company.dee,
            amount=Decimal(amount),
            currency_id=code,
            close_date=IN_Q1,
            category="COMMIT",
        )
    scope = scope_of(company.executive)
    commit = column_named("commit")
    assert commit is not None
    for period in ("FY27-Q1", "FY27"):
        found = drill(scope, asked(company.executive, currency=currency, period=period, **at), commit, "all")
        values = [deal.value for deal in found.deals if deal.value is not None]
        assert values == sorted(values, reverse=True)
        assert [deal.row.currency for deal in found.deals][-1] == "CHF"
        assert [deal.row.currency for deal in found.deals if deal.row.amount in (9000, 95, 100)] == [
            "EUR",
            "USD",
            "JPY",
        ]
        assert found.agrees


def test_derived_figures_open_what_they_are_made_of(company: Company) -> None:
    scope, question = scope_of(company.executive), asked(company.executive)
    gap = column_named("gap")
    assert gap is not None
    found = drill(scope, question, gap, "all")
    quota, won, commit = (part.value for part in found.parts)
    assert quota - won - commit == found.figure.value  # type: ignore[operator]


def test_a_quota_opens_the_quotas_below(company: Company) -> None:
    scope, question = scope_of(company.executive), asked(company.executive)
    quota = column_named("quota")
    assert quota is not None
    found = drill(scope, question, quota, str(company.ada.pk))
    assert {node.name: fact.amount for node, fact in found.carried} == {"Ben": 6000, "Cy": 5000}
    assert found.quota.reports == 11_000


def test_hidden_nodes_and_columns_are_not_found(company: Company) -> None:
    commit, won = column_named("commit"), column_named("won")
    assert commit is not None
    assert won is not None
    manager, finance = scope_of(company.manager), scope_of(company.finance)
    for key in (str(company.ada.pk), "12345678", "x", "1-what", f"{company.ben.pk}-other"):
        with pytest.raises(NotVisibleError):
            drill(manager, asked(company.manager), commit, key)
    with pytest.raises(NotVisibleError):
        drill(finance, asked(company.finance), commit, "all")
    with pytest.raises(NotVisibleError):
        moved(finance, asked(company.finance), won)
    assert drill(finance, asked(company.finance), won, "all").total == 2000


LATER_VIEWS = [*VIEWS, {"since": "period"}, {"since": "monday"}, {"at": "2026-04-07", "since": "2026-03-05"}]


@pytest.mark.parametrize("tree", ["people", "territories", "families"])
@pytest.mark.parametrize("who", ["executive", "manager"])
def test_the_waterfall_leads_from_then_to_now(company: Company, who: str, tree: str) -> None:
    user = getattr(company, who)
    scope = scope_of(user)
    for view in LATER_VIEWS if (who, tree) == ("executive", "people") else LATER_VIEWS[-1:]:
        question = asked(user, tree=tree, **view)
        for row in board(scope, question).rows:
            for figure in row.figures:
                where = (view, row.place.key, figure.column.name)
                if figure.column.name in WATCHED:
                    flow = moved(scope, question, figure.column, row.place.key).waterfall
                    assert flow.balances(), where
                    assert (flow.opening, flow.closing) == (figure.before, figure.value), where
                elif figure.column.name == "change":
                    column = column_named("commit_forecast")
                    assert column is not None
                    flow = moved(scope, question, column, row.place.key).waterfall
                    assert EXACT.subtract(flow.closing, flow.opening) == figure.value, where


def test_the_stories_of_the_week(company: Company) -> None:
    column = column_named("commit_forecast")
    assert column is not None
    found = moved(scope_of(company.executive), asked(company.executive), column)
    told = {bar.cause.value: (bar.change, bar.deals) for bar in found.waterfall.bars}
    assert told == {"PULLED_IN": (450, 1), "CATEGORY_UP": (120, 1), "AMOUNT_UP": (20, 1), "LOST": (-800, 1)}
    team = moved(scope_of(company.manager), asked(company.manager), column)
    assert {bar.cause.value: bar.change for bar in team.waterfall.bars} == {"LOST": -800}


def test_a_deal_that_left_is_told_by_its_former_name(company: Company) -> None:
    column = column_named("upside")
    assert column is not None
    found = moved(scope_of(company.manager), asked(company.manager), column)
    (step,) = found.waterfall.steps
    assert step.cause.value == "TRANSFERRED_OUT"
    assert found.labels[step.deal_id].owner == "Dee"


def test_pacing(company: Company) -> None:
    found = pace(scope_of(company.executive), asked(company.executive))
    assert (found.won, found.quota, found.prior_total) == (2000, 10_000, 0)
    assert found.points[-1].day == NOW.date()
    finance = pace(scope_of(company.finance), asked(company.finance))
    assert finance.won == 2000
    rep = pace(scope_of(company.rep), asked(company.rep))
    assert (rep.won, rep.quota) == (2000, 3000)


def test_subcategory_columns_have_addresses(company: Company) -> None:
    name = f"commit.{company.at_risk.pk}"
    column = column_named(name, subdivisions=all_subdivisions())
    assert column is not None
    found = drill(scope_of(company.executive), asked(company.executive), column, "all")
    assert (found.total, found.figure.value) == (Decimal(700), Decimal(700))
