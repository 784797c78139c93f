"""A client that keeps importing files through the product's jobs, while workers are killed under it."""

from __future__ import annotations

import csv
import threading
import time
from collections import Counter
from pathlib import Path

from tests.chaos.stack import Stack
from tests.chaos.writers import IMPORTED

COLUMNS = (
    "Opportunity ID", "Opportunity Name", "Account Name", "Opportunity Owner", "Opportunity Record Type", "Stage",
    "Amount", "Amount Currency", "Close Date", "Created Date", "Next Step",
)  # fmt: skip
ASK = """
from pathlib import Path
from opportunities.services import imports
from opportunities.services.imports_jobs import request_apply
from organization.domain.scope import Scope
batch = imports.start_import(path=Path({path!r}), scope=Scope.system("chaos"), actor_name="chaos")
imports.recognise_import(batch_id=batch, preset="", source="chaos", mapping=None, time_zone="")
plan = imports.plan_import(batch_id=batch)
answers, repairs = imports.accept_suggestions(plan.questions)
imports.answer_import(batch_id=batch, answers=answers, repairs=repairs)
plan = imports.plan_import(batch_id=batch)
assert not plan.is_blocked, plan.questions
request_apply(batch_id=batch, user=None)
print("asked", batch)
"""
ENDS = """
SELECT id, state, error::text, coalesce((plan->>'rows')::int, 0),
       (SELECT coalesce(sum((plan->>part)::int), 0)
          FROM unnest(ARRAY['created', 'updated', 'unchanged', 'rejected', 'set_aside']) AS part)
  FROM opportunities_importbatch
"""
REFUSED = ("READY", "CANCELLED", "FAILED")
"""States in which an import that was refused waits to be asked again."""


class Importer(threading.Thread):
    """Asks for one import after another: the file of new deals, then the same with other amounts, and so on.

    A request that failed under a fault is asked again with the same file: importing it twice changes nothing. One at
    least is acknowledged, if need be once the faults are over.
    """

    def __init__(self, stack: Stack, over: threading.Event, *, rows: int = 400) -> None:
        super().__init__(daemon=True)
        self.stack, self.over, self.rows = stack, over, rows
        self.files: list[Path] = []
        self.asked: Counter[str] = Counter()
        self.acknowledged: list[int] = []
        self.failure = ""

    def run(self) -> None:
        """Until told that it is over, or three files are through."""
        owners = [
            row[0] for row in self.stack.sql("SELECT name FROM organization_person ORDER BY id LIMIT 200")
        ][::10]
        for number in range(3):
            path = self._written(number, owners)
            self.files.append(path)
            while not self.over.is_set() or not self.acknowledged:
                done = self.stack.manage("shell", "-c", ASK.format(path=str(path)), check=False)
                self.asked["asked" if done.returncode == 0 else "failed"] += 1
                if done.returncode == 0:
                    self.acknowledged.append(int(done.stdout.split()[-1]))
                    break
                self.failure = done.stderr[-600:]
                time.sleep(1)
            self.over.wait(8)

    def _written(self, number: int, owners: list[str]) -> Path:
        path = self.stack.folder / f"chaos-{number}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in range(self.rows):
                writer.writerow([
                    f"CH-{row:06}", f"{IMPORTED} {row}", f"Chaos account {row % 40}", owners[row % len(owners)],
                    "New business", "Proposal", f"{1000 + row + 10_000 * number}.00", "USD", "2026-12-29", "2026-10-01",
                    f"file {number}",
                ])  # fmt: skip
        return path

    def wrong(self) -> list[str]:
        """What is not as the files said, once everything has come to rest; each file's amounts in their order."""
        found = self._unfinished()
        rows = self.stack.sql(
            "SELECT external_id, count(*) FROM opportunities_opportunity WHERE external_id LIKE 'CH-%%' GROUP BY 1"
        )
        if len(rows) not in (0, self.rows):
            found.append(f"imported {len(rows)} deals of {self.rows}")
        found += [f"deal {key} is there {count} times" for key, count in rows if count > 1][:3]
        split = self.stack.sql(
            "SELECT next_step, count(*) FROM opportunities_opportunity WHERE external_id LIKE 'CH-%%' GROUP BY 1"
        )
        if len(split) > 1:
            found.append(f"an import was left half done: {split}")
        return found

    def _unfinished(self) -> list[str]:
        """Imports that were acknowledged and did not end: done with every row counted, or refused with a reason. None
        is left running, asked for or not."""
        ends = {row[0]: row[1:] for row in self.stack.sql(ENDS)}
        found = [] if self.acknowledged else [f"no import was acknowledged: {self.failure}"]
        for batch in self.acknowledged:
            state, reason, rows, counted = ends.get(batch, ("", "", 0, 0))
            if state == "DONE" and (rows, counted) != (self.rows, self.rows):
                found.append(f"import {batch}: {rows} rows and {counted} counted of {self.rows}")
            elif state != "DONE" and not (state in REFUSED and reason):
                found.append(
                    f"import {batch} was acknowledged and is {state or 'gone'}: {reason or 'no reason'}"
                )
        return found + [
            f"import {batch} is left running" for batch, end in ends.items() if end[0] == "RUNNING"
        ]
