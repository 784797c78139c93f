"""The demo company in the database: written once, through the triggers, with figures that verify."""

from __future__ import annotations

import datetime as dt
import json
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from opportunities.models import Opportunity, OpportunityVersion
from organization.models import Company, User
from pipeline.rollups import differences
from salesops.demo.seeding import seed

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 11, 23)


@pytest.fixture
def seeded(tmp_path: Path) -> Path:
    assert seed(today=TODAY, deals=300, say=lambda _text: None, folder=tmp_path)
    return tmp_path


def test_history_leads_to_the_present(seeded: Path) -> None:
    assert Opportunity.objects.count() == 300
    for deal in Opportunity.objects.order_by("?")[:40]:
        versions = list(OpportunityVersion.objects.filter(opportunity=deal).order_by("seq"))
        assert [v.seq for v in versions] == list(range(1, deal.version + 1))
        assert all(a.valid_to == b.valid_from for a, b in zip(versions, versions[1:], strict=False))
        assert versions[-1].valid_from == deal.changed_at
        assert versions[0].valid_from == deal.created_at
        assert (versions[-1].stage_id, versions[-1].amount) == (deal.stage_id, deal.amount)


def test_rollups_equal_the_deals(seeded: Path) -> None:
    assert differences() == []


def test_a_login_for_every_role(seeded: Path) -> None:
    file = seeded / "demo_logins.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    logins = json.loads(file.read_text())
    assert [entry["role"] for entry in logins] == [
        "Sales rep", "Sales manager", "Sales ops", "Administrator", "Executive", "Finance", "Auditor",
    ]  # fmt: skip
    for entry in logins:
        assert authenticate(username=entry["email"], password=entry["password"]) is not None


def test_again_changes_nothing(seeded: Path) -> None:
    before = (
        User.objects.count(),
        OpportunityVersion.objects.count(),
        (seeded / "demo_logins.json").read_text(),
    )
    assert not seed(today=TODAY, deals=300, say=lambda _text: None, folder=seeded)
    assert before == (
        User.objects.count(),
        OpportunityVersion.objects.count(),
        (seeded / "demo_logins.json").read_text(),
    )


def test_lost_passwords_are_renewed(seeded: Path) -> None:
    (seeded / "demo_logins.json").unlink()
    assert not seed(today=TODAY, deals=300, say=lambda _text: None, folder=seeded)
    logins = json.loads((seeded / "demo_logins.json").read_text())
    assert len(logins) == 7
    assert authenticate(username=logins[0]["email"], password=logins[0]["password"]) is not None


def test_a_company_of_ones_own_is_left_alone(seeded: Path) -> None:
    Company.objects.update(is_demo=False)
    with pytest.raises(CommandError, match="belongs to Quillhaven"):
        call_command("seed_demo", stdout=StringIO())


def test_too_few_deals_are_refused() -> None:
    with pytest.raises(CommandError, match="at least 200"):
        call_command("seed_demo", "--deals", "5", stdout=StringIO())
