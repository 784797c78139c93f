"""Either wall alone holds: the database without the application's filter, and the filter without the database."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opportunities.domain.splits import Split
from opportunities.models import ImportBatch, ImportProblem, ImportRow, Opportunity, OpportunityLine
from opportunities.models.opportunity import OpportunityQuerySet
from opportunities.services import set_splits
from organization.models import RoleGrant
from pipeline.domain.trees import Tree
from pipeline.models import RollupCheckpointCell, RollupNode, RollupQueue
from pipeline.selectors.cells import node_series
from salesops.audit.models import AuditEvent
from salesops.audit.record import record
from salesops.operations import diagnosis
from salesops.wall import context, policies
from territories.models import Quota, QuotaQuerySet
from tests.factories.opportunities import TEST, make_deal, make_product
from tests.factories.organization import make_company, make_manager, make_rep, period

pytestmark = pytest.mark.django_db
OWNER = {
    "opportunities.Opportunity": "owner_id",
    "opportunities.OpportunityVersion": "owner_id",
    "territories.Quota": "person_id",
    "pipeline.RollupNode": "node_id",
    "pipeline.RollupQueue": "owner_id",
    "pipeline.RollupLedger": "owner_id",
    "pipeline.RollupCheckpointCell": "member_id",
}
"""Tables read by whose row it is, and the column that says so."""
OPENED = (
    "opportunities.OpportunityVersion",
    "opportunities.OpportunityLine",
    "opportunities.OpportunitySplit",
)
"""Tables of which a deal that was found visible opens its own rows."""
BY_CAPABILITY = {
    "opportunities.ImportProblem": ("VIEW_IMPORTS", "IMPORT_CRM"),
    "audit.AuditEvent": ("VIEW_AUDIT",),
}
"""Tables read by a capability, and each that suffices."""
NEVER = "opportunities.ImportRow"
"""The table no request reads."""


class World:
    """Ben and Charlie are strangers; each has an open deal, a won one, a quota, and roll-ups folded and waiting."""

    def __init__(self) -> None:
        make_company()
        self.boss, self.boss_user, _ = make_manager("Ada")
        self.ben, self.ben_user, _ = make_rep("Ben", manager=self.boss)
        self.charlie, self.charlie_user, _ = make_rep("Charlie")
        for person in (self.ben, self.charlie):
            make_deal(person, name=f"Open of {person.name}", amount=100)
            make_deal(person, name=f"Won of {person.name}", category="WON", amount=200)
            Quota.objects.create(
                person=person, period=period("FY27-Q1"), amount=Decimal(7), currency_id="USD",
                recorded_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
            )  # fmt: skip
            for row in RollupQueue.objects.filter(owner_id=person.pk):
                same = {f: getattr(row, f) for f in (
                    "month_id", "category", "subcategory_id", "currency", "deals", "unpriced", "amount", "weighted",
                )}  # fmt: skip
                RollupNode.objects.get_or_create(tree=2, node_id=person.pk, **same)
                same = {name: value for name, value in same.items() if name != "queued_at"}
                RollupCheckpointCell.objects.get_or_create(
                    checkpoint_id=1, tree=2, member_id=person.pk, **same
                )
        self.deals = {person.pk: self._with_parts(person) for person in (self.ben, self.charlie)}
        batch = ImportBatch.objects.create(source="crm", created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        ImportProblem.objects.create(
            batch=batch, file="deals.csv", message="m", cure="c", code="x", severity="ERROR"
        )
        ImportRow.objects.create(batch=batch, role="D", file=1, line=2, key="k", hash=1, payload={})

    def _with_parts(self, person: Any) -> int:
        deal = Opportunity.objects.filter(owner=person, status="OPEN").get()
        OpportunityLine.objects.create(
            opportunity=deal, position=1, product=make_product(), amount=Decimal(3)
        )
        set_splits(scope=TEST, deal_id=deal.pk, splits=[Split(person.pk, "REVENUE", Decimal(100))])
        return deal.pk


@pytest.fixture
def world() -> World:
    return World()


def client(user: object) -> Client:
    found = Client()
    found.force_login(user)  # type: ignore[arg-type]
    return found


def owners(label: str) -> set[int]:
    """Whose rows plain SQL reads, without any filter."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT {OWNER[label]} FROM {apps.get_model(label)._meta.db_table}")
        return {row[0] for row in cursor.fetchall()}


def test_every_model_is_decided_about() -> None:
    root = Path(settings.BASE_DIR)
    ours = [
        config for config in apps.get_app_configs()
        if (parts := Path(config.path).relative_to(root).parts if Path(config.path).is_relative_to(root) else ())
        and "site-packages" not in parts
    ]  # fmt: skip
    models = {model._meta.label for config in ours for model in config.get_models()}
    assert models == {*policies.WALLED, *policies.NOT_WALLED}
    assert not set(policies.WALLED) & set(policies.NOT_WALLED)


def rows(label: str, column: str = "count(*)") -> set[Any]:
    """What plain SQL reads of a table, without any filter."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {apps.get_model(label)._meta.db_table}")
        return {row[0] for row in cursor.fetchall()}


def reaching(*people: Any, **more: Any) -> Any:
    """Statements inside are of a viewer who reaches these people's deals."""
    return context.on_behalf_of(lambda: context.Reach(people=frozenset(p.pk for p in people), **more))


def test_each_walled_table_is_tested() -> None:
    assert set(policies.WALLED) == {*OWNER, *OPENED, *BY_CAPABILITY, NEVER}


@pytest.mark.parametrize("label", OWNER)
def test_the_database_gives_nothing_of_strangers(world: World, label: str) -> None:
    everybody = {world.ben.pk, world.charlie.pk}
    assert owners(label) >= everybody
    with context.on_behalf_of(lambda: context.Reach(people=frozenset({world.ben.pk}))):
        assert owners(label) == {world.ben.pk}
    with context.on_behalf_of(lambda: context.Reach(people=frozenset())):
        assert owners(label) == set()
    with context.on_behalf_of(lambda: context.Reach(people=frozenset(), won=True)):
        assert owners(label) >= everybody
    assert owners(label) >= everybody


def test_finance_reads_won_deals_of_strangers_only(world: World) -> None:
    with context.on_behalf_of(lambda: context.Reach(people=frozenset(), won=True)):
        assert set(Opportunity.objects.values_list("status", flat=True)) == {"WON"}
        assert set(RollupNode.objects.values_list("category", flat=True)) == {"WON"}


@pytest.mark.parametrize("label", OWNER)
def test_an_overseer_reads_every_deal(world: World, label: str) -> None:
    with reaching(everything=True):
        assert owners(label) >= {world.ben.pk, world.charlie.pk}


@pytest.mark.parametrize("label", OPENED)
def test_a_deal_found_visible_opens_its_own_parts_only(world: World, label: str) -> None:
    mine, theirs = world.deals[world.ben.pk], world.deals[world.charlie.pk]
    assert rows(label, "opportunity_id") >= {mine, theirs}
    with reaching(world.boss), context.opened([theirs]):
        assert theirs in rows(label, "opportunity_id")
    with reaching(), context.opened([theirs]):
        assert rows(label, "opportunity_id") == {theirs}
    with reaching():
        assert rows(label, "opportunity_id") == set()
    with reaching(everything=True):
        assert rows(label, "opportunity_id") >= {mine, theirs}


def test_the_past_opens_the_present_row_but_not_the_history(world: World) -> None:
    with reaching(world.ben), context.past():
        assert owners("opportunities.Opportunity") >= {world.ben.pk, world.charlie.pk}
        assert owners("opportunities.OpportunityVersion") == {world.ben.pk}


@pytest.mark.parametrize(
    ("label", "capability"), [(label, name) for label, names in BY_CAPABILITY.items() for name in names]
)
def test_what_a_capability_shows_is_walled_for_overseers_too(
    world: World, label: str, capability: str
) -> None:
    for everything in (False, True):
        with reaching(
            world.ben, everything=everything, won=True, may=frozenset({"VIEW_DEALS", "EDIT_QUOTAS"})
        ):
            assert rows(label) == {0}
        with reaching(everything=everything, may=frozenset({capability})):
            assert rows(label) != {0}


def test_no_request_reads_staged_rows(world: World) -> None:
    assert rows(NEVER) == {1}
    for everything in (False, True):
        with reaching(world.ben, everything=everything, may=frozenset({"VIEW_IMPORTS", "IMPORT_CRM"})):
            assert rows(NEVER) == {0}


@pytest.mark.parametrize("label", sorted(set(policies.WALLED) - {NEVER}))
def test_nobody_reads_an_error_not_everything(world: World, label: str) -> None:
    with context.nobody(), pytest.raises(DatabaseError), transaction.atomic():
        rows(label)


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("label", policies.WALLED)
def test_a_request_writes_nothing_walled_but_through_a_service(
    world: World, label: str, everything: bool
) -> None:
    table = apps.get_model(label)._meta.db_table
    for statement in (f"DELETE FROM {table}", f"INSERT INTO {table} DEFAULT VALUES"):
        with (
            reaching(world.ben, everything=everything),
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_a_rollback_does_not_take_the_wall_down(world: World) -> None:
    with context.on_behalf_of(lambda: context.Reach(people=frozenset({world.ben.pk}))):
        with transaction.atomic():
            assert owners("opportunities.Opportunity") == {world.ben.pk}
            transaction.set_rollback(True)
        assert owners("opportunities.Opportunity") == {world.ben.pk}


def test_another_thread_starts_as_nobody_knows_it() -> None:
    found: list[context.Reach] = []
    with context.on_behalf_of(lambda: context.Reach(people=frozenset({1}))):
        thread = threading.Thread(target=lambda: found.append(context.current()))
        thread.start()
        thread.join()
    assert found == [context.SYSTEM], "the test program is the system; the viewer stayed with the request"


def _unfiltered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpportunityQuerySet, "visible_to", lambda self, scope: self.filter(is_deleted=False))
    monkeypatch.setattr(QuotaQuerySet, "visible_to", lambda self, scope: self)


def _page(user: Any) -> str:
    return client(user).get(reverse("opportunities:export")).content.decode()


def test_without_the_filter_pages_show_nothing_of_strangers(world: World, monkeypatch: Any) -> None:
    _unfiltered(monkeypatch)
    assert "Open of Ben" in _page(world.ben_user)
    assert "Open of Charlie" not in _page(world.ben_user)
    monkeypatch.setattr("organization.middleware.wall_reach", lambda scope: context.SYSTEM)
    assert "Open of Charlie" in _page(world.ben_user), "it was the database that held"


def test_without_the_database_the_filter_holds(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr("organization.middleware.wall_reach", lambda scope: context.SYSTEM)
    assert "Open of Ben" in _page(world.ben_user)
    assert "Open of Charlie" not in _page(world.ben_user)


def test_a_changed_role_counts_for_the_database_at_the_next_request(world: World, monkeypatch: Any) -> None:
    _unfiltered(monkeypatch)
    assert "Open of Ben" in _page(world.boss_user)
    grants = RoleGrant.objects.filter(user=world.boss_user)
    grants.update(role="REP")
    assert "Open of Ben" not in _page(world.boss_user)
    grants.update(role="MANAGER")
    assert "Open of Ben" in _page(world.boss_user)
    world.boss_user.is_active = False
    world.boss_user.save()
    assert "Open of Ben" not in _page(world.boss_user)


def test_a_policy_that_was_taken_away_is_told_and_put_back() -> None:
    assert diagnosis._wall().state == "ok"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE territories_quota DISABLE ROW LEVEL SECURITY")
    assert diagnosis._wall().state == "failed"
    assert policies.build()
    assert diagnosis._wall().state == "ok"


def test_without_the_role_only_a_warning(monkeypatch: Any) -> None:
    monkeypatch.setattr(policies, "ROLES", ("salesops_absent", policies.VIEWER))
    found = diagnosis._wall()
    assert (found.state, "CREATE ROLE salesops_absent NOLOGIN; GRANT salesops_absent TO" in found.cure) == (
        "warning",
        True,
    )


def test_an_answer_to_saving_is_the_viewers_too(world: World, monkeypatch: Any) -> None:
    """A POST saves as the system, but what its page shows is bound by the policies."""
    _unfiltered(monkeypatch)

    def says_what_is_missing(person: Any) -> bool:
        url = reverse("opportunities:edit", args=[world.deals[person.pk]])
        return client(world.ben_user).post(url, {"field": "next_step", "value": "Call"}).status_code == 428

    assert says_what_is_missing(world.ben)
    assert not says_what_is_missing(world.charlie), "there is no such deal"
    monkeypatch.setattr("organization.middleware.wall_reach", lambda scope: context.SYSTEM)
    assert says_what_is_missing(world.charlie), "it was the database that held"


def test_what_is_done_is_written_down_by_who_may_not_read_it(world: World) -> None:
    before = AuditEvent.objects.count()
    with reaching(world.ben):
        record(
            actor_id=None, actor_name="Ben", verb="EXPORT", object_type="deals", object_id="1", label="deals"
        )
        assert rows("audit.AuditEvent") == {0}
    assert AuditEvent.objects.count() == before + 1


def test_services_save_behind_the_wall() -> None:
    """A transaction of a service that is its viewer's would be refused by the tables it writes, or see too little."""
    root = Path(settings.BASE_DIR)
    services = [path for path in root.glob("*/services/*.py") if "transaction.atomic" in path.read_text()]
    assert services == []


@pytest.mark.parametrize("instants", [1, 5])
def test_without_the_filter_past_figures_are_of_those_in_reach(world: World, instants: int) -> None:
    """Whichever way the past is read: versions at one instant or at many."""
    now = timezone.now()
    moments = [now - dt.timedelta(seconds=n) for n in range(instants)]
    both = [world.ben.pk, world.charlie.pk]

    def nodes() -> set[int]:
        found = node_series(TEST, tree=Tree.OWN, node_ids=both, instants=moments)
        return {cell.node_id for cell in found[moments[0]]}

    assert nodes() == set(both)
    with reaching(world.ben):
        assert nodes() == {world.ben.pk}
    with reaching(everything=True):
        assert nodes() == set(both)
