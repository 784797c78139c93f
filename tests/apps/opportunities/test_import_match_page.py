"""What the wizard shows of the files themselves, and mends where it shows it: stages, columns left over, values."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from opportunities.models import ImportBatch, Opportunity, Product, Stage
from tests.apps.opportunities.test_import_wizard import match_data, upload

pytestmark = pytest.mark.django_db

REPORT = """Opportunity ID,Opportunity Name,Opportunity Owner,Stage,Amount,Amount Currency,Close Date,Product
X-1,Roof,Ann Smith,Negotiation/Review,100,USD,2026-05-01,Saw
X-2,Wall,Ann Smith,Closed Won,tbd,USD,2026-05-02,Saw
X-3,Gate,Ann Smith,Closed Won,300,US$,2026-05-03,Nail
X-4,Shed,Ann Smith,Handshake,400,US$,2026-05-04,
"""


def check(client: Client, batch_id: int, drain_jobs: Callable[[], int], **more: str) -> None:
    client.post(f"/imports/{batch_id}/match", {**match_data(client, batch_id), **more})
    drain_jobs()


def test_the_stages_of_the_file_are_listed_with_their_rows(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    batch_id = upload(admin, REPORT)
    page = admin.get(f"/imports/{batch_id}/match")
    assert [(stage.name, stage.count, stage.meaning) for stage in page.context["stages"]] == [
        ("Negotiation/Review", 1, "PIPELINE"), ("Closed Won", 2, "WON"), ("Handshake", 1, ""),
    ]  # fmt: skip
    text = page.content.decode()
    assert "Perception Analysis" not in text, "a stage the file does not have"
    check(admin, batch_id, drain_jobs, **{"stage-Handshake": "COMMIT", "stage-Negotiation/Review": "UPSIDE"})
    assert "stage:Handshake" not in [
        q["key"] for q in admin.get(f"/imports/{batch_id}/repair").context["questions"]
    ]
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    assert dict(Opportunity.objects.values_list("external_id", "category")) == {"X-1": "UPSIDE"}


def test_another_stage_column_is_counted_anew(admin: Client) -> None:
    batch_id = upload(admin, "Deal ID,Deal Name,Stage,Phase\n1,Roof,Talk,Won\n2,Wall,Talk,Lost\n")
    assert {s.name: s.count for s in admin.get(f"/imports/{batch_id}/match").context["stages"]} == {"Talk": 2}
    data = match_data(admin, batch_id)
    admin.post(f"/imports/{batch_id}/match", {**data, "field-0-2": "", "field-0-3": "stage", "again": "1"})
    stages = admin.get(f"/imports/{batch_id}/match").context["stages"]
    assert {s.name: s.count for s in stages} == {"Won": 1, "Lost": 1}


def test_a_report_names_its_products(admin: Client, drain_jobs: Callable[[], int]) -> None:
    Product.objects.create(name="Saw")
    batch_id = upload(admin, REPORT)
    lines = admin.get(f"/imports/{batch_id}/match").context["files"][0]["lines"]
    assert {line.name: line.field for line in lines}["Product"] == "product"
    check(admin, batch_id, drain_jobs, **{"stage-Handshake": "COMMIT"})
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    assert Opportunity.objects.get(external_id="X-1").product == Product.objects.get(name="Saw")


def test_a_column_called_like_a_field_but_left_out_is_pointed_at(admin: Client) -> None:
    batch_id = upload(admin, REPORT)
    data = match_data(admin, batch_id)
    number = next(
        line.index for line in admin.get(f"/imports/{batch_id}/match").context["files"][0]["lines"] if line.name == "Amount"
    )  # fmt: skip
    assert admin.get(f"/imports/{batch_id}/match").context["files"][0]["overlooked"] == []
    admin.post(f"/imports/{batch_id}/match", {**data, f"field-0-{number}": "", "again": "1"})
    page = admin.get(f"/imports/{batch_id}/match")
    assert page.context["files"][0]["overlooked"] == [("Amount", "Amount")]
    assert "The column “Amount” is not read" in page.content.decode()


def test_a_value_is_replaced_for_all_its_rows_where_it_is_shown(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    batch_id = upload(admin, REPORT)
    check(admin, batch_id, drain_jobs, **{"stage-Handshake": "COMMIT"})
    for value, suggestion in (("US$", "USD"), ("tbd", "")):
        page = admin.get(f"/imports/{batch_id}/confirm")
        groups = list(page.context["groups"])
        place = next(n for n, group in enumerate(groups, start=1) if group.value == value)
        text = page.content.decode()
        assert f'name="fix_old-{place}" value="{value}"' in text
        typed = re.search(rf'name="fix_new-{place}" value="([^"]*)"', text)
        assert typed is not None
        assert typed[1] == suggestion
        data = {
            f"{name}-{number}": found
            for name in ("fix_column", "fix_old", "fix_new", "fix_hint")
            for number, found in re.findall(rf'name="{name}-(\d+)" value="([^"]*)"', text)
        }
        admin.post(f"/imports/{batch_id}/repair", {**data, "fix": str(place)})
        drain_jobs()
    summary = admin.get(f"/imports/{batch_id}/confirm").context["summary"]
    assert (summary["created"], summary["rejected"]) == (4, 0)
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    deals = dict(Opportunity.objects.values_list("external_id", "amount"))
    assert deals == {"X-1": 100, "X-2": None, "X-3": 300, "X-4": 400}
    assert set(Opportunity.objects.values_list("currency_id", flat=True)) == {"USD"}


def test_pages_speak_of_buttons_not_of_the_command_line(admin: Client, drain_jobs: Callable[[], int]) -> None:
    batch_id = upload(admin, REPORT)
    check(admin, batch_id, drain_jobs, **{"stage-Handshake": "COMMIT"})
    for path in ("repair", "confirm"):
        text = admin.get(f"/imports/{batch_id}/{path}").content.decode()
        assert "The owner “Ann Smith” is not known." in text
        for words in ("missing-owners", "no deal by the rules", "ISO 4217", "owners are not known"):
            assert words not in text, (path, words)
    assert "choose “Add these people” in Repair" in text


def test_a_value_typed_beside_its_problem_counts_without_the_button(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    """Enter in one row must not press the button of another."""
    batch_id = upload(admin, REPORT)
    check(admin, batch_id, drain_jobs, **{"stage-Handshake": "COMMIT"})
    data = {
        "fix_column-1": "Amount", "fix_old-1": "tbd", "fix_new-1": "", "fix_hint-1": "",
        "fix_column-2": "Amount Currency", "fix_old-2": "US$", "fix_new-2": "EUR", "fix_hint-2": "USD",
    }  # fmt: skip
    admin.post(f"/imports/{batch_id}/repair", data)
    drain_jobs()
    replaced = admin.get(f"/imports/{batch_id}/repair").context["replaced"]
    assert [(one.column, one.old, one.new) for one in replaced] == [("Amount Currency", "US$", "EUR")]


def test_confirm_names_the_process_and_the_stages_it_creates(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    rows = "1,Roof,Proposal,5,\n2,Wall,Signing,6,65\n3,Gate,Won,7,\n"
    batch_id = upload(admin, "Deal ID,Deal Name,Stage,Amount,Probability\n" + rows)
    check(
        admin,
        batch_id,
        drain_jobs,
        **{"stage-Proposal": "UPSIDE", "stage-Signing": "COMMIT", "stage-Won": "WON"},
    )
    questions = admin.get(f"/imports/{batch_id}/repair").context["questions"]
    admin.post(
        f"/imports/{batch_id}/repair",
        {q["name"]: {"Proposal": "UPSIDE", "Signing": "COMMIT"}.get(q["value"], "WON") for q in questions},
    )
    drain_jobs()
    page = admin.get(f"/imports/{batch_id}/confirm")
    assert page.context["summary"]["new_processes"] == [
        {
            "name": "Sales",
            "is_new": True,
            "stages": [
                {"name": "Proposal", "category": "UPSIDE", "probability": "50"},
                {"name": "Signing", "category": "COMMIT", "probability": "80"},
                {"name": "Won", "category": "WON", "probability": "100"},
            ],
        }
    ]
    assert "New sales processes and stages" in page.content.decode()
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    written = Stage.objects.filter(process__name="Sales").values_list("name", "category", "probability")
    assert set(written) == {("Proposal", "UPSIDE", 50), ("Signing", "COMMIT", 80), ("Won", "WON", 100)}
    assert "New sales processes and stages" in admin.get(f"/imports/{batch_id}").content.decode()

    again = upload(admin, "Deal ID,Deal Name,Stage,Amount,Probability\n4,Shed,Proposal,5,\n")
    check(admin, again, drain_jobs)
    assert admin.get(f"/imports/{again}/confirm").context["summary"]["new_processes"] == []


def test_a_question_without_an_answer_is_marked_and_the_others_keep_theirs(
    admin: Client, drain_jobs: Callable[[], int]
) -> None:
    rows = "D-1,Roof,Handshake,100,03/04/2026\nD-2,Wall,Handshake,200,05/06/2026\n"
    batch_id = upload(admin, "Deal ID,Deal Name,Stage,Amount,Close Date\n" + rows)
    check(admin, batch_id, drain_jobs)
    first = admin.get(f"/imports/{batch_id}/repair")
    assert [question["kind"] for question in first.context["questions"]] == ["DATE_ORDER", "STAGE"]
    assert "Choose an answer." not in first.content.decode()

    page = admin.post(f"/imports/{batch_id}/repair", {"answer-1": "COMMIT"})
    assert page.status_code == 422
    text = page.content.decode()
    assert "1 question is not answered yet: it is marked below." in text
    assert [question["is_missed"] for question in page.context["questions"]] == [True, False]
    assert text.count("Choose an answer.") == 1
    assert re.search(r'<option value="COMMIT" selected>', text)
    assert ImportBatch.objects.get().answers == {}

    admin.post(f"/imports/{batch_id}/repair", {"answer-0": "DMY", "answer-1": "COMMIT"})
    drain_jobs()
    assert admin.get(f"/imports/{batch_id}/confirm").context["summary"]["created"] == 2
