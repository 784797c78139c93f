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

from opportunities.models import Opportunity
from opportunities.models.opportunity import OpportunityQuerySet
from organization.models import RoleGrant
from pipeline.models import RollupNode, RollupQueue
from salesops.operations import diagnosis
from salesops.wall import context, policies
from territories.models import Quota, QuotaQuerySet
from tests.factories.opportunities import make_deal
from tests.factories.organization import make_company, make_manager, make_rep, period

pytestmark = pytest.mark.django_db
OWNER = {
    "opportunities.Opportunity": "owner_id",
    "territories.Quota": "person_id",
    "pipeline.RollupNode": "node_id",
    "pipeline.RollupQueue": "owner_id",
}


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


@pytest.mark.parametrize("label", policies.WALLED)
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


@pytest.mark.parametrize("label", policies.WALLED)
def test_nobody_reads_an_error_not_everything(world: World, label: str) -> None:
    with context.nobody(), pytest.raises(DatabaseError), transaction.atomic():
        owners(label)


@pytest.mark.parametrize("label", policies.WALLED)
def test_a_reading_request_writes_nothing_walled(world: World, label: str) -> None:
    table = apps.get_model(label)._meta.db_table
    reach = context.Reach(people=frozenset({world.ben.pk}))
    for statement in (f"DELETE FROM {table}", f"INSERT INTO {table} DEFAULT VALUES"):
        with (
            context.on_behalf_of(lambda: reach),
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
    monkeypatch.setattr(policies, "ROLE", "salesops_absent")
    found = diagnosis._wall()
    assert (found.state, "CREATE ROLE salesops_absent" in found.cure) == ("warning", True)
