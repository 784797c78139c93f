"""Whatever people do one after the other, roll-ups, ledger, past and shares are what plain Python makes of it.

`make model ARGS=20000` tries so many sequences of 50 steps instead of the few of a run of all tests.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from opportunities.domain.deal import Conflict, DealChanged, DealError
from opportunities.domain.splits import REVENUE, Split
from opportunities.models import (
    ImportBatch,
    ImportEffect,
    Opportunity,
    OpportunitySplit,
    Product,
    ProductFamily,
    Stage,
)
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.states import live_versions, past_state_of, state_of
from opportunities.services import change_deal, change_deals, create_deal, remove_deal, set_splits, undo
from organization.models import Company, FiscalPeriod, Person, ReportingLine, Territory
from organization.services import activate_calendar, change_person, define_calendar, set_manager
from organization.services.trail import OrganizationError
from pipeline import checkpoints, rollups
from pipeline.domain.trees import Tree
from pipeline.selectors import checkpointed, node_cells
from tests.factories.crowd import SYSTEM, nodes
from tests.factories.opportunities import make_process
from tests.factories.organization import TEST
from tests.factories.pipeline import World, make_world
from tests.model.oracle import Known, Oracle
from tests.stories.small_imports import deals, imported, undone

RUNS = int(os.environ.get("MODEL_RUNS", "0"))
STEPS = int(os.environ.get("MODEL_STEPS", "50" if RUNS else "12"))
Trees = list[tuple[str, Tree, list[int]]]
PAST = 90
"""Deals begin so many days ago at most."""
OWNERS = ("Dee", "Eli", "Nora New")
place = st.integers(0, 999)
money = st.one_of(st.none(), st.decimals(0, 90_000, places=2), st.just(Decimal("0.0001")))
closing = st.one_of(st.none(), st.dates(dt.date(2026, 1, 1), dt.date(2027, 6, 30)))
WISHES = {
    "amount": money, "owner_id": place, "category": st.sampled_from(["COMMIT", "UPSIDE", "PIPELINE", "OMITTED", "LOST"]),
    "close_date": closing, "currency_id": st.sampled_from(["USD", "EUR"]), "product_id": place, "territory_id": place,
    "stage_id": place, "probability": st.one_of(st.none(), st.decimals(0, 100, places=2)),
}  # fmt: skip
wishes = st.fixed_dictionaries({}, optional=WISHES).filter(len)


class Sequences(RuleBasedStateMachine):
    """One company, in a transaction that is rolled back at the end; each rule is something people do."""

    world: World
    calendars: Sequence[int]
    stages: Sequence[int]

    def __init__(self) -> None:
        super().__init__()
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.oracle = _as_it_is(self.calendars)
        self.acts: list[int] = []
        self.touched: list[int] = []
        self.shares: list[tuple[int, int, frozenset[Split], frozenset[Split]]] = []
        self.imports: list[tuple[int, dict[int, list[Known]], int]] = []

    def teardown(self) -> None:
        checkpointed.MANY = MANY
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    @initialize(seed=st.integers(0, 10_000))
    def begin(self, seed: int) -> None:
        """With a deal of everybody, all folded."""
        self.rng = random.Random(seed)
        for number, person in enumerate(self.world.people):
            values = {
                "name": "Roof", "owner_id": person.pk, "amount": Decimal(100 + number), "close_date": dt.date(2026, 12, 1),
                "territory_id": self.world.territories[number % 4].pk, "product_id": self.world.products[number % 3].pk,
            }  # fmt: skip
            at = timezone.now() - dt.timedelta(days=self.rng.randint(0, PAST))
            self._keep(create_deal(scope=TEST, values=values, at=at))
        rollups.fold()

    # --- What is drawn becomes what is there

    def _one_of(self, rows: Sequence[Any], number: int) -> int | None:
        ids = [None, *(getattr(row, "pk", row) for row in rows)]
        return ids[number % len(ids)]

    def _wanted(self, drawn: dict[str, Any]) -> dict[str, Any]:
        rows = {
            "owner_id": self.world.people, "product_id": self.world.products,
            "territory_id": self.world.territories, "stage_id": self.stages,
        }  # fmt: skip
        return {
            name: self._one_of(rows[name], value) if name in rows else value for name, value in drawn.items()
        }

    def _deal(self, number: int) -> int:
        live = sorted(self.oracle.live())
        return live[number % len(live)]

    def _keep(self, done: DealChanged) -> None:
        if done.change_set_id is not None:
            known = Known(done.deal.changed_at, done.deal.state, done.change_set_id)
            self.oracle.histories.setdefault(done.deal.id, []).append(known)
            self.touched.append(done.deal.id)
            if done.change_set_id not in self.acts:
                self.acts.append(done.change_set_id)

    # --- Deals

    @rule(drawn=wishes, minutes=st.integers(0, PAST * 1440))
    def create(self, drawn: dict[str, Any], minutes: int) -> None:
        values = {"name": "Roof", "owner_id": None, **self._wanted(drawn)}
        at = timezone.now() - dt.timedelta(minutes=minutes)
        try:
            done = create_deal(scope=TEST, values=values, at=at)
        except DealError:
            return
        assert all(getattr(done.deal.state, name) == value for name, value in values.items())
        self._keep(done)

    @precondition(lambda self: self.oracle.live())
    @rule(
        number=place, drawn=wishes, later=st.one_of(st.none(), st.integers(0, 20 * 1440)), stale=st.booleans()
    )
    def edit(self, number: int, drawn: dict[str, Any], later: int | None, stale: bool) -> None:
        row, changes = Opportunity.objects.get(pk=self._deal(number)), self._wanted(drawn)
        at = None if later is None else min(row.changed_at + dt.timedelta(minutes=later), timezone.now())
        version = row.version - (stale and number % 5 == 0)
        try:
            done = change_deal(scope=TEST, deal_id=row.pk, version=version, changes=changes, at=at)
        except DealError:
            assert version == row.version
            return
        except Conflict:
            assert version != row.version
            return
        assert version == row.version
        assert all(getattr(done.deal.state, name) == value for name, value in changes.items())
        self._keep(done)

    @precondition(lambda self: self.oracle.live())
    @rule(numbers=st.sets(place, min_size=2, max_size=8), drawn=wishes, stale=place)
    def bulk(self, numbers: set[int], drawn: dict[str, Any], stale: int) -> None:
        ids = sorted({self._deal(number) for number in numbers})
        versions = dict(Opportunity.objects.filter(pk__in=ids).values_list("pk", "version"))
        late = {ids[stale % len(ids)]} if stale % 3 == 0 else set()
        items = [(pk, versions[pk] - (pk in late)) for pk in ids]
        done = change_deals(scope=TEST, items=items, changes=self._wanted(drawn))
        assert {one.id for one in done.refused if one.is_conflict} == late
        for change in done.changed:
            self._keep(change)

    @precondition(lambda self: self.oracle.live())
    @rule(number=place)
    def remove(self, number: int) -> None:
        row = Opportunity.objects.get(pk=self._deal(number))
        try:
            self._keep(remove_deal(scope=TEST, deal_id=row.pk, version=row.version))
        except DealError:
            assert row.source != "local"

    @precondition(lambda self: self.oracle.live())
    @rule(number=place, part=st.integers(0, 100), first=st.integers(0, 4))
    def share(self, number: int, part: int, first: int) -> None:
        """By two people, by one, or by nobody but the owner."""
        deal_id, (one, two) = self._deal(number), self.world.people[first : first + 2]
        parts = [(one, Decimal(part)), (two, Decimal(100 - part))]
        splits = frozenset(Split(who.pk, REVENUE, part) for who, part in parts if 0 < part < 100)
        before = self.oracle.shared_at(deal_id, None)
        act = set_splits(scope=TEST, deal_id=deal_id, splits=sorted(splits, key=str))
        assert (act is None) == (before == splits)
        if act is not None:
            self._shared(deal_id, splits)
            self.shares.append((act, deal_id, before, splits))

    def _shared(self, deal_id: int, splits: frozenset[Split]) -> None:
        rows = OpportunitySplit.objects.filter(opportunity_id=deal_id).values_list("valid_from", "valid_to")
        since = max(moment for row in rows for moment in row if moment < FAR_FUTURE_AT)
        self.oracle.shares.setdefault(deal_id, []).append((since, splits))

    @precondition(lambda self: self.shares)
    @rule(number=place)
    def take_shares_back(self, number: int) -> None:
        act, deal_id, before, after = self.shares.pop(number % len(self.shares))
        done = undo(scope=TEST, change_set_id=act)
        assert bool(done.refused) == (self.oracle.shared_at(deal_id, None) != after)
        if done.changed:
            self._shared(deal_id, before)

    @precondition(lambda self: self.acts)
    @rule(number=place)
    def take_back(self, number: int) -> None:
        act = self.acts.pop(number % len(self.acts))
        back, left = self.oracle.taken_back(act)
        done = undo(scope=TEST, change_set_id=act)
        assert {one.deal.id: one.deal.state for one in done.changed} == back
        assert {one.id for one in done.refused} == left
        for change in done.changed:
            self._keep(change)

    # --- People, products, calendars

    @rule(who=st.integers(0, 5), manager=place, days=st.integers(-PAST, 5))
    def move(self, who: int, manager: int, days: int) -> None:
        person, chosen = self.world.people[who].pk, self._one_of(self.world.people, manager)
        day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)
        is_possible = self.oracle.moved(person, chosen, day)
        try:
            set_manager(person_id=person, manager_id=chosen, from_date=day, scope=TEST)
        except OrganizationError:
            assert not is_possible
        else:
            assert is_possible

    @rule(who=st.integers(0, 5), stays=st.booleans())
    def leave(self, who: int, stays: bool) -> None:
        """And come back. Whoever has left keeps their deals and their place until somebody moves them."""
        left_on = None if stays else dt.datetime.now(dt.UTC).date()
        changes = {"is_active": stays, "left_on": left_on}
        change_person(person_id=self.world.people[who].pk, changes=changes, scope=TEST)

    @rule(product=st.integers(0, 2), family=place)
    def move_product(self, product: int, family: int) -> None:
        pk, chosen = self.world.products[product].pk, self._one_of(self.world.families, family)
        Product.objects.filter(pk=pk).update(family_id=chosen)
        self.oracle.products[pk] = chosen

    @rule(number=st.integers(0, 1))
    def other_calendar(self, number: int) -> None:
        self.oracle.calendar = self.calendars[number]
        activate_calendar(calendar_id=self.oracle.calendar, scope=TEST)

    @rule()
    def checkpoint(self) -> None:
        checkpoints.refresh(now=timezone.now())

    # --- Imports

    @rule(
        rows=st.dictionaries(st.integers(0, 5), st.tuples(st.integers(0, 500), st.integers(0, 2)), min_size=1)
    )
    def import_(self, rows: dict[int, tuple[int, int]]) -> None:
        lines = [f"D-{n},Deal {n},Acme,{OWNERS[who]},Verbal OK,{amount},2026-12-{n + 1:02}"
                 for n, (amount, who) in rows.items()]  # fmt: skip
        before = {pk: list(history) for pk, history in self.oracle.histories.items()}
        with tempfile.TemporaryDirectory() as folder:
            batch = imported(Path(folder), deals(*lines))
        for pk, action in _effects(batch).items():
            self._learn(pk)
            name, amount = OWNERS[rows[self._number(pk)][1]], rows[self._number(pk)][0]
            if action == "CREATED":
                state = self.oracle.now(pk)
                assert (state.amount, Person.objects.get(pk=state.owner_id).name) == (amount, name)
        self.imports.append((batch, before, len(self.touched)))

    def _number(self, deal_id: int) -> int:
        return int(Opportunity.objects.get(pk=deal_id).external_id.removeprefix("D-"))

    def _learn(self, deal_id: int) -> None:
        """The history an import has written, taken as it is: what the roll-ups make of it is what is tried here."""
        versions = map(past_state_of, live_versions([deal_id]).get(deal_id, []))
        self.oracle.histories[deal_id] = [Known(v.valid_from, v.state, v.change_set_id) for v in versions]
        for person in Person.objects.exclude(pk__in=self.oracle.lines):
            self.oracle.lines[person.pk] = {}

    @precondition(lambda self: self.imports)
    @rule()
    def undo_import(self) -> None:
        batch, before, mark = self.imports.pop()
        written = {pk: action for pk, action in _effects(batch).items() if action != "NOTED"}
        touched = {pk for pk in self.touched[mark:] if pk in written}
        touched |= {
            pk for pk, action in written.items() if action == "CREATED" and self.oracle.shared_at(pk, None)
        }
        done = undone(batch)
        assert {one.id for one in done.kept if one.kind == "OPPORTUNITY"} == touched
        for pk in written.keys() - touched:
            self.oracle.histories[pk] = before.get(pk, []) if written[pk] == "UPDATED" else []
        assert ImportBatch.objects.get(pk=batch).state == ImportBatch.State.UNDONE

    # --- What must hold after each

    @invariant()
    def some_changes_are_folded(self) -> None:
        """Before the others look: in every third step some of what waits, or all of it."""
        if self.rng.random() < 0.3:
            rollups.fold(rows=self.rng.choice([1, 3, 1000]))

    @invariant()
    def the_deals_are_as_acknowledged(self) -> None:
        rows = Opportunity.objects.filter(is_deleted=False)
        assert {row.pk: state_of(row) for row in rows} == self.oracle.live()

    @invariant()
    def roll_ups_are_the_deals(self) -> None:
        assert rollups.differences() == []
        self._same_cells(nodes(), None)

    @invariant()
    def the_ledger_is_the_versions(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM rollup_ledger_differences() LIMIT 3")
            assert cursor.fetchall() == []

    @invariant()
    def the_past_is_as_known(self) -> None:
        """At one instant, of one tree, from the versions and from the ledger; of one deal the history and who shared it."""
        if not self.oracle.histories:
            return
        pk = self.rng.choice(sorted(self.oracle.histories))
        versions = map(past_state_of, live_versions([pk]).get(pk, []))
        history = self.oracle.histories[pk]
        assert [(v.valid_from, v.state) for v in versions] == [(one.since, one.state) for one in history]
        exact = [one.since for one in history]
        at = self.rng.choice(
            [timezone.now() - dt.timedelta(minutes=self.rng.randint(0, PAST * 1440)), *exact]
        )
        some = [self.rng.choice(nodes())]
        self._same_cells(some, at)
        checkpointed.MANY = 0  # from checkpoints and ledger, which are read for months only
        self._same_cells(some, at, [period for *_, period in self.oracle.months[self.oracle.calendar]])
        checkpointed.MANY = MANY
        shares = OpportunitySplit.objects.filter(opportunity_id=pk).at(at)
        assert {Split(s.person_id, s.kind, s.share) for s in shares} == self.oracle.shared_at(pk, at)

    def _same_cells(self, trees: Trees, at: dt.datetime | None, months: list[int] | None = None) -> None:
        today = dt.datetime.now(dt.UTC).date()
        for _, tree, ids in trees:
            found = node_cells(SYSTEM, tree=tree, node_ids=ids, at=at, month_ids=months)
            true = self.oracle.cells(tree, ids, at, today)
            assert found == [cell for cell in true if months is None or cell.month_id], (tree, at)


MANY = checkpointed.MANY


def _effects(batch: int) -> dict[int, str]:
    rows = ImportEffect.objects.filter(batch_id=batch, kind="OPPORTUNITY")
    return dict(rows.values_list("object_id", "action"))


def _as_it_is(calendars: Sequence[int]) -> Oracle:
    lines: dict[int, dict[dt.date, int | None]] = {
        pk: {} for pk in Person.objects.values_list("pk", flat=True)
    }
    for line in ReportingLine.objects.all():
        lines[line.person_id][line.from_date] = line.manager_id
    months = {
        calendar: sorted(
            FiscalPeriod.objects.filter(calendar_id=calendar, kind="MONTH").values_list("from_date", "to_date", "id")
        )
        for calendar in calendars
    }  # fmt: skip
    return Oracle(
        lines, dict(Territory.objects.values_list("id", "parent_id")),
        dict(ProductFamily.objects.values_list("id", "parent_id")),
        dict(Product.objects.values_list("id", "family_id")), months, Company.objects.get().calendar_id,
    )  # fmt: skip


@pytest.fixture
def company(db: None) -> None:
    Sequences.world = make_world()
    other = define_calendar(kind="W445", start_month=7, name="Weeks", first_year=2025, last_year=2028)
    Sequences.calendars = [Company.objects.get().calendar_id, other]
    process = make_process()
    Sequences.stages = list(Stage.objects.filter(process=process).values_list("pk", flat=True))


def test_every_figure_is_what_plain_python_makes_of_the_acts(company: None) -> None:
    run_state_machine_as_test(
        Sequences,
        settings=settings(
            max_examples=RUNS or 8,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
