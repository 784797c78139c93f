"""The board adds up, at every node, now and as of any instant, for every viewer."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from forecasting.domain.board import Board
from forecasting.domain.table import Kind, Row
from forecasting.forms import question_of
from forecasting.selectors.board import board
from forecasting.selectors.nodes import NotVisibleError
from opportunities.models import ProductFamily
from organization.domain.roles import Role
from organization.models import Person, Territory, User
from organization.selectors import memo
from organization.services import rebuild_person_closure, set_manager
from salesops.kernel.money import exact_sum
from territories.models import Quota
from tests.apps.forecasting.conftest import EARLY, IN_Q1, NOW, Company, scope_of
from tests.factories.organization import TEST, make_person, make_user, period
from tests.factories.pipeline import change, deal

pytestmark = pytest.mark.django_db
SUMS = ("won", "commit", "upside", "pipeline", "best_case", "lost", "omitted")


def read(user: User, **query: Any) -> Board:
    words = {"extra": "lost,omitted,gap_to_quota", **query}
    return board(scope_of(user), question_of(words, scope_of(user), NOW))


def values(row: Row | None) -> dict[str, Any]:
    assert row is not None
    return {figure.column.name: figure.value for figure in row.figures}


def children(found: Board, key: str) -> list[Row]:
    return [row for row in found.rows if row.place.parent_key == key]


def all_open(company: Company) -> str:
    return ",".join(str(person.pk) for person in company.world.people)


def test_the_total_is_what_the_deals_say(company: Company) -> None:
    total = values(read(company.executive).rows[0])
    euro = Decimal("333.33") * Decimal("1.10")
    commit = Decimal("1000.50") + euro + 700 + 250 + 450 + 140
    assert total["won"] == 2000
    assert total["commit"] == commit
    assert total["upside"] == 4060
    assert total["pipeline"] == 90
    assert (total["lost"], total["omitted"]) == (800, 11)
    assert total["best_case"] == 2000 + commit + 4060
    assert total["quota"] == 10_000
    assert total["gap"] == 10_000 - 2000 - commit
    assert total["gap_to_quota"] == 8000
    assert total["attainment"] == Decimal("0.2")


PAST = {"at": "2026-04-03"}


@pytest.mark.parametrize("tree", ["people", "territories", "families"])
def test_every_row_is_the_sum_of_its_children(company: Company, tree: str) -> None:
    nodes = (m.objects.values_list("pk", flat=True) for m in (Person, Territory, ProductFamily))
    opened = ",".join(map(str, sorted({pk for pks in nodes for pk in pks})))
    for query in ({}, PAST, {"org": "today", **PAST}, {"currency": "EUR"}):
        add_up(read(company.executive, tree=tree, open=opened, **query))


def add_up(found: Board) -> None:
    parents = {row.place.parent_key for row in found.rows} - {""}
    assert len(parents) > 1
    for key in parents:
        below = [values(row) for row in children(found, key)]
        whole = values(found.row(key))
        for column in SUMS:
            assert exact_sum([row[column] for row in below]) == whole[column], (key, column)


def test_trees_agree_on_the_total(company: Company) -> None:
    totals = [
        values(read(company.executive, tree=tree).rows[0]) for tree in ("people", "territories", "families")
    ]
    for column in SUMS:
        assert len({total[column] for total in totals}) == 1


def test_subcategories_divide_their_column(company: Company) -> None:
    total = values(read(company.executive, split="commit").rows[0])
    part = f"commit.{company.at_risk.pk}"
    assert total[part] == 700
    assert total[part] + total["commit.0"] == total["commit"]


def test_a_manager_has_own_deals_beside_the_reports(company: Company) -> None:
    found = read(company.manager)
    assert [row.place.kind for row in found.rows] == [Kind.NODE, Kind.OWN, Kind.NODE, Kind.NODE]
    assert values(found.rows[1])["commit"] == 250
    assert found.title == "Ben"


def test_deals_of_nobody_stand_in_a_row_of_their_own(company: Company) -> None:
    found = read(company.executive)
    assert found.rows[0].place.kind is Kind.ALL
    assert values(found.row("none"))["upside"] == 60


def test_a_manager_without_a_quota_carries_the_reports(company: Company) -> None:
    found = read(company.executive, open=all_open(company))
    rows = {row.place.name: row for row in found.rows if row.place.kind is Kind.NODE}
    assert (rows["Ben"].quota.amount, rows["Ben"].quota.assigned) == (6000, None)
    assert rows["Ada"].quota.assigned == 10_000
    assert rows["Ada"].quota.reports == 11_000
    assert rows["Ada"].quota.over_assignment == Decimal("0.1")


def test_change_since_a_week_ago(company: Company) -> None:
    found = read(company.executive)
    change_of = {f.figure.column.name: f.figure.change for f in found.strip}
    assert change_of["won"] == 0
    assert change_of["commit_forecast"] == 450 + 140 - 800
    assert values(found.rows[0])["change"] == 450 + 140 - 800
    assert found.answer.change == 450 + 140 - 800


def test_the_last_point_of_a_course_is_the_figure(company: Company) -> None:
    for item in read(company.executive).strip:
        if item.series:
            assert item.series[-1] == item.figure.value
            assert len(item.series) == 9


def test_the_past_is_the_same_page_by_other_facts(company: Company) -> None:
    then = values(read(company.executive, at="2026-04-03").rows[0])
    assert (then["won"], then["lost"], then["upside"]) == (2000, 0, 4180)
    before_anything = values(read(company.executive, at="2026-03-01T12:00").rows[0])
    assert before_anything["commit"] == 0


def test_a_move_keeps_the_past_with_the_former_manager(company: Company) -> None:
    cy = company.world.people[2]
    set_manager(person_id=company.dee.pk, manager_id=cy.pk, from_date=dt.date(2026, 4, 10), scope=TEST)
    opened = all_open(company)

    def won(name: str, **query: str) -> Decimal:
        rows = read(company.executive, open=opened, **query).rows
        return next(values(r)["won"] for r in rows if r.place.name == name and r.place.kind is Kind.NODE)

    assert (won("Ben"), won("Cy")) == (0, 2000)
    assert (won("Ben", at="2026-04-08"), won("Cy", at="2026-04-08")) == (2000, 0)
    assert (won("Ben", at="2026-04-08", org="today"), won("Cy", at="2026-04-08", org="today")) == (0, 2000)


def test_amounts_in_another_currency(company: Company) -> None:
    dollars, euros = (values(read(company.executive, currency=c).rows[0]) for c in ("USD", "EUR"))
    assert round(euros["won"], 2) == round(dollars["won"] / Decimal("1.1"), 2)
    assert round(euros["quota"], 2) == round(dollars["quota"] / Decimal("1.1"), 2)
    assert abs(euros["attainment"] - dollars["attainment"]) < Decimal("1e-20")


def test_a_currency_without_a_rate_is_left_out_aloud(company: Company) -> None:
    from organization.models import Currency

    Currency.objects.get_or_create(code="CHF", defaults={"name": "Swiss franc"})
    before = values(read(company.executive).rows[0])["commit"]
    deal(
        EARLY, owner=company.dee, amount=Decimal(999), currency_id="CHF", close_date=IN_Q1, category="COMMIT"
    )
    found = read(company.executive)
    assert values(found.rows[0])["commit"] == before
    assert found.unvalued == ("CHF",)


def test_a_past_quota_without_a_rate_leaves_the_present_ones(company: Company) -> None:
    from organization.models import Currency

    Currency.objects.get_or_create(code="CHF", defaults={"name": "Swiss franc"})
    long_before = NOW - dt.timedelta(days=300)
    before = read(company.executive, since=long_before.isoformat())
    assert (before.question.since, before.quota.amount is None) == (long_before, False)
    row = Quota.objects.filter(superseded_at__year=9999).order_by("id")[0]
    Quota.objects.create(
        person=row.person, period=row.period, amount=Decimal(5), currency_id="CHF",
        recorded_at=long_before - dt.timedelta(days=1), superseded_at=long_before + dt.timedelta(hours=1),
    )  # fmt: skip
    found = read(company.executive, since=long_before.isoformat())
    assert found.quota == before.quota
    assert found.unvalued == ()


def test_a_rep_sees_one_row_and_cannot_look_further(company: Company) -> None:
    found = read(company.rep)
    assert [row.place.name for row in found.rows] == ["Dee"]
    with pytest.raises(NotVisibleError):
        read(company.rep, who=str(company.ben.pk))
    with pytest.raises(NotVisibleError):
        read(company.manager, who=str(company.ada.pk))
    with pytest.raises(NotVisibleError):
        read(company.executive, who="999999")


def test_a_managers_territories_hold_only_the_teams_deals(company: Company) -> None:
    total = values(read(company.manager, tree="territories").rows[0])
    assert total["won"] == values(read(company.manager).rows[0])["won"]
    assert total["commit"] == values(read(company.manager).rows[0])["commit"]


def test_finance_learns_of_won_deals_only(company: Company) -> None:
    found = read(company.finance, open=all_open(company), split="commit", rollup="cumulative")
    assert {column.name for column in found.columns} == {"quota", "won", "gap_to_quota", "attainment"}
    assert values(found.rows[0])["won"] == 2000
    assert (found.answer.forecast, found.answer.best_case, found.answer.open_deals) == (2000, 2000, 0)
    assert {item.figure.column.name for item in found.strip} == {"quota", "won", "gap_to_quota", "attainment"}
    assert found.row("none") is None


def test_finance_with_a_team_reads_the_team_in_full_and_the_rest_as_finance(company: Company) -> None:
    """Roles add up: on the page of one's own people it is the manager's page, on any other finance's."""
    both = make_user(Role.MANAGER, Role.FINANCE, person=make_person("Gil", manager=company.ada))
    set_manager(person_id=company.ben.pk, manager_id=both.person.pk, from_date=EARLY.date(), scope=TEST)
    team, plain = read(both, who=str(company.ben.pk)), read(company.manager)
    assert [values(row) for row in team.rows] == [values(row) for row in plain.rows]
    assert values(team.rows[0])["commit"] > 0
    everything, finance = read(both), read(company.finance)
    assert [values(row) for row in everything.rows] == [values(row) for row in finance.rows]
    assert "commit" not in values(everything.rows[0])
    branch = question_of({"who": str(company.ben.pk)}, scope_of(both), NOW)
    opened = board(scope_of(both), branch, question_of({}, scope_of(both), NOW))
    assert opened.columns == everything.columns


def test_who_left_with_nothing_here_has_no_row(company: Company) -> None:
    gone = make_person("Gone", is_active=False)
    assert "Gone" not in {row.place.name for row in read(company.executive).rows}
    deal(EARLY, owner=gone, amount=Decimal(5), close_date=IN_Q1, category="COMMIT")
    assert "Gone" in {row.place.name for row in read(company.executive).rows}


def test_a_change_shows_at_once(company: Company) -> None:
    before = values(read(company.manager).rows[0])["commit"]
    mine = deal(EARLY, owner=company.dee, amount=Decimal(77), close_date=IN_Q1, category="UPSIDE")
    change(mine.pk, NOW, category="COMMIT")
    assert values(read(company.manager).rows[0])["commit"] == before + 77


def test_the_number_of_queries_does_not_grow_with_the_team(company: Company) -> None:
    def count(**query: str) -> int:
        token = memo.begin()  # as in a request
        with CaptureQueriesContext(connection) as queries:
            read(company.executive, **query)
        memo.end(token)
        return len(queries)

    count()
    few = count(open=all_open(company))
    for number in range(12):
        person = make_person(f"New {number}", manager=company.ben)
        deal(EARLY, owner=person, amount=Decimal(10), close_date=IN_Q1, category="COMMIT")
    assert count(open=all_open(company)) == few
    assert few <= 28


def test_each_point_of_a_sparkline_is_what_the_page_said_that_week(company: Company) -> None:
    raised = NOW - dt.timedelta(days=10)
    Quota.objects.filter(person=company.ada).update(superseded_at=raised)
    Quota.objects.create(
        person=company.ada,
        period=period("FY27-Q1"),
        amount=Decimal(12_500),
        currency_id="USD",
        recorded_at=raised,
    )
    course = {item.figure.column.name: item.series for item in read(company.executive).strip}
    for back, point in enumerate(reversed(course["gap"])):
        week = read(company.executive, at=(NOW - dt.timedelta(weeks=back)).isoformat())
        assert point == values(week.rows[0])["gap"], back
    quotas = [gap + commit for gap, commit in zip(course["gap"], course["commit_forecast"], strict=True)]
    assert quotas == [10_000] * 7 + [12_500] * 2


LATER = NOW + dt.timedelta(days=60)
"""The first quarter, which ends with April, is over."""


def test_who_moves_on_after_a_quarter_stays_in_it_where_they_were(company: Company) -> None:
    before = read(company.executive, open=all_open(company))
    set_manager(
        person_id=company.dee.pk,
        manager_id=company.world.people[2].pk,
        from_date=dt.date(2026, 6, 1),
        scope=TEST,
    )
    with time_machine.travel(LATER, tick=False):
        rebuild_person_closure()  # as the clock does when the day of a planned move comes
        words = {"period": "FY27-Q1", "open": all_open(company), "extra": "lost,omitted,gap_to_quota"}
        scope = scope_of(company.executive)
        over = board(scope, question_of(words, scope, LATER))
        today = board(scope, question_of({**words, "org": "today"}, scope, LATER))
    sums = {row.place.key: values(row) for row in before.rows}
    assert {row.place.key: {name: values(row)[name] for name in SUMS} for row in over.rows} == {
        key: {name: found[name] for name in SUMS} for key, found in sums.items()
    }
    assert values(over.rows[0])["quota"] == sums[before.rows[0].place.key]["quota"]
    ben = str(company.ben.pk)
    moved = {row.place.key: values(row) for row in today.rows}
    assert moved[ben]["won"] == 0
    assert sums[ben]["won"] == 2000


def test_everybody_is_counted_once_whoever_is_at_the_top(company: Company) -> None:
    """Today somebody new stands above all; a week ago she did not, and those below her were the top."""
    zoe = make_person("Zoe")
    set_manager(person_id=company.ada.pk, manager_id=zoe.pk, from_date=NOW.date(), scope=TEST)
    found = read(company.executive)
    (commit,) = (item for item in found.strip if item.figure.column.name == "commit_forecast")
    week_ago = read(company.executive, at=(NOW - dt.timedelta(weeks=1)).isoformat())
    assert week_ago.answer.forecast > 0
    assert found.answer.change == found.answer.forecast - week_ago.answer.forecast
    assert commit.series[-2] == week_ago.answer.forecast
