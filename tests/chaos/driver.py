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

from tests.chaos.clients import Journal, Reader, Session, Writer
from tests.chaos.faults import drawn
from tests.chaos.importer import Importer
from tests.chaos.proxy import Proxy
from tests.chaos.stack import Stack

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
print(json.dumps(len(busy)))
"""


@dataclass
class Verdict:
    """What the run showed. `faults_found` are sentences; none of them means that everything held."""

    seed: int
    strikes: int = 0
    kills: int = 0
    acknowledged: int = 0
    replayed: int = 0
    longest_silence: float = 0.0
    snapshots: int = 0
    faults_found: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    shortages: dict[str, int] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"seed {self.seed}: {self.strikes} faults, {self.kills} of them kills; {self.acknowledged:,} writes acknowledged, "
            f"{self.replayed} of them answered again by their key",
            f"longest time without any acknowledged write {self.longest_silence:.1f} s; roll-ups compared with the deals "
            f"{self.snapshots} times under way",
            "answers: " + ", ".join(f"{name} {count}" for name, count in sorted(self.statuses.items())),
            "shortages felt: " + ", ".join(f"{name} {count}" for name, count in self.shortages.items()),
            *(f"FAULT: {fault}" for fault in self.faults_found),
            "everything held" if not self.faults_found else f"{len(self.faults_found)} faults",
        ]


class Run:
    """A seeded run of so many faults with so many writers, `pause` seconds apart on average."""

    def __init__(
        self, folder: Path, port: int, *, seed: int, faults: int, writers: int, pause: float, deals: int,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.stack = Stack(folder, port)
        self.seed, self.faults, self.pause, self.deals, self.say = seed, faults, pause, deals, say
        self.count, self.rng = writers, random.Random(seed)
        self.journal, self.over = Journal(), threading.Event()
        self.verdict = Verdict(seed)
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
        self.importer = Importer(self.stack, self.over)
        for thread in (*writers, reader, watcher, self.importer):
            thread.start()
        began = time.monotonic()
        while len(self.journal.ack_times) < self.count and time.monotonic() - began < 60:
            time.sleep(0.1)
        for fault in drawn(self.rng, self.faults):
            time.sleep(self.rng.uniform(0.4, 1.6) * self.pause)
            hit = fault.strike(self.stack, proxy, self.rng)
            self.say(f"{time.monotonic() - began:8.1f} s  {fault.name}: {hit or 'nothing to hit'}")
            self.verdict.strikes += bool(hit)
            self.verdict.kills += bool(hit) and fault.kills
        time.sleep(2 * self.pause)
        self.over.set()
        self.ended = time.monotonic()
        for thread in (*writers, reader, watcher, self.importer):
            thread.join(150)
        self.verdict.faults_found += [thread.failure for thread in (*writers, reader) if thread.failure]
        self.verdict.faults_found += [f"{thread.name} did not end" for thread in writers if thread.is_alive()]
        self.say(f"pages: {dict(reader.seen)}; imports: {dict(self.importer.asked)}")

    def _writers(self, port: int) -> list[Writer]:
        password = secrets.token_urlsafe(16)
        made = self.stack.manage("shell", "-c", LOGINS.format(count=self.count, password=password))
        count = int(json.loads(made.stdout.strip().splitlines()[-1]))
        logins = [{"email": f"chaos{number}@chaos.example", "password": password} for number in range(count)]
        return [
            Writer(number, Session(port, login), self.journal, self.seed, self.over)
            for number, login in enumerate(logins)
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
        stored: dict[str, int] = dict(
            self.stack.sql(
                "SELECT next_step, count(*) FROM opportunities_opportunityversion WHERE next_step LIKE 'chaos-%%' GROUP BY 1"
            )
        )
        checks = {
            "acknowledged but not stored": [t for t in journal.acknowledged if t not in stored],
            "stored twice": [t for t, count in stored.items() if count > 1],
            "refused but stored": [t for t in journal.refused if t in stored],
            "stored but never intended": [t for t in stored if t not in journal.intended],
        }
        verdict.faults_found += [
            f"{name}: {len(found)}, first {found[:3]}" for name, found in checks.items() if found
        ]
        verdict.faults_found += self.importer.wrong()
        proof = self.stack.manage("verify", check=False)
        if proof.returncode:
            verdict.faults_found.append(f"verify: {proof.stdout[-2000:]}{proof.stderr[-500:]}")
        verdict.acknowledged, verdict.replayed = len(journal.acknowledged), journal.replayed
        verdict.statuses, verdict.shortages = dict(journal.statuses), self.stack.logged(SHORTAGES)
        times = [*sorted(journal.ack_times), self.ended]
        verdict.longest_silence = max((b - a for a, b in zip(times, times[1:], strict=False)), default=0.0)
