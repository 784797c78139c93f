"""Texts made to fill the memory of whoever looks at them before anything is asked, or to keep them busy: each is looked
at in a process of its own that has far less memory than a file may cost."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MIB = 1024 * 1024
LOOK = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, 2 * (int(sys.argv[2]),))
from opportunities.crm.preset import FileHead
from opportunities.crm.suggest import suggest_file
from opportunities.domain.import_mapping import Answers
from opportunities.domain.import_profile import profile_file
from opportunities.domain.import_rows import extract_reader
from salesops.kernel.archive import SourceFile, open_table
from salesops.kernel.tabular import Gatherer
gather = Gatherer()
table = open_table(SourceFile(Path(sys.argv[1]), "deals.csv"))
mapping = suggest_file(FileHead(table.name, table.header, True))
rows = profile_file(table, mapping, Gatherer(), set()).rows
for part in mapping.extracts:
    for _record in extract_reader(part, table.name, table.header, Answers(), gather).read(table.rows(gather)):
        pass
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_utime)
"""
HEAD = "Deal Name,Account Name,Owner,Stage,Amount,Close Date,Created Date,Probability\n"


def long_values() -> Iterator[str]:
    """Every cell differs and is as long as a cell may be."""
    for n in itertools.count():
        yield ",".join(f"{n}{column}{'x' * 90_000}" for column in range(8)) + "\n"


def long_moments() -> Iterator[str]:
    """Every day and hour are far apart."""
    for n in itertools.count():
        yield f"Roof {n},Acme,Ann,Won,1,2026-01-01,2026-01-{n % 28 + 1:02d}{' ' * (90_000 - n)}10:00,\n"


def many_columns() -> Iterator[str]:
    """As many columns as a table may have, and no two cells alike."""
    for n in itertools.count():
        yield f"{n}," * 8 + ",".join(f"{n:x}{column:03x}" for column in range(492)) + "\n"


def many_stages() -> Iterator[str]:
    """Every deal is in a stage of its own, of its own probability."""
    for n in itertools.count():
        yield f"Roof,Acme,Ann,Stage of deal {n:090d},1,2026-01-01,,{n}\n"


FILES = {
    "long values": (HEAD, long_values(), 64, 80),
    "long moments": (HEAD, long_moments(), 64, 80),
    "many columns": (HEAD[:-1] + "," + ",".join(f"c{n}" for n in range(492)) + "\n", many_columns(), 12, 128),
    "many stages": (HEAD, many_stages(), 12, 96),
    "long names": (
        HEAD[:-1] + "," + ",".join(f"{n}{'stage' * 50}" for n in range(492)) + "\n",
        many_columns(),
        1,
        64,
    ),
}
"""Header and lines; MiB of them, and of memory to look at them: all that they say would not fit in."""


@pytest.mark.parametrize("which", FILES)
def test_no_table_fills_the_memory_of_who_looks_at_it(tmp_path: Path, which: str) -> None:
    head, lines, mib, most = FILES[which]
    path, size = tmp_path / "deals.csv", 0
    with path.open("w", encoding="utf-8") as file:
        file.write(head)
        while size < mib * MIB:
            size += file.write(next(lines))
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(path), str(most * MIB)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-300:]
    rows, seconds = done.stdout.split()
    assert int(rows) > 50
    assert float(seconds) < 4.5, "of the processor"
