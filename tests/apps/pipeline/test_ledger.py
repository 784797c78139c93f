"""The ledger of the past and its checkpoints give the cells that the versions give, whatever was rewritten and whenever."""

import dataclasses
import datetime as dt
import random
import threading
from contextlib import closing
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from opportunities.domain.deal import PastState
from opportunities.models import Opportunity, OpportunityVersion
from opportunities.selectors.states import past_state_of
from opportunities.services import rewrite_history
from organization.domain.scope import Scope
from organization.models import Company, FiscalPeriod, Person
from organization.selectors import memo
from organization.services import define_calendar, set_manager
from pipeline import checkpoints
from pipeline.domain.trees import Tree
from pipeline.models import RollupCheckpoint, RollupCheckpointCell, RollupLedger
from pipeline.selectors import checkpointed, node_cells
from pipeline.selectors.checkpointed import bases_for, cells_from
from pipeline.selectors.history import past_cells
from pipeline.selectors.invariants import findings
from pipeline.tasks import CHECKPOINTS, order_checkpoints
from salesops.jobs.models import Job
from tests.factories.organization import TEST
from tests.factories.pipeline import START, World, change, change_set, deal, make_world

pytestmark = pytest.mark.django_db
SYSTEM = Scope.system("test")
FAR = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
LATER = START + dt.timedelta(days=300)
DUE = len(checkpoints.points(START, LATER, dt.UTC))
CATEGORIES = ["COMMIT", "UPSIDE", "PIPELINE", "OMITTED"]


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is read for small nodes too."""
    monkeypatch.setattr(checkpointed, "MANY", 0)


def _fields(rng: random.Random, world: World) -> dict[str, Any]:
    status = rng.choice(["OPEN", "OPEN", "OPEN", "WON", "LOST"])
    return {
        "owner_id": rng.choice([None, *(p.pk for p in world.people)]),
        "territory_id": rng.choice([None, *(t.pk for t in world.territories)]),
        "product_id": rng.choice([None, *(p.pk for p in world.products)]),
        "status": status,
        "category": rng.choice(CATEGORIES) if status == "OPEN" else status,
        "amount": rng.choice([None, Decimal(rng.randint(-500, 90_000)) / 100, Decimal("0.0001")]),
        "currency_id": rng.choice(["USD", "EUR"]),
        "probability": rng.choice([None, Decimal(rng.randint(0, 10_000)) / 100]),
        "close_date": rng.choice([None, dt.date(2026, 1, 1) + dt.timedelta(rng.randint(0, 500))]),
        "is_deleted": rng.random() < 0.1,
    }


def _rewrite(rng: random.Random, deal_id: int) -> None:
    """Other beginnings, some states fewer, or everything taken back."""
    known = OpportunityVersion.objects.filter(opportunity_id=deal_id, superseded_at=FAR).order_by(
        "valid_from", "seq"
    )
    states = [past_state_of(version) for version in known]
    kept = [state for state in states if rng.random() < 0.7]
    begin = START - dt.timedelta(days=rng.randint(0, 200))
    moved = [
        PastState(valid_from=begin + (state.valid_from - START) / 2, state=state.state, origin="DERIVED")
        for state in kept
    ]
    rewrite_history(
        change_set_id=change_set().pk, histories={deal_id: sorted(moved, key=lambda s: s.valid_from)}
    )


def _months() -> list[int]:
    return list(FiscalPeriod.objects.filter(kind="MONTH").values_list("id", flat=True))


def _compare(world: World, instants: list[dt.datetime], scope: Scope = SYSTEM) -> int:
    """Both ways give the same cells at every node; returns how many cells were compared."""
    nodes = {
        Tree.PEOPLE: world.people, Tree.OWN: world.people, Tree.TERRITORY: world.territories,
        Tree.TERRITORY_OWN: world.territories, Tree.FAMILY: world.families, Tree.FAMILY_OWN: world.families,
    }  # fmt: skip
    months, compared = _months(), 0
    for tree, members in nodes.items():
        of_people = tree in {Tree.PEOPLE, Tree.OWN}
        if not (scope.everything or scope.won_only_everywhere or of_people):
            assert bases_for(scope, tree, [members[0].pk], months, instants) is None
            continue
        ids = [0, *(member.pk for member in members)]
        for when in (instants, [instants[-1]]):
            for organization in ("THEN", "TODAY"):
                bases = bases_for(scope, tree, ids, months, when)
                assert bases is not None
                ours = cells_from(bases, scope, tree, ids, months, when, organization)
                theirs = past_cells(scope, tree, ids, months, when, organization)
                if scope.won_only_everywhere and not of_people:  # of these nodes nobody is shown more
                    theirs = {at: [c for c in cells if c.category == "WON"] for at, cells in theirs.items()}
                assert ours == theirs, (tree, organization)
                compared += sum(len(cells) for cells in theirs.values())
    return compared


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.usefixtures("always")
def test_both_ways_give_the_same_past(world: World, seed: int) -> None:
    rng, now, ids = random.Random(seed), START - dt.timedelta(days=150), []
    for step in range(60):
        now += dt.timedelta(hours=rng.randint(0, 200))
        if not ids or rng.random() < 0.4:
            ids.append(deal(now, **_fields(rng, world)).pk)
        elif rng.random() < 0.3:
            _rewrite(rng, rng.choice(ids))
        else:
            chosen = rng.choice(ids)
            change(chosen, max(now, Opportunity.objects.get(pk=chosen).changed_at), **_fields(rng, world))
        if rng.random() < 0.1:
            checkpoints.refresh(now=now)
        if step % 20 == 10:
            move = world.people[rng.randint(3, 5)], world.people[rng.randint(1, 2)]
            set_manager(person_id=move[0].pk, manager_id=move[1].pk, from_date=now.date(), scope=TEST)
    assert RollupCheckpoint.objects.count() > 2
    first = RollupCheckpoint.objects.earliest("at").at
    some = sorted(first + (now - first) * rng.random() for _ in range(4))
    exact = list(RollupLedger.objects.filter(at__gte=first).values_list("at", flat=True).order_by("at"))
    instants = sorted(
        {*some, *rng.sample(exact, 2), *RollupCheckpoint.objects.values_list("at", flat=True)[:1]}
    )
    for chosen in ids[:8]:  # written late: before the checkpoints, after their watermark
        _rewrite(rng, chosen)
    assert _compare(world, instants) > 50
    part = frozenset({world.people[1].pk, world.people[3].pk})
    assert _compare(world, instants, Scope(person_ids=part)) > 10
    assert _compare(world, instants, Scope(person_ids=part, won_only_everywhere=True)) > 10
    checkpoints.refresh(now=now)
    assert not RollupCheckpoint.objects.filter(watermark__lt=RollupLedger.objects.latest("id").pk).exists()
    _compare(world, instants)
    assert [f.broken for f in findings({"ledger", "checkpoints"}) if not f.holds] == []


@pytest.mark.usefixtures("always")
def test_a_late_change_counts_before_the_checkpoint_is_brought_up(world: World) -> None:
    row = deal(START, owner=world.people[3], close_date=dt.date(2026, 6, 5))
    assert checkpoints.refresh(now=LATER).built == DUE
    known = past_state_of(OpportunityVersion.objects.get(opportunity_id=row.pk))
    state = dataclasses.replace(known.state, amount=Decimal("250.0000"))
    early = PastState(valid_from=START - dt.timedelta(days=20), state=state)
    rewrite_history(change_set_id=change_set().pk, histories={row.pk: [early]})
    at, boss = START + dt.timedelta(days=40), world.people[0].pk
    for _ in range(2):
        bases = bases_for(SYSTEM, Tree.PEOPLE, [boss], _months(), [at])
        assert bases is not None
        assert bases[0].at > early.valid_from
        cells = node_cells(SYSTEM, tree=Tree.PEOPLE, node_ids=[boss], month_ids=_months(), at=at)
        assert [(c.deals, c.amount) for c in cells] == [(1, 250)]
        checkpoints.refresh(now=LATER)


@pytest.mark.usefixtures("always")
def test_the_checkpoints_of_all_instants_are_chosen_in_one_query(world: World) -> None:
    deal(START, owner=world.people[3], close_date=dt.date(2026, 6, 5))
    checkpoints.refresh(now=LATER)
    instants = [START + dt.timedelta(days=days) for days in (40, 100, 290)]
    boss, months = world.people[0].pk, _months()
    with memo.held(), CaptureQueriesContext(connection) as queries:
        chosen = [
            bases_for(SYSTEM, tree, [boss], months, [at])
            for at in instants
            for tree in (Tree.PEOPLE, Tree.TERRITORY)
        ]
    before = [RollupCheckpoint.objects.filter(at__lte=at).latest("at").pk for at in instants]
    assert [bases and bases[0].id for bases in chosen] == [pk for pk in before for _ in range(2)]
    assert len(set(before)) == 3
    assert sum("pipeline_rollupcheckpoint" in query["sql"] for query in queries) == 1


@pytest.mark.usefixtures("always")
def test_a_checkpoint_that_changes_between_choice_and_reading_is_not_used(world: World) -> None:
    row = deal(START, owner=world.people[3], close_date=dt.date(2026, 6, 5))
    checkpoints.refresh(now=LATER)
    at, boss = START + dt.timedelta(days=40), world.people[0].pk
    bases = bases_for(SYSTEM, Tree.PEOPLE, [boss], _months(), [at])
    assert bases is not None
    change(row.pk, START + dt.timedelta(days=1), amount=7)
    checkpoints.refresh(now=LATER)
    assert cells_from(bases, SYSTEM, Tree.PEOPLE, [boss], _months(), [at], "THEN") is None


def test_checkpoints_stand_at_every_day_of_late_then_mondays_then_firsts_of_months() -> None:
    def days(first: dt.date, last: dt.date) -> list[int]:
        return [at.day for at in found if first <= at.date() <= last]

    now = dt.datetime(2026, 11, 30, 16, tzinfo=dt.UTC)
    found = checkpoints.points(dt.datetime(2026, 3, 5, tzinfo=dt.UTC), now, dt.UTC)
    assert days(dt.date(2026, 11, 1), dt.date(2026, 12, 31)) == list(range(1, 31))
    assert days(dt.date(2026, 10, 1), dt.date(2026, 10, 8)) == [1, 5, 6, 7, 8]  # 6 October is 55 days ago
    assert days(dt.date(2026, 9, 1), dt.date(2026, 9, 30)) == [1, 7, 14, 21, 28]
    assert days(dt.date(2026, 3, 1), dt.date(2026, 5, 31)) == [1, 1]


@pytest.mark.usefixtures("always")
def test_another_calendar_and_other_days_drop_the_checkpoints(world: World) -> None:
    deal(START, owner=world.people[3], close_date=dt.date(2026, 6, 5))
    checkpoints.refresh(now=LATER)
    other = define_calendar(kind="W445", start_month=7, name="Weeks", first_year=2025, last_year=2028)
    assert RollupCheckpoint.objects.count() == DUE
    Company.objects.update(calendar_id=other)
    assert bases_for(SYSTEM, Tree.PEOPLE, [world.people[0].pk], _months(), [LATER]) is None
    checkpoints.refresh(now=LATER)
    assert set(RollupCheckpoint.objects.values_list("calendar_id", flat=True)) == {other}
    assert _compare(world, [LATER]) > 0
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE organization_fiscalday SET month_id = month_id WHERE calendar_id = %s", [other]
        )
    assert not RollupCheckpoint.objects.exists()
    checkpoints.refresh(now=LATER)
    assert set(RollupCheckpointCell.objects.values_list("checkpoint_id", flat=True)) == set(
        RollupCheckpoint.objects.values_list("id", flat=True)
    )


def test_the_ledger_is_append_only_and_nothing_of_no_length_counts(world: World) -> None:
    row = deal(START, owner=world.people[3])
    change(row.pk, START, amount=5)
    assert sum(RollupLedger.objects.values_list("deals", flat=True)) == 1
    assert sum(RollupLedger.objects.values_list("amount", flat=True)) == 5
    for broken in ("UPDATE pipeline_rollupledger SET amount = 1", "DELETE FROM pipeline_rollupledger"):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(broken)


def test_checkpoints_are_ordered_as_a_job() -> None:
    order_checkpoints()
    order_checkpoints()
    assert Job.objects.filter(kind=CHECKPOINTS).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_watermark_waits_for_whoever_drew_a_lower_id() -> None:
    """A change drawn early and committed late is in the checkpoint or after its watermark, never lost between."""
    world = make_world()
    rows = [deal(START, owner=world.people[3], close_date=dt.date(2026, 6, 5)) for _ in range(2)]
    sql = """UPDATE opportunities_opportunity SET version = 2, amount = %s, changed_at = %s WHERE id = %s"""
    parameters = connection.get_connection_params()
    wanted = {k: v for k, v in parameters.items() if k in {"dbname", "user", "password", "host", "port"}}
    at = START + dt.timedelta(days=1)
    with closing(psycopg2.connect(**wanted)) as slow:
        with slow.cursor() as cursor:
            cursor.execute(sql, [7, at, rows[0].pk])
        drawn = RollupLedger.objects.latest("id").pk
        change(rows[1].pk, at, amount=9)  # a higher id, committed first
        assert RollupLedger.objects.latest("id").pk > drawn + 2
        assert checkpoints.safe_mark(0.2) is None
        assert checkpoints.refresh(now=LATER, wait_seconds=0.2).complete is False
        assert not RollupCheckpoint.objects.exists()
        threading.Timer(0.4, slow.commit).start()
        assert checkpoints.refresh(now=LATER, wait_seconds=20).built == DUE
    person = Person.objects.get(pk=world.people[3].pk)
    months = _months()
    bases = bases_for(SYSTEM, Tree.TERRITORY, [0], months, [LATER])
    assert bases is not None
    found = cells_from(bases, SYSTEM, Tree.PEOPLE, [person.pk], months, [LATER], "THEN")
    assert found is not None
    assert [(c.deals, c.amount) for c in found[LATER]] == [(2, 16)]
    assert [f.broken for f in findings({"ledger", "checkpoints"}) if not f.holds] == []


def test_days_and_mondays_of_long_ago_are_dropped_and_months_stay(world: World) -> None:
    deal(START, owner=world.people[3], close_date=dt.date(2026, 6, 5))
    first, later = START + dt.timedelta(days=60), START + dt.timedelta(days=420)
    assert checkpoints.refresh(now=first).built == len(checkpoints.points(START, first, dt.UTC)) == 57
    checkpoints.refresh(now=later)
    days = [at for at in RollupCheckpoint.objects.values_list("at", flat=True) if at.day != 1]
    assert min(days) > START + dt.timedelta(days=420 - 7 * checkpoints.WEEKS)
    assert all(at.weekday() == 0 for at in days if (later - at).days >= checkpoints.DAYS)
    assert dt.datetime(2026, 4, 1, tzinfo=dt.UTC) in RollupCheckpoint.objects.values_list("at", flat=True)
    assert [f.broken for f in findings({"ledger", "checkpoints"}) if not f.holds] == []
