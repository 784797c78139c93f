"""Figures equal what Python adds up deal by deal, and refuse what cannot be answered, saying what could."""

import datetime as dt
import io
import json
import random
import statistics
from collections import defaultdict
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from organization.domain.roles import Role
from organization.domain.scope import Scope
from organization.models import FiscalPeriod, Person
from organization.services import set_manager
from pipeline.domain.figures import FigureError, FigureQuery, Filter, PeriodOf
from pipeline.domain.metrics import REGISTRY, metric_named
from pipeline.domain.trees import Tree
from pipeline.selectors import DIMENSIONS, figures, instant_named, node_cells, span_named
from territories.models import Quota
from tests.factories.organization import TEST, make_user
from tests.factories.pipeline import START, World, change, deal, make_world, managers, states, up

pytestmark = pytest.mark.django_db
SYSTEM = Scope.system("test")
CENT = Decimal("0.01")
TODAY = dt.datetime.now(dt.UTC).date()
RATES = {"EUR": (Fraction("1.10"), Fraction("1.20"))}


@pytest.fixture
def world() -> World:
    return make_world()


def _exactly(number: Fraction | None) -> Decimal | None:
    return None if number is None else Decimal(number.numerator) / Decimal(number.denominator)


def _rounded(number: Fraction | None, digits: int = 2) -> Decimal | None:
    if number is None:
        return None
    scaled = number * 10**digits
    whole = abs(scaled.numerator) * 2 // scaled.denominator
    halves = (whole + 1) // 2
    return Decimal(halves if scaled >= 0 else -halves).scaleb(-digits)


def _corporate(row: Any, amount: Decimal | None, day: dt.date) -> Fraction | None:
    """US dollars; euros at 1.10, from June 2026 on at 1.20 (the factories' rates): by the first day of the month of
    close, or by the day asked for where that month has not begun.
    """
    if amount is None:
        return None
    if row.currency_id == "USD":
        return Fraction(amount)
    month = min(row.close_date.replace(day=1), day) if row.close_date else day
    return Fraction(amount) * RATES["EUR"][month >= dt.date(2026, 6, 1)]


def _oracle(rows: list[Any], day: dt.date = TODAY) -> dict[str, Decimal | None]:
    """Metrics of some deals, from the definitions alone."""
    won, lost, opened = ([r for r in rows if r.status == status] for status in ("WON", "LOST", "OPEN"))
    money = lambda some: sum((_corporate(r, r.amount, day) or Fraction(0) for r in some), Fraction(0))  # noqa: E731
    priced = [_corporate(r, r.amount, day) for r in won if r.amount is not None]
    days = [(r.close_date - r.started_on).days for r in won if r.close_date and r.started_on]
    closed = len(won) + len(lost)
    weighted = sum(
        ((_corporate(r, r.amount, day) or Fraction(0)) * Fraction(r.probability or 0) / 100 for r in opened),
        Fraction(0),
    )
    velocity = None
    if closed and priced and sum(days):
        rate, mean = Fraction(len(won), closed), sum(priced) / len(priced)
        velocity = len(opened) * rate * mean / (Fraction(sum(days)) / len(days))
    return {
        "deal_count": Decimal(len(rows)),
        "won_count": Decimal(len(won)),
        "open_count": Decimal(len(opened)),
        "unpriced_count": Decimal(sum(r.amount is None for r in rows)),
        "won_amount": _exactly(money(won)),
        "lost_amount": _exactly(money(lost)),
        "open_amount": _exactly(money(opened)),
        "weighted_amount": _exactly(weighted),
        "list_amount": _exactly(
            sum((_corporate(r, r.list_amount, day) or Fraction(0) for r in rows), Fraction(0))
        ),
        "win_rate": _rounded(Fraction(100 * len(won), closed) if closed else None),
        "win_rate_value": _rounded(100 * money(won) / money(won + lost) if money(won + lost) else None),
        "conversion": _rounded(Fraction(100 * len(won), len(rows)) if rows else None),
        "mean_won_amount": _rounded(sum(priced) / len(priced) if priced else None),
        "median_won_amount": _exactly(statistics.median(priced) if priced else None),
        "cycle_days_won_mean": _rounded(Fraction(sum(days), len(days)) if days else None),
        "cycle_days_won_median": _rounded(Fraction(statistics.median(days)) if days else None),
        "velocity": _rounded(velocity),
        "commit_forecast": _exactly(money([r for r in rows if r.category in {"WON", "COMMIT"}])),
    }


ASKED = tuple(_oracle([]))


def _check(
    rows: list[Any], by: tuple[str, ...], keys: Callable[[Any], list[tuple[Any, ...]]], **question: Any
) -> None:
    table = figures(SYSTEM, FigureQuery(ASKED, by=by, **question))
    day = question["at"].date() if question.get("at") else TODAY
    grouped = defaultdict(list)
    for row in rows:
        for key in keys(row):
            grouped[key].append(row)
    assert dict(table.sums) == _oracle(rows, day)
    assert {row.labels: dict(row.values) for row in table.rows} == {
        k: _oracle(v, day) for k, v in grouped.items()
    }


def _fields(rng: random.Random, world: World) -> dict[str, Any]:
    status = rng.choice(["OPEN", "WON", "WON", "LOST"])
    close = rng.choice([None, dt.date(2026, 1, 10) + dt.timedelta(rng.randint(0, 400))])
    return {
        "owner_id": rng.choice([None, *(p.pk for p in world.people)]),
        "territory_id": rng.choice([None, *(t.pk for t in world.territories)]),
        "product_id": rng.choice([None, *(p.pk for p in world.products)]),
        "status": status,
        "category": rng.choice(["COMMIT", "UPSIDE", "PIPELINE", "OMITTED"]) if status == "OPEN" else status,
        "amount": rng.choice([None, Decimal(rng.randint(-500, 90_000)) / 100, Decimal("33.3333")]),
        "list_amount": rng.choice([None, Decimal(500)]),
        "currency_id": rng.choice(["USD", "EUR"]),
        "probability": rng.choice([None, Decimal(rng.randint(0, 10_000)) / 100]),
        "close_date": close,
        "started_on": rng.choice([None, dt.date(2026, 1, 1) - dt.timedelta(rng.randint(0, 60))]),
        "lead_source": rng.choice(["", "Web", "Fair"]),
    }


def _quarter(row: Any) -> str | None:
    return None if row.close_date is None else _quarter_of(row.close_date)


@cache
def _quarter_of(day: dt.date) -> str:
    """The calendar of this file's companies is always the same."""
    return FiscalPeriod.objects.get(kind="QUARTER", from_date__lte=day, to_date__gt=day).name


@settings(
    max_examples=6, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(seed=st.integers(0, 2**32))
def test_figures_equal_a_brute_force_oracle_now_and_in_the_past(world: World, seed: int) -> None:
    rng = random.Random(seed)
    with transaction.atomic():
        now, ids, instants = START, [], []
        for _ in range(rng.randint(1, 30)):
            now += dt.timedelta(hours=rng.randint(1, 100))
            if ids and rng.random() < 0.5:
                change(rng.choice(ids), now, **_fields(rng, world))
            else:
                ids.append(deal(now, **_fields(rng, world)).pk)
            instants.append(now)
        names = {p.pk: p.name for p in world.people}
        for at in (None, rng.choice(instants)):
            rows, parents = states(at), managers(at.date() if at else TODAY)
            bosses = set(parents.values())
            _check(rows, ("owner",), lambda r: [(names.get(r.owner_id),)], at=at)
            _check(rows, ("close_quarter",), lambda r: [(_quarter(r),)], at=at)
            _check(
                rows, ("team",),
                lambda r, up_from=parents, heads=bosses: [
                    (names[b],) for b in up(up_from, r.owner_id) if b in heads
                ],
                at=at,
            )  # fmt: skip
            kept = [r for r in rows if r.lead_source != "Web" and r.currency_id == "EUR"]
            where = (Filter("lead_source", ("web",), negated=True), Filter("currency", ("eur",)))
            _check(
                kept,
                ("status", "category"),
                lambda r: [(r.status.title(), r.category.title())],
                where=where,
                at=at,
            )
        transaction.set_rollback(True)


def test_roll_ups_and_figures_agree(world: World) -> None:
    rng = random.Random(5)
    for n in range(60):
        deal(START + dt.timedelta(hours=n), **{**_fields(rng, world), "currency_id": "USD"})
    for at in (None, START + dt.timedelta(hours=30)):
        for person in world.people:
            cells = node_cells(SYSTEM, tree=Tree.PEOPLE, node_ids=[person.pk], at=at)
            asked = FigureQuery(
                ("amount", "deal_count", "unpriced_count"),
                where=(Filter("manager_subtree", (person.name,)),),
                at=at,
            )
            sums = figures(SYSTEM, asked).sums
            assert sum(c.amount for c in cells) == sums["amount"]
            assert (sum(c.deals for c in cells), sum(c.unpriced for c in cells)) == (
                sums["deal_count"],
                sums["unpriced_count"],
            )


def test_the_past_is_told_by_the_managers_of_that_time(world: World) -> None:
    _, left, right, dee, *_ = world.people
    won = deal(START, owner=dee, status="WON", category="WON")
    set_manager(person_id=dee.pk, manager_id=right.pk, from_date=dt.date(2026, 6, 1), scope=TEST)
    change(won.pk, START + dt.timedelta(days=1), amount=Decimal(7))
    at = instant_named("2026-03-01")
    asked = FigureQuery(("won_amount",), by=("manager",))
    labels = lambda **q: {r.labels[0]: r.values["won_amount"] for r in figures(SYSTEM, FigureQuery(**q)).rows}  # noqa: E731
    assert labels(metrics=asked.metrics, by=asked.by) == {right.name: 7}
    assert labels(metrics=asked.metrics, by=asked.by, at=at) == {left.name: 100}
    assert labels(metrics=asked.metrics, by=asked.by, at=at, organization="TODAY") == {right.name: 100}


def test_periods_and_instants_are_read_as_people_write_them(world: World) -> None:
    span = span_named("FY27-Q1")
    assert span
    assert (span.from_date, span.to_date) == (dt.date(2026, 2, 1), dt.date(2026, 5, 1))
    for text, first, after in (
        ("2017Q1", (2017, 1, 1), (2017, 4, 1)),
        ("2017-q4", (2017, 10, 1), (2018, 1, 1)),
        ("2017-12", (2017, 12, 1), (2018, 1, 1)),
        ("2017", (2017, 1, 1), (2018, 1, 1)),
        ("2017-12-31", (2017, 12, 31), (2018, 1, 1)),
        ("2017-01..2017Q2", (2017, 1, 1), (2017, 7, 1)),
    ):
        found = span_named(text)
        assert found
        assert (found.from_date, found.to_date) == (dt.date(*first), dt.date(*after)), text
    assert instant_named("2017-03-31") == dt.datetime(2017, 3, 31, 23, 59, 59, 999999, dt.UTC)
    for wrong in ("FY99-Q9", "2017-13", "2017-02-30", "2017Q2..2017Q1"):
        with pytest.raises(FigureError):
            span_named(wrong)
    with pytest.raises(FigureError, match="no instant"):
        instant_named("yesterday")


def test_every_dimension_groups_and_filters_now_and_then(world: World) -> None:
    for n in range(4):
        deal(START, owner=world.people[n], territory=world.territories[n % 4], product=world.products[n % 3],
             close_date=dt.date(2026, 5, n + 1), started_on=dt.date(2026, 1, 1), lead_source="Web")  # fmt: skip
    for at in (None, START + dt.timedelta(days=1)):
        for name, dimension in DIMENSIONS.items():
            table = figures(SYSTEM, FigureQuery(("deal_count", "median_won_amount"), by=(name,), at=at))
            if not dimension.overlaps:
                assert sum(row.values["deal_count"] or 0 for row in table.rows) == 4, name
            for row in table.rows:
                where = (Filter(name, (row.labels[0] or "",)),)
                again = figures(SYSTEM, FigureQuery(("deal_count",), where=where, at=at))
                assert again.sums["deal_count"] == row.values["deal_count"], (name, row.labels)


def _quota(person: Person, name: str, amount: int) -> None:
    Quota.objects.create(
        person=person,
        period=FiscalPeriod.objects.get(name=name),
        amount=amount,
        currency_id="USD",
        recorded_at=START,
    )


def test_quota_attainment_gap_and_coverage(world: World) -> None:
    boss, left, right, dee, eli, fay = world.people
    for person, amount in ((dee, 1000), (eli, 3000), (fay, 500), (left, 5000)):
        _quota(person, "FY27-Q1", amount)
    day = dt.date(2026, 3, 20)
    deal(START, owner=dee, amount=250, status="WON", category="WON", close_date=day)
    deal(START, owner=dee, amount=300, category="COMMIT", close_date=day)
    deal(START, owner=dee, amount=450, category="PIPELINE", close_date=day)
    deal(START, owner=fay, amount=900, status="WON", category="WON", close_date=day)
    asked = ("quota", "attainment", "gap_to_quota", "gap", "coverage_quota", "coverage_remaining")
    by_owner = figures(SYSTEM, FigureQuery(asked, by=("owner",), period="FY27-Q1"))
    rows = {r.labels[0]: list(r.values.values()) for r in by_owner.rows}
    assert rows[dee.name] == [1000, 25, 750, 450, Decimal("0.75"), 1]
    assert rows[eli.name] == [3000, 0, 3000, 3000, 0, 0]
    assert rows[fay.name] == [500, 180, -400, -400, 0, None]
    assert list(by_owner.sums.values())[:3] == [5500, Decimal("20.91"), 4350]
    teams = figures(SYSTEM, FigureQuery(("quota", "won_amount"), by=("team",), period="FY27-Q1"))
    assert {r.labels[0]: tuple(r.values.values()) for r in teams.rows} == {
        boss.name: (5500, 1150),
        left.name: (5000, 250),
        right.name: (500, 900),
    }
    quarters = figures(SYSTEM, FigureQuery(("quota", "won_amount"), by=("close_quarter",), period="FY27"))
    assert [(r.labels, tuple(r.values.values())) for r in quarters.rows] == [(("FY27-Q1",), (5500, 1150))]
    assert quarters.sums["quota"] == 5500
    mine = figures(SYSTEM, FigureQuery(("quota",), period="FY27-Q1", where=(Filter("team", (left.name,)),)))
    assert mine.sums["quota"] == 5000
    with pytest.raises(FigureError, match="not to a stage"):
        figures(SYSTEM, FigureQuery(("attainment",), by=("stage",), period="FY27-Q1"))
    with pytest.raises(FigureError, match="fiscal period"):
        figures(SYSTEM, FigureQuery(("attainment",)))


def test_a_viewer_gets_the_figures_of_the_own_deals(world: World) -> None:
    boss, left, _, dee, eli, fay = world.people
    for owner, status in ((dee, "OPEN"), (eli, "WON"), (fay, "WON"), (fay, "OPEN")):
        deal(START, owner=owner, status=status, category="COMMIT" if status == "OPEN" else "WON")
    manager = Scope(person_id=left.pk, person_ids=frozenset({left.pk, dee.pk, eli.pk}))
    asked = FigureQuery(("deal_count",), by=("team",))
    assert {r.labels[0]: r.values["deal_count"] for r in figures(manager, asked).rows} == {left.name: 2}
    assert figures(manager, FigureQuery(("deal_count",))).sums["deal_count"] == 2
    assert figures(Scope(won_only_everywhere=True), FigureQuery(("won_count",))).sums["won_count"] == 2
    assert figures(Scope(), FigureQuery(("deal_count",), at=START)).sums["deal_count"] == 0


def test_the_number_of_statements_does_not_grow(world: World, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    asked = FigureQuery(("won_amount", "median_won_amount", "win_rate"), by=("owner", "close_month"))
    deal(START, owner=world.people[0], status="WON", category="WON", close_date=dt.date(2026, 5, 1))
    with django_assert_num_queries(8):
        figures(SYSTEM, asked)
    for n in range(30):
        day = dt.date(2026, 1 + n % 12, 1)
        deal(
            START, owner=world.people[n % 6], status="WON", category="WON", close_date=day, currency_id="EUR"
        )
    with django_assert_num_queries(8):
        figures(SYSTEM, asked)


def test_refusals_name_the_remedy(world: World) -> None:
    deal(START, currency_id="USD")
    for query, told in (
        (FigureQuery(("win_rat",)), "win_rate"),
        (FigureQuery(()), "at least one metric"),
        (FigureQuery(("won_count",), by=("regon",)), "region"),
        (FigureQuery(("won_count",), where=(Filter("region", ("Nort",)),)), "North"),
        (FigureQuery(("won_count",), sort="lost_count"), "ask for it as well"),
    ):
        with pytest.raises(FigureError, match=told):
            figures(SYSTEM, query)


def test_one_foreign_currency_without_rate_is_shown_as_it_is(world: World) -> None:
    from organization.models import Currency

    Currency.objects.get_or_create(code="CHF", defaults={"name": "Swiss franc"})
    deal(START, currency_id="CHF", amount=Decimal("12.50"))
    table = figures(SYSTEM, FigureQuery(("amount",)))
    assert (table.currency, table.sums["amount"]) == ("CHF", Decimal("12.50"))
    deal(START, currency_id="EUR")
    with pytest.raises(FigureError, match="No exchange rate is recorded for CHF"):
        figures(SYSTEM, FigureQuery(("amount",)))
    assert figures(SYSTEM, FigureQuery(("deal_count",))).sums["deal_count"] == 2
    in_euro = figures(SYSTEM, FigureQuery(("amount",), where=(Filter("currency", ("EUR",)),), currency="EUR"))
    assert in_euro.sums["amount"] == 100


def test_the_command_prints_tables_and_exact_json(world: World) -> None:
    deal(START, owner=world.people[3], status="WON", category="WON", amount=Decimal("1234567.8901"),
         close_date=dt.date(2026, 3, 31))  # fmt: skip
    out = io.StringIO()
    call_command("figure", "won_count", "won_amount", "win_rate", "--by", "owner", stdout=out)
    assert "Dee" in out.getvalue()
    assert "1,234,567.89" in out.getvalue()
    out = io.StringIO()
    call_command(
        "figure",
        "won_amount",
        "--by",
        "owner",
        "--period",
        "FY27-Q1",
        "--where",
        "status=won",
        "--json",
        stdout=out,
    )
    assert '"won_amount": 1234567.8901' in out.getvalue()
    data = json.loads(out.getvalue(), parse_float=Decimal)
    assert data["rows"] == [{"owner": "Dee", "won_amount": Decimal("1234567.8901")}]
    assert data["metrics"][0]["formula"] == REGISTRY["won_amount"].formula
    user = make_user(Role.REP, person=world.people[4])
    out = io.StringIO()
    call_command("figure", "deal_count", "--as", user.email, "--json", stdout=out)
    assert json.loads(out.getvalue())["sums"] == {"deal_count": 0}
    with pytest.raises(CommandError) as refused:
        call_command("figure", "nonsense")
    assert refused.value.returncode == 1
    out = io.StringIO()
    call_command("figure", "--list", stdout=out)
    assert all(name in out.getvalue() for name in (*REGISTRY, *DIMENSIONS))


def test_every_metric_says_what_it_is() -> None:
    for metric in REGISTRY.values():
        assert metric.title
        assert metric.formula.endswith(".")
        assert metric.symbols
    assert metric_named("Win-Rate").name == "win_rate"
    assert REGISTRY["win_rate"].digits == 2
    assert Decimal("2.675").quantize(CENT, ROUND_HALF_UP) == Decimal("2.68")
    assert PeriodOf("close") is PeriodOf.CLOSE
