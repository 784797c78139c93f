"""A week later the CRM is exported again: only what moved is changed, nothing the file is silent about is lost."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from opportunities.domain.deal import TRACKED_FIELDS
from opportunities.models import ImportBatch, Opportunity, OpportunityVersion
from opportunities.services.imports_undo import undo_import
from organization.domain.roles import Role
from organization.domain.scope import Scope
from pipeline.domain.figures import FigureQuery
from pipeline.rollups import differences
from pipeline.selectors.figures import figures

pytestmark = pytest.mark.django_db
SILENT = ("product_id", "territory_id", "list_amount", "account_id", "owner_id", "currency_id", "started_on")


def states() -> dict[str, tuple[object, ...]]:
    return {
        row[0]: row[1:]
        for row in Opportunity.objects.filter(is_deleted=False).values_list("external_id", *TRACKED_FIELDS)
    }


def test_only_what_moved_is_changed_and_undo_restores(demo: Path, reach: Callable[[Role], Scope]) -> None:
    before, versions = states(), OpportunityVersion.objects.count()
    won = figures(reach(Role.OPS), FigureQuery(("won_count",))).sums["won_count"]
    file = str(demo / "demo" / "crm-export-next-week.csv")

    call_command("import_crm", file, "--json", stdout=StringIO())

    after = states()
    assert len(after) == len(before) + 12
    position = {name: index for index, name in enumerate(TRACKED_FIELDS)}
    for key, state in before.items():
        for name in SILENT:
            assert after[key][position[name]] == state[position[name]], (key, name)
    changed = [key for key, state in before.items() if after[key] != state]
    still_open = [key for key, state in before.items() if state[position["status"]] == "OPEN"]
    assert 0.05 < len(changed) / len(still_open) < 0.5
    assert OpportunityVersion.objects.count() == versions + len(changed) + 12
    assert figures(reach(Role.OPS), FigureQuery(("won_count",))).sums["won_count"] > won
    assert differences() == []

    call_command("import_crm", file, "--json", stdout=StringIO())
    assert states() == after, "the same file again changes nothing"

    for batch in ImportBatch.objects.order_by("-id").values_list("id", flat=True):
        undo_import(batch_id=batch, actor_id=None, actor_name="test")
    assert states() == before
    assert differences() == []
