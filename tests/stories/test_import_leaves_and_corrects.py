"""What a trial leaves behind (nothing), what a later file corrects: when a deal was created, and what undo leaves."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from opportunities.domain.splits import REVENUE, Split
from opportunities.models import ImportBatch, ImportFile, ImportProblem, ImportRow, Opportunity
from opportunities.services import set_splits
from organization.models import Person
from salesops.audit.models import AuditEvent
from tests.factories.opportunities import make_deal
from tests.factories.organization import TEST, make_company
from tests.stories.small_imports import HEAD, deal, deals, folder_of, imported, undone

pytestmark = pytest.mark.django_db
CREATED = HEAD + ",Created Date"
OPEN = "D-1,Roof,Acme,Ann Smith,Verbal OK,100,2026-12-20"


@pytest.fixture(autouse=True)
def company() -> None:
    make_company()


# --- Trials -----------------------------------------------------------------------------------------------------

TRIALS = {
    "dry run": (["--dry-run", "--answer", "stage:Verbal OK=COMMIT"], 0),
    "dry run with open questions": (["--dry-run"], 3),
    "printed mapping": (["--print-mapping"], 0),
    "refused": (["--dry-run", "--time-zone", "Nowhere/Land"], 1),
}


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_leaves_no_rows_and_no_files(
    tmp_path: Path, name: str, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, expected = TRIALS[name]
    settings.VAR_DIR = tmp_path / "var"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    folder, out, code = folder_of(tmp_path, deals(OPEN, "D-2,,,Nobody,Verbal OK,many,")), StringIO(), 0
    events = AuditEvent.objects.count()
    try:
        call_command("import_crm", str(folder), *options, stdout=out)
    except SystemExit as stop:
        code = int(str(stop.code))
    except Exception as error:
        code = error.returncode  # type: ignore[attr-defined]
    assert code == expected
    for model in (ImportBatch, ImportFile, ImportRow, ImportProblem):
        assert not model.objects.exists(), model
    assert AuditEvent.objects.count() == events
    assert not list(tmp_path.glob("var/imports/*"))
    assert not list(scratch.iterdir())


def test_a_trial_tells_what_an_import_would(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, deals(OPEN, "D-2,Wall,,,Verbal OK,many,"))
    answer = ["--answer", "stage:Verbal OK=COMMIT", "--json"]

    def told(*options: str) -> dict[str, object]:
        out = StringIO()
        with contextlib.suppress(SystemExit):
            call_command("import_crm", str(folder), *answer, *options, stdout=out)
        return json.loads(out.getvalue())  # type: ignore[no-any-return]

    trial, done = told("--dry-run"), told()
    differing = {name for name in done if done[name] != trial[name]}
    assert differing == {"batch", "state", "applied"}
    assert trial["batch"] is None


# --- When a deal was created --------------------------------------------------------------------------------------


def created(key: str = "D-1") -> str:
    return deal(key).created_at.isoformat()


def test_a_later_file_corrects_when_a_deal_was_created_and_undo_takes_it_back(tmp_path: Path) -> None:
    imported(tmp_path, deals(OPEN + ",2025-03-04T10:00:00Z", head=CREATED))
    second = imported(tmp_path, deals(OPEN + ",2025-03-02T09:00:00Z", head=CREATED))
    assert created() == "2025-03-02T09:00:00+00:00"
    third = imported(tmp_path, deals(OPEN.replace("100", "90") + ",2025-02-01T08:00:00Z", head=CREATED))
    assert (created(), deal().amount) == ("2025-02-01T08:00:00+00:00", 90)
    assert undone(third).deals_restored == 1
    assert (created(), deal().amount) == ("2025-03-02T09:00:00+00:00", 100)
    assert undone(second).deals_restored == 1
    assert created() == "2025-03-04T10:00:00+00:00"


def test_a_correction_of_the_creation_alone_makes_no_version_but_counts_as_a_change(tmp_path: Path) -> None:
    """It is a fact of the deal, not of one of its states: with a start date of its own, no state changes."""
    head = CREATED + ",Start Date"
    imported(tmp_path, deals(OPEN + ",2025-03-04T10:00:00Z,2025-03-05", head=head))
    versions = deal().versions.count()
    batch = imported(tmp_path, deals(OPEN + ",2025-03-02T09:00:00Z,2025-03-05", head=head))
    assert ImportBatch.objects.get(pk=batch).plan["updated"] == 1
    assert (created(), deal().versions.count()) == ("2025-03-02T09:00:00+00:00", versions)
    assert undone(batch).deals_restored == 1
    assert (created(), deal().versions.count()) == ("2025-03-04T10:00:00+00:00", versions)


def test_a_file_without_creation_says_nothing_of_it(tmp_path: Path) -> None:
    imported(tmp_path, deals(OPEN + ",2025-03-04T10:00:00Z", head=CREATED))
    imported(tmp_path, deals(OPEN.replace("100", "90")))
    assert (created(), deal().amount) == ("2025-03-04T10:00:00+00:00", 90)


def test_a_mapping_may_forbid_the_correction(tmp_path: Path) -> None:
    imported(tmp_path, deals(OPEN + ",2025-03-04T10:00:00Z", head=CREATED))
    imported(tmp_path, deals(OPEN + ",2025-03-02T10:00:00Z", head=CREATED), policies={"created_at": "NEVER"})
    assert created() == "2025-03-04T10:00:00+00:00"


def test_a_deal_made_by_hand_was_created_when_the_crm_says(tmp_path: Path) -> None:
    make_deal(external_id="D-1", source="crm", created_at=dt.datetime(2026, 5, 5, 9, tzinfo=dt.UTC))
    batch = imported(tmp_path, deals(OPEN + ",2025-03-04T10:00:00Z", head=CREATED))
    assert created() == "2025-03-04T10:00:00+00:00"
    undone(batch)
    assert created() == "2026-05-05T09:00:00+00:00"


# --- What is left


def test_an_imported_deal_that_was_shared_since_is_left_and_named(tmp_path: Path) -> None:
    batch = imported(tmp_path, deals(OPEN, OPEN.replace("D-1", "D-2")))
    shared, other = Opportunity.objects.order_by("pk").values_list("pk", flat=True)
    ann = Person.objects.get(name="Ann Smith")
    set_splits(scope=TEST, deal_id=shared, splits=[Split(ann.pk, REVENUE, Decimal(100))])
    done = undone(batch)
    assert [(one.id, one.reason) for one in done.kept if one.kind == "OPPORTUNITY"] == [(shared, "CHANGED")]
    assert dict(Opportunity.objects.values_list("pk", "is_deleted")) == {shared: False, other: True}
