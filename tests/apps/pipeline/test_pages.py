"""Pages and the programming interface show the same figures, of the own deals only."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import translation

from organization.domain.roles import Role
from organization.models import Person
from organization.selectors import now_date, period_containing
from pipeline.domain.metrics import REGISTRY
from pipeline.exports import shown
from tests.factories.organization import make_user
from tests.factories.pipeline import START, World, deal, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = make_world()
    for n, owner in enumerate(world.people):
        deal(
            START,
            owner=owner,
            name=f"Deal of {owner.name}",
            amount=Decimal(1000 + n),
            status="WON",
            category="WON",
        )
    return world


@pytest.fixture
def boss(world: World) -> Client:
    return _client(make_user(Role.MANAGER, person=world.people[0]))


def _client(user) -> Client:  # type: ignore[no-untyped-def]
    client = Client()
    client.force_login(user)
    return client


def test_definitions(boss: Client) -> None:
    page = boss.get("/metrics/").content.decode()
    assert all(metric.title in page for metric in REGISTRY.values() if "&" not in metric.title)
    assert REGISTRY["velocity"].symbols.replace("Σ", "Σ") in page
    assert "win_rate_value" in boss.get("/metrics/?q=by value").content.decode()
    assert boss.get("/metrics/?q=nonsense").status_code == 200


def test_a_table_and_the_deals_behind_a_cell(boss: Client) -> None:
    page = boss.get("/metrics/ask/", {"metric": ["won_amount", "win_rate"], "by": "owner", "period": ""})
    text = page.content.decode()
    assert page.status_code == 200
    assert "$1,003" in text
    assert "100.00%" in text
    row = next(r for r in page.context["rows"] if r["labels"] == ["Dee"])
    behind = boss.get(row["cells"][0]["href"])
    assert behind.context["count"] == 1
    assert behind.context["value"] == "$1,003"
    assert "Deal of Dee" in behind.content.decode()
    lost = deal(START, owner=Person.objects.get(name="Dee"), status="LOST", category="LOST")
    assert lost.name not in boss.get(row["cells"][0]["href"]).content.decode(), "the figure is of won deals"


def test_a_question_is_of_the_current_quarter_until_another_period_is_chosen(
    world: World, boss: Client
) -> None:
    today = now_date()
    quarter = period_containing("QUARTER", today)
    deal(START, owner=world.people[3], amount=Decimal(77), status="WON", category="WON", close_date=today)
    page = boss.get("/metrics/ask/", {"metric": "won_amount"})
    assert page.context["period"] == quarter.name
    assert page.context["sums"][0]["text"] == "$77"
    assert f"period={quarter.name}" in page.context["sums"][0]["href"]
    assert f"period={quarter.name}" in page.context["asked"]
    always = boss.get("/metrics/ask/", {"metric": "won_amount", "period": ""})
    assert always.context["sums"][0]["text"] == "$6,092"
    then = boss.get("/metrics/ask/", {"metric": "won_amount", "as_of": "2025-03-05"})
    assert then.context["period"] == period_containing("QUARTER", dt.date(2025, 3, 5)).name


def test_filters_are_chosen_from_what_there_is_and_taken_off_again(world: World, boss: Client) -> None:
    ask = {"metric": "won_amount", "period": "", "where": ["status=won", "owner!=Ada"]}
    page = boss.get("/metrics/ask/", {**ask, "filter": "owner"})
    assert [choice.value for choice in page.context["values"]][:2] == ["owner=Ada", "owner=Ben"]
    assert page.context["kept"] == ask["where"]
    first, second = page.context["chips"]
    assert (first.label, second.label) == ("Status: won", "Owner ≠ Ada")
    assert boss.get(f"/metrics/ask/{first.without}").context["kept"] == ["owner!=Ada"]
    rep = _client(make_user(Role.REP, person=world.people[3]))
    seen = rep.get("/metrics/ask/", {"filter": "owner"}).context["values"]
    assert [choice.label for choice in seen] == ["Dee"], "nobody is named who is not seen"
    assert boss.get("/metrics/ask/", {"filter": "nonsense"}).status_code == 200


@pytest.mark.parametrize(
    ("language", "count", "percent", "days"),
    [("en", "1,234", "33.33%", "1,000.50"), ("de", "1.234", "33,33\u00a0%", "1.000,50")],
)
def test_numbers_are_written_as_the_language_writes_them(
    language: str, count: str, percent: str, days: str
) -> None:
    with translation.override(language):
        assert shown(REGISTRY["won_count"], Decimal(1234), "USD") == count
        assert shown(REGISTRY["win_rate"], Decimal("33.33"), "USD") == percent
        assert shown(REGISTRY["cycle_days_won_mean"], Decimal("1000.5"), "USD") == days
        assert shown(REGISTRY["won_amount"], Decimal(1234)) == count


def test_csv_is_exact(boss: Client) -> None:
    """The question on top, numbers with all their digits, the line of all deals last; named for what it holds."""
    today = dt.date(2026, 2, 20)
    for amount, status in ((1, "WON"), (2, "LOST"), (2, "LOST")):
        deal(
            START,
            owner=Person.objects.get(name="Ada"),
            amount=Decimal(amount),
            status=status,
            category=status,
            close_date=today,
        )
    ask = {"metric": ["won_amount", "win_rate"], "by": "owner", "where": "owner=Ada", "period": "FY27-Q1"}
    answer = boss.get("/metrics/ask.csv", {**ask, "as_of": "2026-03-01"})
    name = answer["Content-Disposition"].partition("filename=")[2]
    assert name == '"figures-won-win-rate-owner-fy27-q1.csv"'
    assert list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))) == [
        ["Shows", "Won, Win rate"],
        ["Period", "FY27-Q1 (2026-02-01 – 2026-04-30)"],
        ["As of", "2026-03-01T23:59:59+00:00"],
        ["Currency", "USD"],
        ["Group by", "Owner"],
        ["Filter", "Owner: Ada"],
        ["Organisation", "of that time"],
        [],
        ["Owner", "Won (USD)", "Win rate (1 = 100 %)"],
        ["Ada", "1", "0.333333333333"],
        ["All", "1", "0.333333333333"],
    ]
    whole = boss.get("/metrics/ask.csv", {"metric": "won_amount"})
    assert 'filename="figures-won-all-time.csv"' in whole["Content-Disposition"]
    assert whole.content.decode("utf-8-sig").splitlines()[-2:] == [",Won (USD)", "All,6016"]


def test_a_bad_question_is_told_not_raised(boss: Client) -> None:
    for path, data in (
        ("/metrics/ask/", {"metric": "nonsense"}),
        ("/metrics/ask.csv", {"where": "nonsense"}),
        ("/metrics/deals/", {"as_of": "never"}),
        ("/api/v1/figures", {"metric": "won_count", "by": "nonsense"}),
        ("/api/v1/figures", {}),
        ("/api/v1/figures", {"metric": "won_count", "limit": "many"}),
    ):
        answer = boss.get(path, data)
        assert answer.status_code == 400, path
        assert "nonsense" in answer.content.decode() or len(data) != 1 or "metric" not in data


def test_everybody_gets_the_own_figures(world: World, boss: Client) -> None:
    rep = _client(make_user(Role.REP, person=world.people[3]))
    ask = "/api/v1/figures?metric=won_amount&metric=won_count"
    assert json.loads(boss.get(ask).content)["sums"] == {"won_amount": 6015, "won_count": 6}
    assert json.loads(rep.get(ask).content)["sums"] == {"won_amount": 1003, "won_count": 1}
    assert "Deal of Fay" not in rep.get("/metrics/deals/?metric=won_amount").content.decode()
    admin = _client(make_user(Role.ADMIN))
    assert admin.get(ask).status_code == 403
    assert Client().get(ask).status_code in {302, 401}
    assert len(json.loads(rep.get("/api/v1/metrics").content)["metrics"]) == len(REGISTRY)


def test_page_and_command_agree(boss: Client, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("figure", "won_amount", "median_won_amount", "--by", "manager", "--json")
    by_command = json.loads(capsys.readouterr().out)
    by_api = json.loads(boss.get("/api/v1/figures?metric=won_amount,median_won_amount&by=manager").content)
    assert by_api["rows"] == by_command["rows"]
    assert by_api["sums"] == by_command["sums"]


def test_the_page_asks_a_constant_number_of_times(
    world: World, boss: Client, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    ask = "/metrics/ask/?by=owner"
    with django_assert_max_num_queries(14) as few:
        boss.get(ask)
    for owner in world.people * 5:
        deal(START, owner=owner)
    with django_assert_max_num_queries(len(few)):
        boss.get(ask)


def test_the_document_says_what_the_registry_says() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs/metrics.md").read_text()
    for metric in REGISTRY.values():
        row = f"| `{metric.name}` | {metric.title} | {metric.formula} | {metric.symbols} | {metric.unit.value.lower()} |"
        assert row in text
