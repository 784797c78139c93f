"""Imports beside a load: an export of deals the company has, each time with other amounts and next steps.

Only closed deals are in it, which nobody edits under load, so no edit is refused because the import was there first;
and no deals are added, so the benchmarks' company stays as large as it was.
"""

from __future__ import annotations

import asyncio
import csv
import math
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.e2e.server import ROOT

BAR = 2.0
"""An import may make the 99th percentile of a kind of request so many times as long."""
COLUMNS = {
    "Opportunity ID": "external_id", "Opportunity Name": "name", "Account Name": "account__name",
    "Opportunity Owner": "owner__name", "Opportunity Record Type": "process__name", "Stage": "stage__name",
    "Amount": "amount", "Amount Currency": "currency_id", "Close Date": "close_date", "Type": "deal_type",
    "Lead Source": "lead_source", "Next Step": "next_step",
}  # fmt: skip


@dataclass
class Imports:
    """One after another, each a process of its own as a worker's are; when each began and ended is kept."""

    env: Mapping[str, str]
    file: Path
    rows: int
    times: list[tuple[float, float]] = field(default_factory=list)

    def write(self) -> None:
        """The export: of so many closed deals every one has another next step, and every tenth another amount."""
        from opportunities.models import Opportunity

        closed = Opportunity.objects.filter(is_deleted=False, amount__isnull=False).exclude(status="OPEN")
        # copies of the demo company bear its deals' numbers with a mark; their owners have namesakes in it
        found = (
            closed.exclude(external_id__contains="~").order_by("id").values(*COLUMNS.values())[: self.rows]
        )
        with self.file.open("w", encoding="utf-8", newline="") as stream:
            self._write(stream, found)

    def _write(self, stream: IO[str], deals: Iterable[dict[str, object]]) -> None:
        out, self.rows = csv.writer(stream), 0
        out.writerow(COLUMNS)
        for number, deal in enumerate(deals, 1):
            deal["next_step"] = f"Send paper {number} of {time.time():.0f}"
            if number % 10 == 0:
                deal["amount"] = f"{int(str(deal['amount']).split('.')[0]) + 1}.00"
            out.writerow("" if value is None else value for value in deal.values())
            self.rows = number

    async def run(self, begin: float, end: float) -> None:
        """From one moment of `time.perf_counter` to another; the last one is finished. Raises SystemExit
        when one fails."""
        await asyncio.sleep(max(begin - time.perf_counter(), 0))
        while not self.times or time.perf_counter() < end:
            await asyncio.to_thread(self.write)
            began = time.perf_counter()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "manage.py", "import_crm", str(self.file), "--accept-suggestions", "--json",
                cwd=ROOT, env=self.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            told = (await process.communicate())[0].decode()
            if process.returncode or f'"updated": {self.rows},' not in told:
                raise SystemExit(
                    f"import_crm did not update all deals ({process.returncode}):\n{told[-2000:]}"
                )
            self.times.append((began, time.perf_counter()))

    def compared(self, course: Iterable[tuple[str, float, float]]) -> bool:
        """Prints for each kind of request, given with when it was due and what it took, the 99th percentile before the
        first import and beside imports; whether the bar holds.
        """
        waits: dict[str, tuple[list[float], list[float]]] = {}
        for kind, due, took in course:
            without, beside = waits.setdefault(kind, ([], []))
            if due < self.times[0][0]:
                without.append(took)
            elif any(began <= due < ended for began, ended in self.times):
                beside.append(took)
        took = sum(ended - began for began, ended in self.times)
        print(f"   {len(self.times)} imports of {self.rows:,} rows in {took:.0f} s beside the second half:")
        good = True
        for kind, (without, beside) in sorted(waits.items()):
            before, now = _late(without), _late(beside)
            holds = now <= before * BAR
            good = good and holds
            print(
                f"{'ok' if holds else '!!'} {kind + 's':<22} p99 {before:.0f} ms without, {now:.0f} ms beside an "
                f"import: {now / before:.1f} times (bar: {BAR:g}{'' if holds else ', MISSED'})"
            )
        return good


def _late(took: list[float]) -> float:
    """The 99th percentile; infinite where there was nothing."""
    return sorted(took)[int(len(took) * 0.99)] if took else math.inf
