"""The worked example of docs/importing.md does what the page says."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from opportunities.models import Opportunity
from tests.factories.organization import make_company

PAGE = Path(__file__).resolve().parents[2] / "docs" / "importing.md"


def _block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"the page has no {language} block"
    return found[1]


@pytest.mark.django_db(transaction=True)
def test_the_worked_example(tmp_path: Path) -> None:
    make_company()
    (tmp_path / "deals.csv").write_text(_block("csv"), encoding="utf-8")
    (tmp_path / "mapping.json").write_text(_block("json"), encoding="utf-8")

    def run(*options: str) -> str:
        out = StringIO()
        mapping, answer = f"--mapping={tmp_path / 'mapping.json'}", "--answer=missing-owners=create"
        call_command("import_crm", str(tmp_path / "deals.csv"), mapping, answer, *options, stdout=out)
        return out.getvalue()

    promised = "Would import: 3 deal rows = 3 created + 0 changed + 0 unchanged + 0 rejected + 0 set aside"
    assert promised in PAGE.read_text(encoding="utf-8")
    assert promised in run("--dry-run")
    assert not Opportunity.objects.exists()
    assert "3 created" in run()
    stages = sorted(Opportunity.objects.values_list("stage__name", "category", "currency_id"))
    assert stages == [("Proposal", "UPSIDE", "EUR"), ("Proposal", "UPSIDE", "EUR"), ("Won", "WON", "EUR")]
    assert "3 unchanged" in run()
