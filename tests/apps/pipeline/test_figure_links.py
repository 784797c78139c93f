"""Every number of a table of figures opens its deals: the drawer tells the same number again, whatever is grouped by."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from opportunities.models import Product
from organization.domain.roles import Role
from organization.models import Currency, Person, Territory, User
from organization.services import record_rates
from pipeline.domain.aggregates import Measure
from pipeline.domain.metrics import REGISTRY, Metric
from pipeline.selectors import DIMENSIONS
from territories.models import Quota
from tests.factories.opportunities import make_account
from tests.factories.organization import make_user, period, signed_in
from tests.factories.pipeline import START, World, deal, make_world

pytestmark = pytest.mark.django_db
STATES = (
    ("WON", "WON", 1000),
    ("LOST", "LOST", 300),
    ("OPEN", "COMMIT", 70),
    ("OPEN", "UPSIDE", 31),
    ("OPEN", "PIPELINE", 5),
)
DAYS = (dt.date(2026, 2, 20), dt.date(2026, 4, 20), dt.date(2026, 6, 20))
QUOTA_METRICS = [metric.name for metric in REGISTRY.values() if metric.wants_quota]
QUOTA_GROUPS = ("owner", "manager", "manager_subtree", "close_year", "close_quarter", "close_month")


@pytest.fixture
def world() -> World:
    """Everybody has a deal of each state, in one of two quarters and currencies; everybody has a quota."""
    world = make_world()
    for number, owner in enumerate(world.people):
        for place, (status, category, amount) in enumerate(STATES):
            deal(
                START, owner=owner, status=status, category=category, amount=Decimal(amount + number),
                currency_id=("USD", "EUR")[(number + place) % 2], list_amount=Decimal(2000), lead_source="Fair",
                close_date=DAYS[(number + place) % 3], started_on=dt.date(2026, 2, 2 + number),
                territory=world.territories[number % 4], product=world.products[number % 3],
            )  # fmt: skip
        for name in ("FY27", "FY27-Q1", "FY27-Q2", "FY27-M01", "FY27-M03", "FY27-M05"):
            Quota.objects.create(
                person=owner, period=period(name), amount=9_000 + number, currency_id="USD", recorded_at=START
            )
    return world


def _executive() -> Client:
    return signed_in(make_user(Role.EXECUTIVE))


def _counts_deals(metric: Metric) -> bool:
    return [need.measure for need in metric.needs] == [Measure.COUNT]


def _follow(client: Client, page: Any, row: int | None) -> int:
    """Press the numbers of a row (None: of the last line, of all deals); returns how many there were to press."""
    cells = page.context["sums"] if row is None else page.context["rows"][row]["cells"]
    pressed = 0
    for metric, cell in zip(page.context["columns"], cells, strict=True):
        if not cell["href"]:
            assert cell["text"] == "—" or metric.name == "quota", metric.name
            continue
        drawer = client.get(cell["href"])
        assert drawer.status_code == 200, f"{cell['href']}: {drawer.content.decode()}"
        assert drawer.context["value"] == cell["text"], cell["href"]
        if _counts_deals(metric):
            assert drawer.context["value"] == str(drawer.context["count"]), cell["href"]
        pressed += 1
    return pressed


@pytest.mark.parametrize("name", DIMENSIONS)
def test_every_number_of_every_grouping_opens_its_deals(world: World, name: str) -> None:
    """Of each grouping a row; each grouping has other metrics, so that every metric has several groupings."""
    metrics = [m for m in REGISTRY if m not in QUOTA_METRICS][list(DIMENSIONS).index(name) % 5 :: 5]
    client = _executive()
    page = client.get("/metrics/ask/", {"metric": metrics, "by": name, "period": "FY27-Q1"})
    assert page.status_code == 200
    assert _follow(client, page, len(page.context["rows"]) // 2) > len(metrics) / 2


@pytest.mark.parametrize("period_name", ["FY27-Q1", "FY27", ""])
@pytest.mark.parametrize(
    "by", [(), *((name,) for name in QUOTA_GROUPS), ("owner", "close_quarter"), ("close_year", "close_month")]
)
def test_every_number_compared_with_a_quota_opens_its_deals(
    world: World, by: tuple[str, ...], period_name: str
) -> None:
    client = _executive()
    page = client.get("/metrics/ask/", {"metric": QUOTA_METRICS, "by": by, "period": period_name})
    if page.status_code == 400:
        assert not period_name
        assert not any(name.startswith("close") for name in by)
        return
    rows = {0, len(page.context["rows"]) - 1} if by else set()
    pressed = sum(_follow(client, page, row) for row in rows) + _follow(client, page, None)
    assert pressed >= len(QUOTA_METRICS) - 1


@pytest.mark.parametrize(
    ("where", "by"),
    [
        (["owner=Dee", "owner=Eli"], "owner"),
        (["manager_subtree=Ben"], "manager_subtree"),
        (["manager_subtree=Ben"], "owner"),
        (["territory_subtree=North"], "territory_subtree"),
        (["close_quarter=FY27-Q1"], "close_month"),
        (["status!=lost"], "status"),
        (["close_quarter="], "owner"),
    ],
)
def test_a_group_of_what_is_filtered_already_is_narrower_than_the_filter(
    world: World, where: list[str], by: str
) -> None:
    deal(START, owner=world.people[3], status="WON", category="WON", amount=Decimal(5))
    told = ["won_count", "won_amount", "deal_count"]
    told += ["attainment"] if "close_quarter=FY27-Q1" in where else []
    client = _executive()
    page = client.get("/metrics/ask/", {"metric": told, "by": by, "where": where, "period": ""})
    assert page.status_code == 200, page.context["problem"]
    for row in range(len(page.context["rows"])):
        assert _follow(client, page, row)


@pytest.mark.parametrize("name", DIMENSIONS)
def test_namesakes_are_not_opened_together(world: World, name: str) -> None:
    """Each group opens its own deals, though another one is called the same, also where only the case differs."""
    for model in (Person, Territory, Product):
        model.objects.update(name="Same")
    accounts = [make_account("Same", country=country) for country in ("Chile", "CHILE", "Peru")]
    for number, account in enumerate(accounts):
        deal(
            START,
            owner=world.people[number + 3],
            amount=Decimal(10**number),
            account=account,
            close_date=DAYS[1],
        )
    metrics = ["deal_count", "amount", *(QUOTA_METRICS if name in QUOTA_GROUPS else [])]
    client = _executive()
    page = client.get("/metrics/ask/", {"metric": metrics, "by": name, "period": "FY27-Q1"})
    assert page.status_code == 200, page.context["problem"]
    assert all(_follow(client, page, row) for row in range(len(page.context["rows"])))


def test_a_namesake_seen_by_somebody_else_is_not_opened(world: World) -> None:
    """A key of the address narrows what a name finds, and never widens it."""
    ben, cy = world.people[1:3]
    manager = signed_in(make_user(Role.MANAGER, person=ben))
    ask = {"metric": "deal_count", "group": "owner=Ben", "period": "FY27-Q1"}
    counted = {
        key: manager.get("/metrics/deals/", {**ask, "key": key}).context["count"]
        for key in ("", str(ben.pk), str(cy.pk), "' OR true --")
    }
    assert list(counted.values()) == [counted[""], counted[""], 0, 0]
    assert counted[""] > 0
    assert manager.get("/metrics/deals/", {"metric": "deal_count", "key": str(cy.pk)}).status_code == 400


@pytest.mark.parametrize("role", [Role.EXECUTIVE, Role.FINANCE, Role.MANAGER, Role.REP])
def test_every_role_may_press_an_attainment(world: World, role: Role) -> None:
    login = _login(role, world)
    for by in ("", "owner", "manager", "close_quarter"):
        ask = {"metric": ["attainment", "gap_to_quota", "won_amount"], "by": by, "period": "FY27-Q1"}
        page = signed_in(login).get("/metrics/ask/", ask)
        assert (
            sum(_follow(signed_in(login), page, row) for row in [*range(len(page.context["rows"])), None]) > 1
        )


def _login(role: Role, world: World) -> User:
    person = {Role.MANAGER: world.people[0], Role.REP: world.people[3]}.get(role)
    return make_user(role, person=person)


def test_the_link_keeps_the_instant_however_it_was_written(world: World) -> None:
    """`at` is another word for `as_of`; deals of today would not add up to yesterday's number."""
    then = (timezone.now() - dt.timedelta(days=1)).isoformat(timespec="minutes")
    deal(timezone.now(), owner=world.people[3], status="WON", category="WON", close_date=DAYS[0])
    client = _executive()
    page = client.get("/metrics/ask/", {"metric": "won_count", "period": "FY27-Q1", "at": then})
    assert page.context["sums"][0]["text"] == "4"
    assert _follow(client, page, None) == 1


def test_the_deals_behind_a_sum_of_columns_are_those_of_its_columns(world: World) -> None:
    drawer = _executive().get("/metrics/deals/", {"metric": "gap_after_commit", "period": "FY27"})
    assert {found.category for found in drawer.context["deals"]} == {"WON", "COMMIT"}


def test_the_deals_worth_most_come_first(world: World) -> None:
    """5,000 yen are less than 100 euros, and euros of June are worth more than those of May."""
    Currency.objects.get_or_create(code="CHF", defaults={"name": "Swiss franc"})
    record_rates([("JPY", dt.date(2015, 1, 1), Decimal("0.01"))])
    state = {"owner": world.people[3], "status": "WON", "category": "WON", "deal_type": "Sorted"}
    for name, amount, currency, day in (
        ("Yen", 5000, "JPY", 15), ("Dollars", 115, "USD", 15), ("Euros of May", 100, "EUR", 15),
        ("Euros of June", 100, "EUR", 46), ("Unpriced", None, "USD", 15), ("Francs", 10**6, "CHF", 15),
    ):  # fmt: skip
        closes = dt.date(2026, 5, 1) + dt.timedelta(days=day)
        priced = None if amount is None else Decimal(amount)
        deal(START, name=name, amount=priced, currency_id=currency, close_date=closes, **state)
    ask = {"metric": "won_count", "where": "deal_type=Sorted", "period": "FY27-Q2"}
    for currency, worth in (("USD", "$120.00"), ("JPY", "¥12,000")):
        for at in ("", "2026-07-01"):
            drawer = _executive().get("/metrics/deals/", {**ask, "currency": currency, "as_of": at})
            found = [behind.name for behind in drawer.context["deals"]]
            assert found[:4] == ["Euros of June", "Dollars", "Euros of May", "Yen"], currency
            assert set(found[4:]) == {"Unpriced", "Francs"}, "without a value"
            words = drawer.content.decode().replace("\u00a0", "")
            assert worth in words
            assert {"USD": "€100.00 × 1.2<", "JPY": "$115.00 × 100<"}[currency] in words
            assert {"USD": "1 JPY = 0.01 USD", "JPY": "1 EUR = 120 JPY"}[currency] in words
