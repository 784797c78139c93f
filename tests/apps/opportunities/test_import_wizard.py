"""The import wizard, step by step, as an administrator uses it; and who may not."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from opportunities.domain.import_deals import AMBIGUOUS_CURE
from opportunities.domain.import_refs import FOUND_ELSEWHERE
from opportunities.models import ImportBatch, Opportunity, OpportunityVersion
from opportunities.views.imports_words import set_aside
from organization.domain.roles import Role
from organization.models import Person
from tests.factories.organization import make_user

pytestmark = pytest.mark.django_db

DEALS = """Deal ID,Deal Name,Account Name,Owner,Stage,Amount,Close Date
D-1,Roof repair,Acme,Ann Smith,Verbal OK,"1,200.50",03/04/2026
D-2,New wing,Acme,Ann Smith,Closed Won,900,05/06/2026
D-3,Fence,Umbrella,Bob Stone,Closed Lost,,01/02/2026
D-4,Gate,Umbrella,Bob Stone,Verbal OK,1_000,07/08/2026
"""


def upload(client: Client, text: str = DEALS, name: str = "deals.csv") -> int:
    response = client.post("/imports/new", {"files": SimpleUploadedFile(name, text.encode())})
    assert response.status_code == 302, response.content
    return int(response["Location"].split("/")[2])


def match_data(client: Client, batch_id: int) -> dict[str, str]:
    """What the browser would post: every control of the match page as it stands."""
    context = client.get(f"/imports/{batch_id}/match").context
    data = {"source": context["mapping"].source, "currency": "", "business_zone": "", "preset": ""}
    for file in context["files"]:
        data[f"role-{file['number']}"] = data[f"asked-{file['number']}"] = file["role"]
        for line in file["lines"]:
            data[f"field-{file['number']}-{line.index}"] = line.field
            data[f"policy-{file['number']}-{line.index}"] = line.policy
    return data


def test_from_upload_to_undo(admin: Client, drain_jobs: Callable[[], int]) -> None:
    batch_id = upload(admin)
    page = admin.get(f"/imports/{batch_id}/match")
    assert page.status_code == 200
    assert {line.name: line.field for line in page.context["files"][0]["lines"]} == {
        "Deal ID": "external_id", "Deal Name": "name", "Account Name": "account", "Owner": "owner", "Stage": "stage",
        "Amount": "amount", "Close Date": "close_date",
    }  # fmt: skip

    response = admin.post(f"/imports/{batch_id}/match", match_data(admin, batch_id))
    assert response["Location"] == f"/imports/{batch_id}/progress"
    assert drain_jobs() == 1
    assert admin.get(f"/imports/{batch_id}/status")["HX-Redirect"] == f"/imports/{batch_id}/repair"

    page = admin.get(f"/imports/{batch_id}/repair")
    assert [question["key"] for question in page.context["questions"]] == [
        "date-order:deals.csv:Close Date", "stage:Verbal OK", "stage:Closed Won", "stage:Closed Lost", "missing-owners",
    ]  # fmt: skip
    answers = {
        "answer-0": "MDY",
        "answer-1": "COMMIT",
        "answer-2": "WON",
        "answer-3": "LOST",
        "answer-4": "create",
    }
    admin.post(f"/imports/{batch_id}/repair", answers)
    drain_jobs()

    page = admin.get(f"/imports/{batch_id}/confirm")
    assert page.status_code == 200
    summary = page.context["summary"]
    assert (summary["rows"], summary["created"], summary["rejected"]) == (4, 3, 1)
    assert "contains an underscore" in page.content.decode()
    assert not Opportunity.objects.exists(), "nothing is written before the person confirms"

    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    assert admin.get(f"/imports/{batch_id}/status")["HX-Redirect"] == f"/imports/{batch_id}"
    facts = dict(Opportunity.objects.values_list("external_id", "status"))
    assert facts == {"D-1": "OPEN", "D-2": "WON", "D-3": "LOST"}
    assert str(Opportunity.objects.get(external_id="D-1").amount) == "1200.5000"
    assert Opportunity.objects.get(external_id="D-1").close_date.isoformat() == "2026-03-04"
    assert Opportunity.objects.get(external_id="D-1").category == "COMMIT"
    done = admin.get(f"/imports/{batch_id}").content.decode()
    assert "Undo this import" in done

    rejects = b"".join(admin.get(f"/imports/{batch_id}/problems.csv").streaming_content).decode("utf-8-sig")
    assert "deals.csv,5,Amount,1_000" in rejects

    admin.post(f"/imports/{batch_id}/undo")
    assert not Opportunity.objects.filter(is_deleted=False).exists()
    assert not OpportunityVersion.objects.filter(superseded_at__year=9999).exists()
    assert ImportBatch.objects.get().state == "UNDONE"
    assert admin.get("/imports/").status_code == 200


def test_unknown_columns_are_matched_by_hand(admin: Client, drain_jobs: Callable[[], int]) -> None:
    batch_id = upload(admin, "kode,wert\nA,5\nB,6\n", "odd.csv")
    data = match_data(admin, batch_id)
    assert data["role-0"] == "", "nothing is guessed"
    admin.post(f"/imports/{batch_id}/match", {**data, "role-0": "OPPORTUNITY", "again": "1"})
    data = match_data(admin, batch_id)
    admin.post(f"/imports/{batch_id}/match", {**data, "field-0-0": "external_id", "field-0-1": "amount"})
    drain_jobs()
    assert admin.get(f"/imports/{batch_id}/confirm").context["summary"]["created"] == 2


def test_what_cannot_be_read_is_said(admin: Client) -> None:
    for name, body, words in (
        ("empty.csv", b"", "is empty"),
        ("fake.xlsx", b"not a workbook", "is not an XLSX workbook"),
        ("note.pdf", b"%PDF", "holds no CSV or XLSX file"),
    ):
        response = admin.post("/imports/new", {"files": SimpleUploadedFile(name, body)})
        assert response.status_code == 422, name
        assert words in response.content.decode(), name


@pytest.mark.parametrize("role", [Role.REP, Role.MANAGER, Role.EXECUTIVE, Role.FINANCE])
def test_others_see_no_imports(admin: Client, role: Role) -> None:
    batch_id = upload(admin)
    other = Client()
    other.force_login(make_user(role))
    for path in (
        "/imports/",
        "/imports/new",
        f"/imports/{batch_id}/match",
        f"/imports/{batch_id}",
        f"/imports/{batch_id}/problems.csv",
    ):
        assert other.get(path).status_code == 403, path


def test_sales_operations_may_look_but_not_import(admin: Client) -> None:
    batch_id = upload(admin)
    other = Client()
    other.force_login(make_user(Role.OPS))
    assert other.get("/imports/").status_code == 200
    assert other.get(f"/imports/{batch_id}").status_code == 200
    assert other.get("/imports/new").status_code == 403
    assert other.post(f"/imports/{batch_id}/undo").status_code == 403
    assert other.get("/imports/999999").status_code == 404


def test_the_history_costs_the_same_for_one_import_or_many(admin: Client, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    upload(admin)
    admin.get("/imports/")
    with django_assert_num_queries(6):
        admin.get("/imports/")
    for number in range(5):
        upload(admin, name=f"deals{number}.csv")
    with django_assert_num_queries(6):
        admin.get("/imports/")


def test_a_file_can_be_read_otherwise(admin: Client) -> None:
    batch_id = upload(admin, "Deal ID;Deal Name;Stage\n1;Müller, Söhne;Won\n")
    assert [line.name for line in admin.get(f"/imports/{batch_id}/match").context["files"][0]["lines"]] == [
        "Deal ID", "Deal Name", "Stage",
    ]  # fmt: skip
    data = match_data(admin, batch_id)
    admin.post(
        f"/imports/{batch_id}/match", {**data, "reshape": "0", "delimiter-0": ",", "encoding-0": "utf-8"}
    )
    lines = admin.get(f"/imports/{batch_id}/match").context["files"][0]["lines"]
    assert [line.name for line in lines] == ["Deal ID;Deal Name;Stage"]
    admin.post(
        f"/imports/{batch_id}/match", {**match_data(admin, batch_id), "reshape": "0", "delimiter-0": ";"}
    )
    assert len(admin.get(f"/imports/{batch_id}/match").context["files"][0]["lines"]) == 3


@pytest.mark.parametrize("name", ["punycode", "zlib", "idna", "no-such-thing"])
def test_a_file_is_read_in_none_but_the_encodings_offered(admin: Client, name: str) -> None:
    """Python knows encodings that read for hours, and some that are no text at all."""
    batch_id = upload(admin)
    answer = admin.post(
        f"/imports/{batch_id}/match",
        {**match_data(admin, batch_id), "reshape": "0", "encoding-0": name},
        follow=True,
    )
    assert (answer.status_code, f"“{name}” is not an encoding." in answer.text) == (200, True)
    assert "chosen" not in ImportBatch.objects.get(pk=batch_id).files.get().shape


def test_while_somebody_waits_only_the_beginning_of_a_file_is_read(admin: Client) -> None:
    """Its checking reads the rest: blank lines are none of a table's rows, but each takes its time."""
    head, won, blank = DEALS.splitlines()[0], DEALS.splitlines()[2], "\n" * 250_000
    shape = ImportBatch.objects.get(pk=upload(admin, f"{head}\n{won}\n{blank}{won}\n")).files.get().shape
    assert shape["stages"] == {"column": "Stage", "counts": {"Closed Won": 1}, "is_whole": False}
    short = (
        ImportBatch.objects.get(pk=upload(admin, f"{head}\n{won}\n{blank[:1000]}{won}\n")).files.get().shape
    )
    assert short["stages"] == {"column": "Stage", "counts": {"Closed Won": 2}, "is_whole": True}


def test_a_zip_with_a_workbook_inside(admin: Client, drain_jobs: Callable[[], int], tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "deals.xlsx"))
    sheet = book.add_worksheet("Deals")
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.write_row(0, 0, ["Deal ID", "Deal Name", "Account Name", "Outcome", "Amount", "Close Date"])
    sheet.write_row(1, 0, ["007", "Bond", "MI6", "Won", 12.5])
    sheet.write_datetime(1, 5, dt.datetime(2026, 3, 4), day)
    book.close()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(tmp_path / "deals.xlsx", "export/deals.xlsx")
        archive.writestr("export/accounts.csv", "Account Name;Industry;Country\nMI6;Services;UK\n")
    response = admin.post("/imports/new", {"files": SimpleUploadedFile("export.zip", packed.getvalue())})
    batch_id = int(response["Location"].split("/")[2])
    admin.post(f"/imports/{batch_id}/match", match_data(admin, batch_id))
    drain_jobs()
    assert admin.get(f"/imports/{batch_id}/confirm").context["summary"]["created"] == 1
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    deal = Opportunity.objects.select_related("account").get()
    assert (deal.external_id, deal.status, str(deal.amount), str(deal.close_date)) == (
        "007",
        "WON",
        "12.5000",
        "2026-03-04",
    )
    assert (deal.account.name, deal.account.country) == ("MI6", "UK")


def test_pasted_rows(admin: Client, drain_jobs: Callable[[], int]) -> None:
    response = admin.post("/imports/new", {"pasted": "Deal ID\tDeal Name\tOutcome\tAmount\n1\tA\tWon\t5\n"})
    batch_id = int(response["Location"].split("/")[2])
    admin.post(f"/imports/{batch_id}/match", match_data(admin, batch_id))
    drain_jobs()
    assert admin.get(f"/imports/{batch_id}/confirm").context["summary"]["created"] == 1


def test_exact_repeats_are_set_aside_by_name(admin: Client, drain_jobs: Callable[[], int]) -> None:
    rows = "1,Roof,Won,5\n2,Wall,Lost,7\n1,Roof,Won,5\n2,Wall,Lost,7\n1,Roof,Won,5\n"
    batch_id = upload(admin, "Deal ID,Deal Name,Outcome,Amount\n" + rows)
    admin.post(f"/imports/{batch_id}/match", match_data(admin, batch_id))
    drain_jobs()
    page = admin.get(f"/imports/{batch_id}/confirm")
    assert (page.context["summary"]["set_aside"], page.context["set_aside"]) == (3, "3 exact repeats")
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    page = admin.get(f"/imports/{batch_id}")
    assert "3 exact repeats" in page.content.decode()
    groups = [(group.value, group.count, group.first_row) for group in page.context["groups"]]
    assert groups == [("1", 2, 4), ("2", 1, 5)]
    told = b"".join(admin.get(f"/imports/{batch_id}/problems.csv").streaming_content).decode("utf-8-sig")
    named = [line.split(",")[:2] for line in told.splitlines() if "is an exact repeat of another row" in line]
    assert named == [["deals.csv", "4"], ["deals.csv", "5"], ["deals.csv", "6"]]


def test_rows_that_are_no_deals_are_said_to_be_none() -> None:
    assert set_aside({"set_aside": 3, "repeats": 0}) == "3 are no deals"
    assert set_aside({"set_aside": 3, "repeats": 2}) == "2 exact repeats, 1 is no deal"
    assert set_aside({"set_aside": 0, "repeats": 0}) == ""


OWNED = "Deal ID,Deal Name,Owner,Outcome,Amount\n1,Roof,Farah Ferrante,Won,5\n2,Wall,farah  ferrante,Lost,6\n"


def test_an_owner_known_from_another_source_is_that_person(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    farah = Person.objects.create(name="Farah Ferrante", source="salesforce", external_id="005x1")
    batch_id = upload(admin, OWNED)
    admin.post(f"/imports/{batch_id}/match", match_data(admin, batch_id))
    drain_jobs()
    page = admin.get(f"/imports/{batch_id}/confirm")
    assert page.context["facts"].source == "files"
    assert (page.context["questions"], page.context["groups"]) == ([], [])
    assert FOUND_ELSEWHERE in page.content.decode(), "not silently"
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    assert set(Opportunity.objects.values_list("owner_id", flat=True)) == {farah.pk}


def test_a_name_that_people_of_other_sources_share_finds_neither_and_one_of_its_own_goes_first(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    for number in (1, 2):
        Person.objects.create(name="Farah Ferrante", source="salesforce", external_id=f"005x{number}")
    batch_id = upload(admin, OWNED)
    admin.post(f"/imports/{batch_id}/match", match_data(admin, batch_id))
    drain_jobs()
    groups = admin.get(f"/imports/{batch_id}/confirm").context["groups"]
    assert {group.message for group in groups} == {"person names more than one record"}
    assert {group.cure for group in groups} == {AMBIGUOUS_CURE}

    own = Person.objects.create(name="Farah Ferrante", source="files", external_id="7")
    admin.post(f"/imports/{batch_id}/repair", {})
    drain_jobs()
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    assert set(Opportunity.objects.values_list("owner_id", flat=True)) == {own.pk}


def test_a_list_of_people_never_changes_those_of_another_source_by_name(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    other = Person.objects.create(
        name="Farah Ferrante", source="salesforce", external_id="005x1", title="Rep"
    )
    batch_id = upload(admin, "Full Name,Title\nFarah Ferrante,Manager\n", "users.csv")
    data = match_data(admin, batch_id)
    admin.post(f"/imports/{batch_id}/match", {**data, "role-0": "PERSON", "again": "1"})
    admin.post(
        f"/imports/{batch_id}/match", {**match_data(admin, batch_id), "role-0": "PERSON", "asked-0": "PERSON"}
    )
    drain_jobs()
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    other.refresh_from_db()
    assert other.title == "Rep"
    assert Person.objects.filter(source="files", name="Farah Ferrante").count() == 1


def test_a_row_with_an_open_quote_is_counted_once_everywhere(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    lines = [f"D-{number},Deal {number},Won,5" for number in range(2, 20)]
    lines[12], lines[16] = 'D-14,"Deal 14,Won,5', 'D-18,"Deal, 18",Won,5'
    batch_id = upload(admin, "\n".join(["Deal ID,Deal Name,Outcome,Amount", *lines, ""]))
    admin.post(f"/imports/{batch_id}/match", match_data(admin, batch_id))
    drain_jobs()
    page = admin.get(f"/imports/{batch_id}/confirm")
    summary = page.context["summary"]
    assert (summary["rows"], summary["created"], summary["rejected"]) == (18, 17, 1)
    assert "opens a quote that is closed in line 18" in page.content.decode()
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    assert [file.rows for file in admin.get(f"/imports/{batch_id}").context["files"]] == [18]
