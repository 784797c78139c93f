"""Deals whose identities nobody can tell apart are two deals, and the report of the import says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from opportunities.domain.import_json import mapping_from_json
from opportunities.domain.import_look_alikes import CHANGED, INTO, plain
from opportunities.models import ImportBatch, ImportProblem, Opportunity
from opportunities.services.imports_look_alikes import _PLAIN
from opportunities.services.imports_plan import make_plan
from opportunities.services.imports_prepare import prepare
from tests.domain.opportunities.test_import_look_alikes import PAIRS
from tests.factories.organization import make_company
from tests.stories.small_imports import deals, imported, planned

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def company() -> None:
    make_company()


def rows(*keys: str) -> dict[str, str]:
    return dict(
        deals(*(f"{key},Roof,Acme,Ann Smith,Verbal OK,{n},2026-12-20" for n, key in enumerate(keys, 1)))
    )


def told(batch_id: int) -> list[tuple[int | None, str, str, str]]:
    found = ImportProblem.objects.filter(batch_id=batch_id, code="LOOKS_ALIKE").order_by("row")
    assert {(p.file, p.column, p.severity) for p in found} <= {("deals.csv", "Deal ID", "NOTE")}
    assert all(p.cure for p in found)
    return [(p.row, p.value, str(p.message).split(", but")[0]) for p in found]  # type: ignore[misc]


def test_two_of_one_file_are_two_deals_and_told(tmp_path: Path) -> None:
    keys = ["D-1", "D-2", "\u0415-3", "D\u20111", "E-3", "E-4", "\u0395-3", "D-2"]
    batch_id = imported(tmp_path, rows(*keys[:-1]))
    assert set(Opportunity.objects.values_list("external_id", flat=True)) == set(keys)
    assert told(batch_id) == [
        (5, "D\u20111", "looks like “D-1” of row 2"),
        (6, "E-3", "looks like “\u0415-3” of row 4"),
        (8, "\u0395-3", "looks like “\u0415-3” of row 4"),
    ]
    plan = ImportBatch.objects.get(pk=batch_id).plan
    assert (plan["created"], plan["problem_counts"]["LOOKS_ALIKE"]) == (7, 3)


def test_one_that_looks_like_a_known_one_does_not_change_it(tmp_path: Path) -> None:
    imported(tmp_path, rows("D-1", "\uff24-2"))
    batch_id = imported(tmp_path, rows("\uff24-1", "D-2", "D-3"))
    assert Opportunity.objects.count() == 5
    assert told(batch_id) == [
        (2, "\uff24-1", "looks like “D-1”, which is known"), (3, "D-2", "looks like “\uff24-2”, which is known"),
    ]  # fmt: skip


def test_another_source_may_have_what_looks_the_same(tmp_path: Path) -> None:
    imported(tmp_path, rows("\uff24-1"), source="other")
    assert told(planned(tmp_path, rows("D-1"))) == []


def test_more_than_there_is_room_for_are_counted(tmp_path: Path) -> None:
    keys = [f"D-{n}" for n in range(4)] + [f"\uff24-{n}" for n in range(4)]
    batch = ImportBatch.objects.get(pk=planned(tmp_path, rows(*keys)))
    prepared = prepare(batch, mapping_from_json(batch.mapping), now=timezone.now())
    prepared.gather.limit = len(prepared.gather.problems) + 1
    assert make_plan(prepared).problem_counts["LOOKS_ALIKE"] == 4
    assert [p.value for p in prepared.gather.problems if p.code == "LOOKS_ALIKE"] == ["\uff24-0"]


def test_the_database_sees_them_as_the_program_does() -> None:
    """One rule in two places: both must come to the same for every character of the table, and for the pairs."""
    texts = [f"x{sign}y" for sign in CHANGED] + [text for pair in PAIRS for text in pair[:2]]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT array_agg({_PLAIN} ORDER BY n) FROM unnest(%(texts)s) WITH ORDINALITY AS t(key, n)",
            {"texts": texts, "changed": CHANGED, "into": INTO},
        )
        assert cursor.fetchone()[0] == [plain(text) for text in texts]
