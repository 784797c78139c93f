"""An import whose worker is killed (SIGKILL) at random points, while its files are checked and while they are written,
and taken up again, leaves every table as one that nobody disturbed.

`make import-kills` kills a hundred times in imports of 100,000 deals (`ARGS=30 ROWS=20000`: fewer); SEED repeats a run.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from opportunities.domain.import_mapping import (
    ColumnMap,
    Extract,
    FileMapping,
    ImportMapping,
    Role,
    StageRule,
    signature_of,
)
from opportunities.domain.splits import REVENUE, Split
from opportunities.models import Opportunity
from opportunities.services.imports import plan_import, recognise_import, start_import
from opportunities.services.imports_jobs import APPLY_IMPORT, request_apply, request_plan
from opportunities.services.splits import set_splits
from organization.models import Person
from organization.services import define_calendar, set_up_company
from pipeline.rollups import fold
from salesops.jobs.models import Job, JobState
from salesops.jobs.runner import execute
from salesops.jobs.services import run_here, sweep
from tests.chaos.written import differences, write_tables
from tests.stories.small_imports import SYSTEM

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("IMPORT_KILLS", "3"))
ROWS = int(os.environ.get("IMPORT_ROWS", "600"))
CHUNK = min(ROWS // 12, 5_000)
KILLS_OF_ONE_CHECK = 3
SECONDS = 900
"""After which an undisturbed attempt hangs."""
STAGES = (
    StageRule("Won", "WON", "WON", 3), StageRule("Lost", "LOST", "LOST", 4), StageRule("Talks", "OPEN", "PIPELINE", 1),
    StageRule("Offer", "OPEN", "UPSIDE", 2),
)  # fmt: skip
FILLED = (
    "opportunities_opportunity", "opportunities_opportunityversion", "opportunities_opportunityline",
    "opportunities_opportunitysplit", "opportunities_importproblem", "opportunities_importeffect",
    "opportunities_rememberedmapping", "organization_exchangerate", "organization_personclosure",
    "organization_territorymembership", "territories_quota", "pipeline_rollupnode", "pipeline_rollupledger",
    "audit_auditevent",
)  # fmt: skip
"""Tables that a comparison without rows would say nothing of."""
Tables = dict[Role, list[list[object]]]


def test_an_import_killed_at_random_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
    print(f"seed {seed}")  # noqa: T201 - shown by `make import-kills`, and by pytest when it fails
    chance = random.Random(seed)  # noqa: S311
    kills, takes, clean = _Kills(chance), {}, tmp_path / "clean"
    began, batch_id = _received(tmp_path)
    for request in (request_plan, request_apply):
        takes[request] = _undisturbed(request(batch_id=batch_id, user=None))
    _written(clean, began)
    assert [name for name in FILLED if not (clean / name).stat().st_size] == []
    while kills.number < KILLS:
        began, batch_id = _received(tmp_path)
        most = min(KILLS_OF_ONE_CHECK, KILLS // 2 - kills.of[request_plan])
        kills.disturb(request_plan, batch_id, takes[request_plan], most)
        rest = (
            KILLS - KILLS // 2 - kills.of[request_apply]
        )  # a check may be done before its hour: the next one's turn
        kills.disturb(request_apply, batch_id, takes[request_apply], rest)
        found = differences(clean, _written(tmp_path / f"after {kills.number}", began))
        assert not found, "\n".join([f"seed {seed}: differs after kills at {kills.at}", *found])
    print(f"{kills.number} kills in imports of {ROWS} deals: {dict(kills.phases)}")  # noqa: T201
    assert kills.of[request_plan] == KILLS // 2


class _Kills:
    """Who was killed, how often, and in what."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.at = chance, list[float]()
        self.of: Counter[Callable[..., int]] = Counter()
        self.phases: Counter[str] = Counter()

    @property
    def number(self) -> int:
        return len(self.at)

    def disturb(self, request: Callable[..., int], batch_id: int, seconds: float, most: int) -> None:
        """Has the work done by workers of which up to so many are killed, each at any time of the work."""
        job, here = request(batch_id=batch_id, user=None), 0
        Job.objects.filter(pk=job).update(max_attempts=10_000)
        while Job.objects.get(pk=job).state != JobState.DONE:
            at = self.chance.uniform(0, seconds) if here < most else None
            if _was_killed(job, at) and at is not None:
                here += 1
                self.at.append(round(at, 2))
                self.of[request] += 1
                self.phases[Job.objects.get(pk=job).progress_phase or "the beginning"] += 1


def _undisturbed(job: int) -> float:
    """The job done here; the seconds it took."""
    began = time.monotonic()
    execute(job)
    _is_done(job)
    return time.monotonic() - began


def _is_done(job: int) -> None:
    row = Job.objects.get(pk=job)
    assert row.state == JobState.DONE, (row.state, row.error)


def _was_killed(job: int, kill_after: float | None) -> bool:
    """One attempt by a worker; whether it was killed on its way. Another may begin then."""
    worker = _worker(job)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "begun\n"
    try:
        worker.wait(SECONDS if kill_after is None else kill_after)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
        assert kill_after is not None, "the work hangs"
        _lease_over(job)
        return True
    _is_done(job)
    return False


def _lease_over(job: int) -> None:
    """What a dead worker held is taken back as by its lease's end; until then the database has let go of it as well."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    )
    for _tenth in range(200):
        with connection.cursor() as cursor:
            cursor.execute(others)
            if not cursor.fetchone()[0]:
                break
        time.sleep(0.1)
    else:
        pytest.fail("the database still works for a dead worker when another takes over")
    past = timezone.now() - dt.timedelta(seconds=1)
    Job.objects.filter(pk=job, state=JobState.RUNNING).update(lease_until=past)
    sweep()


def _worker(job: int) -> subprocess.Popen[str]:
    """A process of its own that does the job in the database of the test."""
    address, mark, options = os.environ["DATABASE_URL"].partition("?")
    address = f"{address.rpartition('/')[0]}/{connection.settings_dict['NAME']}{mark}{options}"
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.import_worker", str(job), str(CHUNK)],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": address}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _received(folder: Path) -> tuple[dt.datetime, int]:
    """When it began, and an import to be checked, in a company that knows a tenth of its deals, one of them shared."""
    began = timezone.now()
    call_command("flush", interactive=False, verbosity=0)
    calendar = define_calendar(kind="MONTHS", start_month=2, name="Year", first_year=2024, last_year=2027)
    set_up_company(name="Testers", corporate_currency="USD", time_zone="UTC", calendar_id=calendar)
    former = _sent(folder / "former", _former())
    plan_import(batch_id=former)
    assert run_here(kind=APPLY_IMPORT, payload={"batch_id": former}).state == JobState.DONE
    halves = [
        Split(person, REVENUE, Decimal(50))
        for person in Person.objects.order_by("name").values_list("pk", flat=True)[:2]
    ]
    set_splits(scope=SYSTEM, deal_id=Opportunity.objects.earliest("external_id").pk, splits=halves)
    return began, _sent(folder / "export", _export())


def _sent(folder: Path, tables: Tables) -> int:
    """The batch of these tables, a file each, whose columns are called like their fields."""
    folder.mkdir(exist_ok=True)
    files = []
    for role, (head, *rows) in tables.items():
        path, names = folder / f"{role.lower()}.csv", tuple(map(str, head))
        path.write_text("".join(",".join(map(str, cells)) + "\n" for cells in (head, *rows)))
        columns = {name: ColumnMap(name) for name in names}
        files.append(FileMapping(path.name, signature_of(names), (Extract(role, columns),)))
    mapping = ImportMapping(source="crm", files=tuple(files), stages=STAGES, currency="USD")
    batch_id = start_import(path=folder, scope=SYSTEM, actor_name="Ada")
    recognise_import(batch_id=batch_id, source="crm", mapping=mapping)
    return batch_id


def _former() -> Tables:
    """What an earlier export said of people and of a tenth of the deals."""
    return {
        Role.PERSON: [["external_id", "name"], *([f"P-{n}", f"Person {n}"] for n in range(17))],
        Role.OPPORTUNITY: [
            ["external_id", "name", "owner", "stage", "amount", "created_at", "close_date"],
            *([f"D-{n:06d}", f"Deal {n}", f"P-{n % 17}", "Talks", n, _day(n), _day(n + 30)] for n in range(0, ROWS, 10)),
        ],
    }  # fmt: skip


def _export() -> Tables:
    """Rows of every role an import writes; some of each kind that must be told of are wrong."""
    orders = range(ROWS // 10)
    return {
        Role.TERRITORY: [["external_id", "name", "parent"], ["W", "World", ""], ["N", "North", "W"], ["S", "South", "W"]],
        Role.PERSON: [
            ["external_id", "name", "manager", "territory"],
            *([f"P-{n}", f"Person {n}", f"P-{(n - 1) // 4}" if n else "", "NS"[n % 2]] for n in range(40)),
        ],
        Role.MEMBERSHIP: [
            ["person", "territory", "from_date"], *([f"P-{n}", "NS"[n % 2], "2025-01-01"] for n in range(40)),
        ],
        Role.FAMILY: [["name", "parent"], ["All", ""], ["Goods", "All"], ["Services", "All"]],
        Role.PRODUCT: [
            ["external_id", "name", "family", "list_price"],
            *([f"G-{n}", f"Product {n}", ("Goods", "Services")[n % 2], n + 5] for n in range(20)),
        ],
        Role.ACCOUNT: [
            ["external_id", "name", "country"], *([f"A-{n}", f"Account {n}", "Peru"] for n in range(ROWS // 7)),
        ],
        Role.OPPORTUNITY: [
            ["external_id", "name", "account", "owner", "product", "territory", "stage", "amount", "created_at",
             "close_date"],
            *(_deal(n) for n in range(ROWS)),
        ],
        Role.ORDER_LINE: [
            ["external_id", "account", "owner", "product", "close_date", "quantity", "unit_price", "amount"],
            *([f"O-{n // 3}", f"A-{n // 3 % 9}", f"P-{n // 3 % 40}", f"G-{n % 20}", _day(n // 3), 2, 5, 10] for n in orders),
        ],
        Role.STAGE_HISTORY: [
            ["deal", "stage", "entered_at"],
            *([f"D-{n + (ROWS if n % 50 == 0 else 0):06d}", "Talks", _day(n + 3)] for n in range(0, ROWS, 2)),
        ],
        Role.QUOTA: [
            ["person", "period_date", "amount"],
            *([f"P-{n % 50}", f"2026-{2 + n // 50:02d}-01", 1000 + n] for n in range(300)),
        ],
        Role.CURRENCY_RATE: [
            ["from_currency", "to_currency", "from_date", "rate"],
            *(["EUR", ("USD", "PEN")[n % 9 == 0], _day(n), f"1.{n + 10}"] for n in range(60)),
        ],
    }  # fmt: skip


def _deal(n: int) -> list[object]:
    """One in forty has an amount that is none; all that were known have another one now."""
    amount = "much" if n % 40 == 39 else f"{n}.50"
    stage = ("Won", "Lost", "Offer")[n % 3]
    account, product = f"A-{n % (ROWS // 7)}", f"G-{n % 20}"
    days = (_day(n), _day(n + 60))
    return [f"D-{n:06d}", f"Deal {n}", account, f"P-{n % 40}", product, "NS"[n % 2], stage, amount, *days]


def _day(number: int) -> str:
    return (dt.date(2025, 1, 1) + dt.timedelta(days=number % 300)).isoformat()


def _written(folder: Path, began: dt.datetime) -> Path:
    """All tables once the roll-ups have taken in what the import changed."""
    fold(max_seconds=SECONDS)
    return write_tables(folder, since=began)
