"""The demo's careless export: a misspelt stage is the stage it resembles, a currency nobody knows is not guessed."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from opportunities.models import Opportunity, Stage

pytestmark = pytest.mark.django_db


def test_misspelt_stages_become_no_stages_of_their_own(demo: Path) -> None:
    stages = set(Stage.objects.values_list("process__name", "name"))
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(
            "import_crm", str(demo / "demo" / "crm-export-with-mistakes.csv"), "--accept-suggestions",
            "--answer", "date-order=DMY", stdout=out,
        )  # fmt: skip
    assert ended.value.code == 4, "imported, with rejects"
    assert set(Stage.objects.values_list("process__name", "name")) == stages
    text = out.getvalue()
    assert "is not a known currency" in text
    imported = Opportunity.objects.filter(external_id__startswith="X-")
    assert imported.count() > 100
    assert not imported.filter(stage__isnull=True).exists()
    assert set(imported.values_list("currency_id", flat=True)) <= {"USD", "EUR", "GBP"}
