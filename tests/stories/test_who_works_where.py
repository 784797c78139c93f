"""Lists of people and their territories, export after export, and undone again."""

from __future__ import annotations

from pathlib import Path

import pytest

from opportunities.services.imports_undo import undo_import
from organization.models import TerritoryMembership
from tests.factories.organization import make_company, make_person, make_territory
from tests.stories.data_sets import import_crm

pytestmark = pytest.mark.django_db
HEAD = "Rep,Territory,Start Date,End Date\n"


@pytest.fixture(autouse=True)
def company() -> None:
    make_company()
    for name in ("Ann", "Bo"):
        make_person(name)
    for name in ("North", "South"):
        make_territory(name)


def brought(folder: Path, rows: str, *options: str) -> tuple[dict[str, int], dict[str, object]]:
    path = folder / "territories of reps.csv"
    path.write_text(HEAD + rows)
    report = import_crm(path, "--source", "crm", *options).report
    return report["references"]["MEMBERSHIP"], report


def stays() -> list[str]:
    rows = TerritoryMembership.objects.order_by("person__name", "from_date", "territory__name")
    return [
        f"{who} {where} {since}..{until}"
        for who, where, since, until in rows.values_list(
            "person__name", "territory__name", "from_date", "to_date"
        )
    ]


def test_a_move_learnt_with_the_next_export_is_undone_with_it(tmp_path: Path) -> None:
    first = "Ann,North,2024-01-01,\nAnn,South,2024-01-01,\nBo,North,2024-01-01,\n"
    counts, _ = brought(tmp_path, first, "--dry-run")
    assert (counts["created"], stays()) == (3, []), "a preview writes nothing"
    brought(tmp_path, first)
    before = stays()
    assert before == [
        "Ann North 2024-01-01..9999-12-31", "Ann South 2024-01-01..9999-12-31", "Bo North 2024-01-01..9999-12-31",
    ]  # fmt: skip
    moved = "Ann,North,2025-07-01,\nAnn,North,2024-01-01,2024-12-31\nBo,North,2024-01-01,\nBo,Nowhere,2024-01-01,\n"
    counts, report = brought(tmp_path, moved)
    assert counts == {"rows": 4, "created": 1, "updated": 1, "unchanged": 1, "rejected": 1, "repeated": 0}
    assert stays() == [
        "Ann North 2024-01-01..2025-01-01", "Ann South 2024-01-01..9999-12-31", "Ann North 2025-07-01..9999-12-31",
        "Bo North 2024-01-01..9999-12-31",
    ]  # fmt: skip
    undo_import(batch_id=int(str(report["batch"])), actor_id=None, actor_name="test")
    assert stays() == before
