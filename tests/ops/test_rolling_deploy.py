"""While one machine after another is upgraded, the version before works on the new tables: its statements still do.

The models as they were before each later migration (Django keeps that state) write and read rows, of the demo company
where it has some, with the columns they knew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.apps.registry import Apps
from django.db import DatabaseError, connection, models, transaction
from django.db.migrations.loader import MigrationLoader

from opportunities.models import Account, Opportunity, OpportunityVersion
from pipeline.rollups import differences
from salesops.demo.seeding import seed
from tests.factories.pipeline import START, deal, make_world
from tests.ops.test_migration_rules import FIRST, later

pytestmark = pytest.mark.django_db

OLDEST = FIRST
"""The last migration of each app that servers still running may know. Raise it where something is dropped on purpose,
which takes a release whose code no longer names it, and then one that drops it."""
Model = type[models.Model]


@pytest.fixture
def company(tmp_path: Path) -> None:
    """Rows of most tables."""
    seed(today=dt.datetime.now(dt.UTC).date(), deals=200, say=lambda _: None, folder=tmp_path)


def models_before(app: str, name: str) -> Apps:
    """The models as code knew them that was written before this migration, and no earlier than the oldest."""
    loader = MigrationLoader(None)
    oldest = [(a, n) for a, n in loader.disk_migrations if OLDEST.get(a) == int(n.split("_")[0])]
    parents = [parent.key for parent in loader.graph.node_map[app, name].parents]
    return loader.project_state([*oldest, *parents]).apps


@cache
def former_models() -> tuple[Model, ...]:
    """Each table with each list of columns that some code since the oldest has known, once."""
    found: dict[tuple[str, ...], Model] = {}
    for app, name in later(OLDEST):
        for model in models_before(app, name).get_models(include_auto_created=True):
            shape = (model._meta.db_table, *(field.column for field in model._meta.concrete_fields))
            if model._meta.app_label in FIRST:
                found.setdefault(shape, model)
    return tuple(found.values())


@contextmanager
def unguarded() -> Iterator[None]:
    """Without triggers, which refuse to delete history: what remains are columns, their defaults and constraints."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = DEFAULT")


def failure_of(model: Model, row: models.Model) -> str:
    """What the database says to the old statements: a row read, removed, inserted again and updated."""
    try:
        with transaction.atomic(), unguarded():
            before = _values(model, row.pk)
            model._base_manager.filter(pk=row.pk)._raw_delete(using="default")
            row.save_base(raw=True, force_insert=True)
            assert _values(model, row.pk) == before
            row.save_base(raw=True, force_update=True)
            assert _values(model, row.pk) == before
    except (DatabaseError, AssertionError) as error:
        return f"{model._meta.db_table}: {error}"
    return ""


def _values(model: Model, pk: Any) -> dict[str, Any]:
    return model._base_manager.values(*(field.attname for field in model._meta.concrete_fields)).get(pk=pk)


FITTING = {"expires_at": dt.datetime(9999, 1, 1, tzinfo=dt.UTC)}
"""What a made up row says where a constraint refuses the usual."""


def a_row_of(model: Model) -> models.Model:
    """One that is there, or a made up one where the demo company has none."""
    row = model._base_manager.first()
    return row if row is not None else made_up(model)


def made_up(model: Model) -> models.Model:
    """Whatever must be said is said somehow; references lead nowhere, which nothing checks without triggers."""
    now = dt.datetime.now(dt.UTC)
    by_kind: dict[type[models.Field], Any] = {
        models.CharField: "x", models.TextField: "x", models.DateTimeField: now, models.DateField: now.date(),
        models.BinaryField: b"x", models.JSONField: {},
    }  # fmt: skip
    row = model()
    for field in model._meta.concrete_fields:
        if not (field.null or field.has_default() or field.primary_key or field.generated):
            usual = next((value for kind, value in by_kind.items() if isinstance(field, kind)), 1)
            usual = FITTING.get(field.name, usual)
            setattr(row, field.attname, field.choices[0][0] if field.choices else usual)
    with unguarded():
        row.save_base(raw=True, force_insert=True)
    return model._base_manager.get(pk=row.pk)


def test_statements_of_the_version_before_work_on_the_new_tables(company: None) -> None:
    failed = [failure for model in former_models() if (failure := failure_of(model, a_row_of(model)))]
    assert not failed, "\n".join(failed)


def test_a_deal_written_by_the_version_before_is_in_history_and_totals() -> None:
    world = make_world()
    known = deal(START, owner=world.people[3], territory=world.territories[1], product=world.products[0])
    formers = [model for model in former_models() if model._meta.db_table == Opportunity._meta.db_table]
    assert formers
    for number, former in enumerate(formers):
        new: Any = former._base_manager.get(pk=known.pk)
        new.pk, new.external_id = None, f"OLD-{number}"
        new.save_base(raw=True, force_insert=True)
        new.version, new.amount, new.changed_at = 2, new.amount + 7, START + dt.timedelta(days=1)
        new.save_base(raw=True, force_update=True)
        versions = OpportunityVersion.objects.filter(opportunity_id=new.pk).order_by("seq")
        assert [version.amount for version in versions] == [100, 107]
    assert differences() == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE {} ADD COLUMN tier varchar(9) DEFAULT '' NOT NULL; ALTER TABLE {} ALTER COLUMN tier DROP DEFAULT",
        "ALTER TABLE {} DROP COLUMN name",
        "ALTER TABLE {} RENAME COLUMN name TO title",
        "ALTER TABLE {} RENAME TO opportunities_customer",
        "ALTER TABLE {} ADD CHECK (name = 'x') NOT VALID",
        "ALTER TABLE {} ALTER COLUMN name TYPE varchar(2) USING left(name, 2)",
    ],
)
def test_what_old_statements_could_not_live_with_is_noticed(change: str) -> None:
    new = Account.objects.create(name="Acme")
    (former,) = (model for model in former_models() if model._meta.db_table == Account._meta.db_table)
    row = former._base_manager.get(pk=new.pk)
    assert not failure_of(former, row)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(change.format(*[Account._meta.db_table] * 2))
    assert failure_of(former, row)
