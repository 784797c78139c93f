"""A file written twice over: its many repeats are notes, and leave room for what must be mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from opportunities.models import ImportBatch
from tests.factories.organization import make_company
from tests.stories.small_imports import HEAD, planned

pytestmark = pytest.mark.django_db
REPEATS = 10_050
"""More than an import names one by one."""


def test_repeats_never_push_out_the_rows_that_are_rejected(tmp_path: Path) -> None:
    make_company()
    row = "{},Roof,Acme,Ann Smith,Verbal OK,{},2026-03-01\n"
    text = HEAD + "\n" + row.format("D-1", 100) * (REPEATS + 1) + row.format("D-2", 1) + row.format("D-2", 2)
    batch = ImportBatch.objects.get(pk=planned(tmp_path, {"deals.csv": text}))
    assert batch.plan["repeats"] == REPEATS
    assert batch.plan["problem_counts"] == {"DUPLICATE": 2, "REPEATED_ROW": REPEATS}
    assert batch.problems.filter(code="DUPLICATE").count() == 2
    assert batch.problems.count() == 10_000
