"""`verify` holds on sound data and names the row when something is broken: each check was made to fail here."""

import datetime as dt
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from opportunities.models import Opportunity, OpportunitySplit, OpportunityVersion
from organization.models import FiscalDay, FiscalPeriod, PersonClosure, TerritoryClosure
from pipeline import checkpoints
from pipeline.models import RollupCheckpointCell, RollupLedger, RollupNode
from pipeline.selectors.invariants import INVARIANTS, findings
from salesops.audit.models import AuditEvent
from salesops.audit.services import seal_events
from salesops.jobs.services import enqueue
from territories.models import Quota
from tests.factories.pipeline import START, World, change, deal, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = make_world()
    for n in range(6):
        row = deal(
            START, owner=world.people[n], territory=world.territories[n % 4], product=world.products[n % 3]
        )
        change(row.pk, START + dt.timedelta(days=n), amount=n)
    return world


@contextmanager
def unguarded() -> Iterator[None]:
    """Without triggers, as a careless repair by hand would be."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = DEFAULT")


def _rollups(world: World) -> str:
    RollupNode.objects.create(
        tree=1, node_id=world.people[0].pk, month_id=0, category="WON", subcategory_id=0, currency="USD",
        deals=1, unpriced=0, amount=1, weighted=0,
    )  # fmt: skip
    return f"Tree 1, node {world.people[0].pk}, month 0, WON, USD: stored 1 deals"


def _ledger(world: World) -> str:
    row = RollupLedger.objects.filter(owner_id=world.people[2].pk).earliest("id")
    RollupLedger.objects.filter(pk=row.pk).update(amount=row.amount + 1)
    return f"owner {world.people[2].pk}, territory {row.territory_id}, product {row.product_id}, closing -"


def _checkpoints(world: World) -> str:
    checkpoints.refresh(now=START + dt.timedelta(days=99))
    RollupCheckpointCell.objects.filter(tree=2, member_id=world.people[4].pk).update(deals=3)
    return f"tree 2, member {world.people[4].pk}, month 0, PIPELINE, USD: 2 deals, 0.0000"


def _version_chain(world: World) -> str:
    first = OpportunityVersion.objects.filter(seq=1).last()
    assert first
    OpportunityVersion.objects.filter(pk=first.pk).update(valid_to=first.valid_to - dt.timedelta(hours=1))
    return f"Deal {first.opportunity_id}: version 1 ends"


def _current_version(world: World) -> str:
    row = Opportunity.objects.first()
    assert row
    Opportunity.objects.filter(pk=row.pk).update(amount=9999)
    RollupNode.objects.all().delete()
    return f"Deal {row.pk}: its row is not its current version 2"


def _people_closure(world: World) -> str:
    boss, dee = world.people[0].pk, world.people[3].pk
    PersonClosure.objects.filter(ancestor_id=boss, descendant_id=dee).delete()
    return f"Person {boss} above {dee}: so, but not stored"


def _territory_closure(world: World) -> str:
    north, south = world.territories[0].pk, world.territories[1].pk
    TerritoryClosure.objects.create(ancestor_id=north, descendant_id=south, depth=1)
    return f"Territory {north} above {south}: stored, but not so"


def _family_closure(world: World) -> str:
    family = world.families[1]
    type(family).objects.filter(pk=family.pk).update(parent=None)
    return f"Product family {world.families[0].pk} above {family.pk}: stored, but not so"


def _reporting_lines(world: World) -> str:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE organization_reportingline DROP CONSTRAINT reporting_line_one_manager")
        cursor.execute(
            "INSERT INTO organization_reportingline (person_id, manager_id, from_date, to_date, recorded_at) "
            "VALUES (%s, %s, '2026-01-01', '2026-02-01', now())",
            [world.people[3].pk, world.people[0].pk],
        )
    return f"Person {world.people[3].pk} has two managers on 2026-01-01"


def _categories(world: World) -> str:
    row = Opportunity.objects.first()
    assert row
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE opportunities_opportunity DROP CONSTRAINT opportunity_category_fits_status"
        )
        cursor.execute("UPDATE opportunities_opportunity SET category = 'WON' WHERE id = %s", [row.pk])
    return f"Deal {row.pk}: OPEN in category WON"


def _splits(world: World) -> str:
    row = Opportunity.objects.first()
    assert row
    OpportunitySplit.objects.create(
        opportunity=row, person=world.people[0], share=60, valid_from=START, recorded_at=START,
        change_set_id=row.change_set_id,
    )  # fmt: skip
    return f"Deal {row.pk}: its revenue splits sum to 60.0000 % on 2026-03-01 09:00:00+00"


def _quotas(world: World) -> str:
    period = FiscalPeriod.objects.get(name="FY27-Q1")
    for ends in (START + dt.timedelta(days=9), START + dt.timedelta(days=5)):
        Quota.objects.create(
            person=world.people[0],
            period=period,
            amount=1,
            currency_id="USD",
            recorded_at=START,
            superseded_at=ends,
        )
    return f"of person {world.people[0].pk}, period {period.pk} hold at the same time"


def _fiscal_periods(world: World) -> str:
    FiscalPeriod.objects.filter(name="FY27-Q1").update(to_date=dt.date(2026, 4, 30))
    return "FY27-Q1 ends 2026-04-30, the next begins 2026-05-01"


def _fiscal_days(world: World) -> str:
    FiscalDay.objects.filter(day=dt.date(2026, 5, 5)).delete()
    return "2026-05-05 is no day of it"


def _audit_chain(world: World) -> str:
    seal_events()
    event = AuditEvent.objects.first()
    assert event
    AuditEvent.objects.filter(pk=event.pk).update(actor_name="somebody else")
    return "an event was changed after it was sealed"


def _jobs(world: World) -> str:
    job = enqueue(kind="rollups.reconcile")
    long_ago = timezone.now() - dt.timedelta(minutes=5)
    type(job).objects.filter(pk=job.pk).update(state="RUNNING", lease_until=long_ago)
    return f"Job {job.pk} (rollups.reconcile) runs without a sign of life"


BREAKERS = {
    name[1:]: breaker for name, breaker in list(globals().items()) if name[1:] in {i.name for i in INVARIANTS}
}


def test_everything_holds_on_sound_data(world: World) -> None:
    assert [(f.name, f.broken) for f in findings() if not f.holds] == []
    out = io.StringIO()
    call_command("verify", stdout=out)
    assert f"{len(INVARIANTS)} invariants hold." in out.getvalue()


@pytest.mark.parametrize("name", [invariant.name for invariant in INVARIANTS])
def test_each_check_names_the_row_that_breaks_it(world: World, name: str) -> None:
    with unguarded():
        told = BREAKERS[name](world)
    finding = next(iter(findings({name})))
    assert not finding.holds
    assert told in finding.broken[0]
    out = io.StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("verify", name, "--json", stdout=out)
    assert failed.value.returncode == 1
    data = json.loads(out.getvalue())
    assert data["holds"] is False
    assert told in data["invariants"][0]["first"]


def test_recompute_mends_what_is_derived(world: World) -> None:
    with unguarded():
        _rollups(world)
        _people_closure(world)
        _territory_closure(world)
        _family_closure(world)
        _ledger(world)
        _checkpoints(world)
    out = io.StringIO()
    call_command("recompute", "--json", stdout=out)
    changed = {part["name"]: part["changed"] for part in json.loads(out.getvalue())["recomputed"]}
    assert changed["people"] == changed["territories"] == changed["families"] == 1
    assert changed["rollups"] >= 1
    assert changed["checkpoints"] == 1
    assert [f.name for f in findings() if not f.holds] == []
    with pytest.raises(CommandError) as refused:
        call_command("recompute", "everything")
    assert refused.value.returncode == 2
