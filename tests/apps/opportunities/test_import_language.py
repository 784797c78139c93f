"""What an import asks and refuses is in the language of whoever reads it, whoever imported the files."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from opportunities.models import ImportBatch, ImportProblem
from opportunities.selectors.imports import problems_of, questions_of
from opportunities.services.imports_jobs import refuse_plan
from organization.domain.scope import Scope
from salesops.kernel.said import Said
from tests.german import left_in_english

pytestmark = pytest.mark.django_db
DEALS = """Deal ID,Deal Name,Account Name,Owner,Stage,Amount,Close Date
D-1,Roof repair,Acme,Ann Smith,Verbal OK,"1,200.50",03/04/2026
D-2,New wing,Acme,Bob Stone,Verbal OK,1_000,07/08/2026
D-3,Fence
"""
ENGLISH, GERMAN = {"accept-language": "en"}, {"accept-language": "de"}


def words_of(client: Client, path: str, language: dict[str, str]) -> str:
    """A page as somebody reads it."""
    return client.get(path, headers=language).content.decode()


def checked(client: Client, drain_jobs: Callable[[], int]) -> int:
    """The number of an import whose rows were looked at once."""
    response = client.post("/imports/new", {"files": SimpleUploadedFile("deals.csv", DEALS.encode())})
    batch_id = int(response["Location"].split("/")[2])
    fields = ("external_id", "name", "account", "owner", "stage", "amount", "close_date")
    data = {f"field-0-{index}": field for index, field in enumerate(fields)}
    client.post(f"/imports/{batch_id}/match", {**data, "role-0": "OPPORTUNITY", "asked-0": "OPPORTUNITY"})
    drain_jobs()
    return batch_id


def test_questions_and_problems_are_read_in_ones_own_language(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    batch_id = checked(admin, drain_jobs)
    page = f"/imports/{batch_id}/repair"
    for language, words in (
        (ENGLISH, ("Dates in “Close Date” can be read in several ways.", "Day first: 03/04/2026 is", "Open: commit")),
        (GERMAN, ("Die Datumsangaben in „Close Date“ lassen sich auf mehrere Arten lesen.",
                  "Tag zuerst: 03/04/2026 ist der 3. April 2026", "Was bedeutet die Phase „Verbal OK“?",
                  "2 Verantwortliche sind nicht bekannt.")),
    ):  # fmt: skip
        shown = words_of(admin, page, language)
        assert [one for one in words if one not in shown] == []
    admin.post(page, {"answer-0": "DMY", "answer-1": "COMMIT", "answer-2": "leave"})
    drain_jobs()
    for path in (page, f"/imports/{batch_id}/confirm"):
        shown = words_of(admin, path, ENGLISH)
        assert "contains an underscore" in shown
        assert "has 2 cells where the header has 7" in shown
        shown = words_of(admin, path, GERMAN)
        assert "enthält einen Unterstrich" in shown
        assert "hat 2 Zellen, die Kopfzeile aber 7" in shown
        assert "Schreiben Sie den Betrag in Ziffern 0-9, oder wählen Sie ein anderes Dezimalzeichen." in shown
        assert "underscore" not in shown
    file = admin.get(f"/imports/{batch_id}/problems.csv", headers=GERMAN)
    told = b"".join(file.streaming_content).decode("utf-8-sig")
    assert told.startswith("file,row,column,value,")
    assert "enthält einen Unterstrich" in told


def test_every_word_of_an_import_is_known_in_german(admin: Client, drain_jobs: Callable[[], int]) -> None:
    batch_id, scope = checked(admin, drain_jobs), Scope.system("test")
    for question in questions_of(scope, batch_id):
        assert left_in_english(question["text"], *(one["label"] for one in question["options"])) == []
    admin.post(f"/imports/{batch_id}/repair", {"answer-0": "DMY", "answer-1": "COMMIT", "answer-2": "leave"})
    drain_jobs()
    problems = problems_of(scope, batch_id)
    assert {problem.code for problem in problems} == {"BAD_VALUE", "RAGGED", "MISSING_PERSON"}
    assert [left_in_english(problem.message, problem.cure) for problem in problems] == [[]] * len(problems)


def test_what_cannot_be_read_is_said_in_german(admin: Client) -> None:
    file = SimpleUploadedFile("deals.csv", b"%PDF-1.7")
    shown = admin.post("/imports/new", {"files": file}, headers=GERMAN).content.decode()
    assert (
        "„deals.csv“ ist ein PDF-Dokument, weder CSV noch XLSX. Laden Sie CSV- oder XLSX-Dateien hoch"
        in shown
    )


def test_why_an_import_was_refused_in_the_background_is_read_in_ones_own_language(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    batch_id = checked(admin, drain_jobs)
    refuse_plan(batch_id=batch_id, reason=Said("“%(name)s” is not an encoding.", name="x"))
    assert "“x” is not an encoding." in words_of(admin, f"/imports/{batch_id}/match", ENGLISH)
    assert "„x“ ist kein Zeichensatz." in words_of(admin, f"/imports/{batch_id}/match", GERMAN)


def test_an_import_from_before_keeps_its_english(admin: Client, drain_jobs: Callable[[], int]) -> None:
    """Its sentences were kept without their parts."""
    batch_id = checked(admin, drain_jobs)
    ImportBatch.objects.filter(pk=batch_id).update(state="READY", questions=[], error="stopped at 50 %")
    ImportProblem.objects.create(
        batch_id=batch_id, file="deals.csv", row=2, message="has 3 cells where the header has 4",
        cure="Quote 100 % of them.", code="RAGGED", severity="ERROR",
    )  # fmt: skip
    shown = words_of(admin, f"/imports/{batch_id}/confirm", GERMAN)
    for words in ("has 3 cells where the header has 4", "Quote 100 % of them.", "stopped at 50 %"):
        assert words in shown
