"""One run: start, write, strike, quiesce, and judge."""

from __future__ import annotations

import json
import random
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from tests.chaos.clients import Journal, Reader, Session
from tests.chaos.faults import drawn
from tests.chaos.importer import Importer
from tests.chaos.proxy import Proxy
from tests.chaos.recovery import (
    ANSWERS_SECONDS,
    JOBS_SECONDS,
    JobProbe,
    Recovery,
    Struck,
    late,
    recoveries,
    told,
)
from tests.chaos.slowness import Slowness
from tests.chaos.stack import Stack
from tests.chaos.writers import STORED, Client, QuotaWriter, Writer

SETTLE_SECONDS = 120
SHORTAGES = (
    "MemoryError",
    "ERROR:  out of memory",
    "File too large",
    "SIGXFSZ",
    "command not allowed when used memory",
)
"""What Python, PostgreSQL and Redis say when memory or disk is short: that the faults were felt."""
LOGINS = """
import json
from django.db.models import Count
from organization.models import Person, User
from organization.services import create_login
from opportunities.models import Opportunity
wanted = {count}
busy = (Opportunity.objects.filter(status="OPEN", is_deleted=False, owner__user__isnull=True)
        .values_list("owner_id").annotate(n=Count("id")).order_by("-n", "owner_id")[:wanted])
for number, (person, _) in enumerate(busy):
    create_login(email=f"chaos{{number}}@chaos.example", name=f"Chaos {{number}}", password="{password}", roles=["REP"],
                 person_id=person)
create_login(email="chaos-quotas@chaos.example", name="Chaos quotas", password="{password}", roles=["OPS"])
print(json.dumps(len(busy)))
"""
EMPTY_CELLS = """
SELECT person.id, month.id FROM organization_fiscalperiod AS month, organization_person AS person
 WHERE person.is_active AND month.kind = 'MONTH' AND month.from_date > now() + interval '1 year'
   AND month.calendar_id = (SELECT calendar_id FROM organization_company)
   AND NOT EXISTS (SELECT FROM territories_quota WHERE period_id = month.id)
 ORDER BY month.id, person.id LIMIT 4000
"""
LEAST_KILLS, LEAST_WRITES = 200, 100_000
"""An hour of the long form has so many."""


@dataclass
class Verdict:
    """What the run showed. `faults_found` are sentences; none of them means that everything held."""

    seed: int
    strikes: int = 0
    kills: int = 0
    acknowledged: int = 0
    replayed: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    minutes: float = 0.0
    recoveries: list[Recovery] = field(default_factory=list)
    longest_silence: float = 0.0
    snapshots: int = 0
    faults_found: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    shortages: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"seed {self.seed}: {self.strikes} faults in {self.minutes:.0f} minutes, {self.kills} of them kills; "
            f"{self.acknowledged:,} writes acknowledged, {self.replayed} of them answered again by their key",
            "of these " + ", ".join(f"{name} {count:,}" for name, count in sorted(self.kinds.items())),
            f"longest time without any acknowledged write {self.longest_silence:.1f} s; roll-ups compared with the deals "
            f"{self.snapshots} times under way",
            "answers: " + ", ".join(f"{name} {count}" for name, count in sorted(self.statuses.items())),
            "shortages felt: " + ", ".join(f"{name} {count}" for name, count in self.shortages.items()),
            *told(self.recoveries),
            *(f"FAULT: {fault}" for fault in self.faults_found),
            "everything held" if not self.faults_found else f"{len(self.faults_found)} faults",
        ]

    def too_little(self) -> list[str]:
        """What an hour of the long form has more of; a run with fewer kills or writes proves less than it says."""
        return [
            f"{count * 60 / self.minutes:,.0f} {name} an hour, {least:,} are the least"
            for name, count, least in (
                ("kills", self.kills, LEAST_KILLS),
                ("writes", self.acknowledged, LEAST_WRITES),
            )
            if count * 60 < least * self.minutes
        ]


class Run:
    """A seeded run of so many faults with so many writers, `pause` seconds apart on average.

    What recovers may take `patience` times as long as the bars say, and as much longer as others used the machine.
    """

    def __init__(
        self, folder: Path, port: int, *, seed: int, faults: int, writers: int, pause: float, deals: int,
        say: Callable[[str], None], patience: float = 1.0,
    ) -> None:  # fmt: skip
        self.stack = Stack(folder, port)
        self.seed, self.faults, self.pause, self.deals, self.say = seed, faults, pause, deals, say
        self.count, self.rng = writers, random.Random(seed)
        self.journal, self.over = Journal(), threading.Event()
        self.verdict, self.patience = Verdict(seed), patience
        self.struck: list[Struck] = []
        self.ended = 0.0

    def judge(self) -> Verdict:
        """Runs it all. The stack is ended whatever happens."""
        self.say(f"chaos, seed {self.seed}")
        try:
            self.stack.start(self.deals)
            proxy = Proxy(int(self.stack.address.rsplit(":", 1)[1]))
            proxy.start()
            self._under_faults(proxy)
            proxy.stop()
            self._settle()
            self._check()
        finally:
            self.stack.stop()
        return self.verdict

    def _under_faults(self, proxy: Proxy) -> None:
        writers = self._writers(proxy.port)
        reader = Reader(Session(proxy.port, self._demo_login("Executive")), self.over, self.seed)
        watcher = threading.Thread(target=self._watch, daemon=True)
        self.importer, self.jobs = Importer(self.stack, self.over), JobProbe(self.stack, self.over)
        self.slowness = Slowness(self.stack.pid, self.over)
        threads = (*writers, reader, watcher, self.importer, self.jobs, self.slowness)
        for thread in threads:
            thread.start()
        began = time.monotonic()
        while len(self.journal.ack_times) < self.count and time.monotonic() - began < 60:
            time.sleep(0.1)
        self._strike(proxy, began)
        time.sleep(2 * self.pause)
        self.over.set()
        self.ended = time.monotonic()
        self.verdict.minutes = (self.ended - began) / 60
        for thread in threads:
            thread.join(150)
        self.verdict.faults_found += [thread.failure for thread in (*writers, reader) if thread.failure]
        self.verdict.faults_found += [f"{thread.name} did not end" for thread in writers if thread.is_alive()]
        self.say(f"pages: {dict(reader.seen)}; imports: {dict(self.importer.asked)}")

    def _strike(self, proxy: Proxy, began: float) -> None:
        for fault in drawn(self.rng, self.faults):
            time.sleep(self.rng.uniform(0.4, 1.6) * self.pause)
            at = time.monotonic()
            hit = fault.strike(self.stack, proxy, self.rng)
            self.say(f"{time.monotonic() - began:8.1f} s  {fault.name}: {hit or 'nothing to hit'}")
            if hit:
                self.struck.append(Struck(fault.name, at, time.monotonic()))
            self.verdict.strikes += bool(hit)
            self.verdict.kills += bool(hit) and fault.kills

    def _writers(self, port: int) -> list[Client]:
        password = secrets.token_urlsafe(16)
        made = self.stack.manage("shell", "-c", LOGINS.format(count=self.count, password=password))
        count = int(json.loads(made.stdout.strip().splitlines()[-1]))
        logins = [{"email": f"chaos{number}@chaos.example", "password": password} for number in range(count)]
        cells = self.stack.sql(EMPTY_CELLS)
        random.Random(self.seed).shuffle(cells)
        of_quotas = Session(port, {"email": "chaos-quotas@chaos.example", "password": password})
        return [
            *(
                Writer(number, Session(port, login), self.journal, self.seed, self.over)
                for number, login in enumerate(logins)
            ),
            QuotaWriter(of_quotas, self.journal, self.seed, self.over, cells),  # type: ignore[arg-type]
        ]

    def _demo_login(self, role: str) -> dict[str, str]:
        logins = json.loads((self.stack.folder / "var" / "demo_logins.json").read_text(encoding="utf-8"))
        return next(login for login in logins if login["role"] == role)

    def _watch(self) -> None:
        """Roll-ups equal the deals at every node while everybody writes and things die."""
        while not self.over.is_set():
            with suppress(psycopg2.Error, OSError):
                wrong = self.stack.sql("SELECT * FROM rollup_differences() LIMIT 3")
                self.verdict.snapshots += 1
                if wrong:
                    self.verdict.faults_found.append(f"roll-ups differ under way: {wrong}")
                    return
            self.over.wait(1.0)

    def _settle(self) -> None:
        """Until the queue is folded and no job is under way."""
        end = time.monotonic() + SETTLE_SECONDS
        left: list[tuple[int, int]] = []
        while time.monotonic() < end:
            with suppress(psycopg2.Error):
                left = self.stack.sql(
                    "SELECT (SELECT count(*) FROM pipeline_rollupqueue),"
                    " (SELECT count(*) FROM jobs_job WHERE state IN ('QUEUED', 'RUNNING', 'FAILED')"
                    " AND not_before < now() + interval '5 minutes')"  # the weekly verification waits for its hour
                )
                if left == [(0, 0)]:
                    return
            time.sleep(0.5)
        self.verdict.faults_found.append(f"after {SETTLE_SECONDS} s still waiting (changes, jobs): {left}")

    def _check(self) -> None:
        journal, verdict = self.journal, self.verdict
        verdict.faults_found += journal.wrong(self.stack.sql(STORED))  # type: ignore[arg-type]
        verdict.faults_found += self.importer.wrong()
        proof = self.stack.manage("verify", check=False)
        if proof.returncode:
            verdict.faults_found.append(f"verify: {proof.stdout[-2000:]}{proof.stderr[-500:]}")
        verdict.acknowledged, verdict.replayed = len(journal.acknowledged), journal.replayed
        verdict.statuses, verdict.shortages = dict(journal.statuses), self.stack.logged(SHORTAGES)
        verdict.kinds = dict(journal.kinds())
        self._check_recovery()
        times = [*sorted(journal.ack_times), self.ended]
        verdict.longest_silence = max((b - a for a, b in zip(times, times[1:], strict=False)), default=0.0)

    def _check_recovery(self) -> None:
        """Answers and jobs of each lane came again in time after every fault."""
        awaited = {"answers": (sorted(self.journal.ack_times), ANSWERS_SECONDS)}
        awaited |= {f"{lane} jobs": (times, JOBS_SECONDS) for lane, times in self.jobs.finished().items()}
        for what, (times, bar) in awaited.items():
            self.verdict.recoveries += recoveries(
                self.struck, what, times, self.ended, bar * self.patience, self.slowness.between
            )
        self.verdict.faults_found += late(self.verdict.recoveries)
