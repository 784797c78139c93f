"""Whatever bytes an export has, an import ends in words: nothing crashes, nothing is swallowed, and none takes more
than 512 MiB or a minute.

`make fuzz ARGS=50000` tries so many files instead of the few of a run of all tests.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, event, example, given, settings

from opportunities.domain.import_mapping import Role
from opportunities.domain.import_plan import Plan
from opportunities.models import ImportBatch, ImportProblem, Opportunity
from opportunities.services.imports import (
    ImportRefused,
    answer_import,
    plan_import,
    reason_of,
    recognise_import,
    start_import,
)
from opportunities.services.imports_apply import apply_import
from salesops.kernel.archive import SourceFile, open_table
from salesops.kernel.tabular import Gatherer, UnreadableFile
from tests.factories.organization import make_company
from tests.fuzz.bars import says_all, within_the_bars
from tests.fuzz.exports import HEAD, Export, exports
from tests.german import left_in_english
from tests.stories.small_imports import ANSWERS, SYSTEM, Steps

FILES = int(os.environ.get("FUZZ_FILES", "0"))
fuzzed = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target],  # shrinking imports takes minutes
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)


def _words(refused: UnreadableFile | ImportRefused) -> str:
    """Which refusal it was; it says what is wrong, and a file's also what to do; in German too."""
    assert str(refused)
    assert left_in_english(reason_of(refused)) == []
    if isinstance(refused, ImportRefused):
        return "refused as a whole"
    assert all((refused.problem.message, refused.problem.cure))
    return "refused: " + refused.problem.code


@settings(fuzzed, max_examples=FILES or 200)
@given(exports())
def test_every_record_of_a_file_is_yielded_or_told(export: Export) -> None:
    with tempfile.TemporaryDirectory() as folder, within_the_bars():
        path = Path(folder) / "deals.csv"
        path.write_bytes(export.data)
        gather = Gatherer()
        try:
            table = open_table(SourceFile(path, path.name))
            rows = list(table.rows(gather))
        except UnreadableFile as refused:
            event(_words(refused))
            return
    for problem in gather.problems:
        assert problem.row
        assert says_all(problem), problem
        assert left_in_english(problem.message, problem.cure) == []
    assert all(len(row.cells) == len(table.header) for row in rows)
    if not export.spoiled and table.header == HEAD:
        wanted = [record for record in export.records if any(record)]
        assert len(rows) + gather.total >= len(wanted)


@pytest.fixture
def company(db: None) -> None:
    make_company()


@settings(fuzzed, max_examples=FILES // 10 or 30)
@given(exports())
@example(
    Export(("\n".join((",".join(HEAD), f"D-1,,,Ann Smith,{'x' * 129},5,2026-03-01", ""))).encode(), True, ())
)
@example(
    Export(
        ("\n".join((",".join(HEAD), f"D-1,,,{'y' * 201},Prospecting,5,2026-03-01", ""))).encode(), True, ()
    )
)
def test_rows_in_are_rows_accounted_for(company: None, export: Export) -> None:
    with transaction.atomic(), tempfile.TemporaryDirectory() as folder, within_the_bars():
        (Path(folder) / "deals.csv").write_bytes(export.data)
        try:
            event(_imported(Path(folder)))
        except (UnreadableFile, ImportRefused) as refused:
            event(_words(refused))
        transaction.set_rollback(True)


def taken_as_proposed(batch_id: int) -> Plan:
    """The plan once what is proposed was taken wherever it asks; every problem and question has its words, in German
    too."""
    answers = dict(ANSWERS)
    for _round in range(4):
        answer_import(batch_id=batch_id, answers=answers, repairs={})
        plan = plan_import(batch_id=batch_id)
        assert plan.balances()
        for question in plan.questions:
            labels = [option.label for option in question.options]
            assert left_in_english(question.text, *labels) == []
        if not plan.is_blocked:
            break
        answers |= {one.key: one.suggestion or one.options[0].value for one in plan.questions if one.options}
    for problem in ImportProblem.objects.filter(batch_id=batch_id):
        assert says_all(problem), (problem, problem.code, problem.column, problem.value)
        assert left_in_english(problem.message, problem.cure) == []
    assert all(question.text for question in plan.questions)
    return plan


def applied(batch_id: int) -> dict[str, int]:
    """What the batch says of its rows once it is applied: each has one fate."""
    apply_import(batch_id=batch_id, steps=Steps())
    connection.check_constraints()  # references are looked at only when a transaction ends
    told = ImportBatch.objects.get(pk=batch_id).plan
    fates = ("created", "updated", "unchanged", "rejected", "set_aside")
    assert told["rows"] == sum(told[fate] for fate in fates)
    return dict(told)


def _imported(folder: Path) -> str:
    """Imports the folder, taking what is proposed wherever it asks; what became of it, in a word."""
    batch_id = start_import(path=folder, scope=SYSTEM, actor_name="Ada")
    mapping = recognise_import(batch_id=batch_id, source="crm")
    plan = taken_as_proposed(batch_id)
    if plan.is_blocked:
        return "asks"
    if any(part.role is Role.OPPORTUNITY for file in mapping.files for part in file.extracts):
        gather = Gatherer()
        read = list(open_table(SourceFile(folder / "deals.csv", "deals.csv")).rows(gather))
        assert plan.rows == len(read) + gather.total
    told = applied(batch_id)
    assert Opportunity.objects.filter(source="crm").count() == told["created"]
    return "applied"
