"""The quota grid: read, saved in one go, undone, imported, exported; refused to those it is not for."""

import datetime as dt
import io
import json
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from organization.domain.roles import Role
from salesops.audit.models import AuditEvent
from territories.models import Quota
from tests.factories.organization import make_company, make_manager, make_person, make_rep, make_user, period

pytestmark = pytest.mark.django_db
YEAR = {"year": "FY27"}


def _client(user) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def ops() -> Client:
    make_company()
    return _client(make_user(Role.OPS, name="Olga"))


def _cell(person, name: str, value: str, seen: object = "") -> dict:
    return {
        "person": person.pk,
        "period": period(name).pk,
        "value": value,
        "currency": "USD",
        "seen": str(seen),
    }


def _save(client: Client, *cells: dict):
    return client.post(
        reverse("territories:save"), json.dumps({"cells": list(cells)}), content_type="application/json"
    )


def test_save_conflict_undo(ops) -> None:
    rep = make_person("Cy")
    answer = _save(ops, _cell(rep, "FY27-Q1", "1,500.50"), _cell(rep, "FY27-Q2", "2000"))
    assert answer.json() == {"changed": 2}
    undo = json.loads(answer["HX-Trigger"])["salesops:toast"]["undo"]
    page = ops.get(reverse("territories:quotas"), YEAR).content.decode()
    assert "$1,500.50" in page
    stale = _save(ops, _cell(rep, "FY27-Q1", "9"))
    assert stale.status_code == 409
    assert stale.json()["conflicts"][0]["theirs"] == "1500.5"
    assert ops.post(undo).json() == {"changed": 2}
    assert ops.post(undo).status_code == 409
    assert "$1,500.50" not in ops.get(reverse("territories:quotas"), YEAR).content.decode()


@pytest.mark.parametrize("body", ["", "[]", '{"cells": 1}', '{"cells": [{}]}', '{"cells": [{"person": "x"}]}', "\x00",
                                  '{"cells": [[]]}', "[" * 5000])  # fmt: skip
def test_nonsense_is_a_bad_request(ops, body: str) -> None:
    answer = ops.post(reverse("territories:save"), body, content_type="application/json")
    assert answer.status_code == 400


def test_a_bad_cell_is_marked_and_nothing_saved(ops) -> None:
    rep = make_person("Cy")
    answer = _save(ops, _cell(rep, "FY27-Q1", "12o"), _cell(rep, "FY27-Q2", "1"))
    assert answer.status_code == 422
    assert list(answer.json()["faults"]) == [f"{rep.pk}:{period('FY27-Q1').pk}"]
    assert not Quota.objects.exists()
    assert _save(ops, {**_cell(rep, "FY27-Q1", "1"), "person": 999999}).status_code == 422


@pytest.mark.parametrize("typed", ["€5", "5 €", "EUR 5", "-£5", "(5 CHF)"])
def test_another_currencys_sign_is_refused(ops, typed: str) -> None:
    rep = make_person("Cy")
    answer = _save(ops, _cell(rep, "FY27-Q1", typed))
    assert answer.status_code == 422
    (told,) = answer.json()["faults"].values()
    assert told.startswith("This cell is in USD, but ")
    assert told.endswith(" was written. Write the amount in USD.")
    assert not Quota.objects.exists()


@pytest.mark.parametrize("typed", ["$5", "US$5", "5 USD", "USD 5", "5$"])
def test_the_currencys_own_sign_may_be_written(ops, typed: str) -> None:
    rep = make_person("Cy")
    assert _save(ops, _cell(rep, "FY27-Q1", typed)).status_code == 200
    assert _save(ops, {**_cell(rep, "FY27-Q2", typed), "currency": ""}).status_code == 200, "the company's"
    assert set(Quota.objects.values_list("amount", "currency_id")) == {(5, "USD")}


def _check(client: Client, *cells: dict):
    url = reverse("territories:check") + "?year=FY27&grain=QUARTER"
    return client.post(url, json.dumps({"cells": list(cells)}), content_type="application/json")


def test_typed_cells_are_checked_before_they_are_saved(ops) -> None:
    top = make_person("Tom Top")
    rep, other = make_person("Cy", manager=top), make_person("Di", manager=top)
    _save(ops, _cell(rep, "FY27-Q1", "100"), _cell(other, "FY27-Q1", "10"))
    events = AuditEvent.objects.count()
    answer = _check(
        ops, _cell(rep, "FY27-Q1", "1,500"), _cell(rep, "FY27-Q2", "12o"), _cell(rep, "FY27-Q3", "-5"),
        _cell(rep, "FY27-Q4", "1.001"),
    ).json()  # fmt: skip
    told = {key.split(":")[1]: why for key, why in answer["faults"].items()}
    assert told == {
        str(period("FY27-Q2").pk): "is not a number with a decimal point",
        str(period("FY27-Q3").pk): "A quota is zero or more, and below 10^15.",
        str(period("FY27-Q4").pk): "USD has 2 decimals.",
    }
    assert "Tom Top" in answer["lines"]
    assert "Di" not in answer["lines"], "only lines that change are sent"
    assert answer["lines"].count("$1,510") == 4, "the manager's quarter and year, and both sums"
    assert [q.amount for q in Quota.objects.order_by("amount")] == [10, 100]
    assert AuditEvent.objects.count() == events
    saved = _save(ops, _cell(rep, "FY27-Q1", "1,500", Quota.objects.get(person=rep).pk))
    assert saved.json() == {"changed": 1}
    assert ops.get(reverse("territories:quotas"), YEAR).context["table"].footer[0] == 1510


def test_who_sees_and_who_edits(ops) -> None:
    boss, boss_user, _ = make_manager("Boss")
    rep, rep_user, _ = make_rep("Cy", manager=boss)
    _save(ops, _cell(rep, "FY27-Q1", "77777"), _cell(boss, "FY27-Q1", "99999"))
    seen = _client(rep_user).get(reverse("territories:quotas"), YEAR).content.decode()
    assert "$77,777" in seen
    assert "$99,999" not in seen
    assert "data-quota-grid" not in seen
    own = reverse("territories:cell", args=[rep.pk, period("FY27-Q1").pk])
    others = reverse("territories:cell", args=[boss.pk, period("FY27-Q1").pk])
    assert _client(rep_user).get(own).status_code == 200
    assert _client(rep_user).get(others).status_code == 404
    assert _client(boss_user).get(others).status_code == 200
    assert _save(_client(boss_user), _cell(rep, "FY27-Q1", "1")).status_code == 403
    assert _client(make_user(Role.ADMIN)).get(reverse("territories:quotas")).status_code == 403


def test_the_page_costs_the_same_however_many_people(ops, django_assert_max_num_queries) -> None:
    boss = make_person("Boss")
    make_person("A", manager=boss)
    url = reverse("territories:quotas")
    with django_assert_max_num_queries(16) as few:
        ops.get(url)
    for _ in range(6):
        make_person(manager=boss)
    with django_assert_max_num_queries(len(few)):
        ops.get(url)


def test_branches_of_a_long_list_are_fetched(ops) -> None:
    boss = make_person("Boss")
    lead = make_person("Lead", manager=boss)
    make_person("Cy", manager=lead)
    answer = ops.get(reverse("territories:rows"), {**YEAR, "parent": lead.pk}).content.decode()
    assert "Cy" in answer
    assert "<html" not in answer
    assert ops.get(reverse("territories:rows"), {**YEAR, "parent": "999"}).status_code == 404


def _upload(client: Client, text: str, **fields):
    file = io.BytesIO(text.encode())
    file.name = "quotas.csv"
    return client.post(reverse("territories:import"), {"file": file, **fields})


def test_a_wide_and_a_long_file(ops) -> None:
    cy = make_person("Cy", email="cy@example.com")
    assert _upload(ops, "person,FY27-Q1,FY27-Q2\nCy,100,\n").status_code == 302
    assert _upload(ops, "email;period;quota;currency\nCY@example.com;fy27-q2;2500;EUR\n").status_code == 302
    assert {(q.period.name, q.amount, q.currency_id) for q in Quota.objects.filter(person=cy)} == {
        ("FY27-Q1", 100, "USD"), ("FY27-Q2", 2500, "EUR"),
    }  # fmt: skip
    again = _upload(ops, "person,FY27-Q1,FY27-Q2\nCy,100,\n")
    assert again.status_code == 302
    assert Quota.objects.count() == 2


def test_a_column_of_figures_named_after_no_period_is_refused_not_dropped(ops) -> None:
    make_person("Cy", email="cy@example.com")
    told = _upload(ops, "person,email,Region,FY27-Q1,FY27-Q7,Total\nCy,cy@example.com,North,100,200,\n")
    assert told.status_code == 422
    assert [(p.row, p.column, p.message, p.cure) for p in told.context["problems"]] == [
        (1, "FY27-Q7", "holds figures, but is named after no period of the fiscal calendar",
         "Name it like FY27-Q1, or take the column out of the file."),
    ]  # fmt: skip
    assert not Quota.objects.exists()
    assert _upload(ops, "person,Region,FY27-Q1,Total\nCy,North,100,\n").status_code == 302, "nothing is lost"


def test_problems_by_row_column_and_cure(ops) -> None:
    make_person("Sam"), make_person("Sam"), make_person("Cy")
    answer = _upload(
        ops, "person,period,amount\nSam,FY27-Q1,5\nNobody,FY27-Q1,5\nCy,FY27-Q9,5\nCy,FY27-Q1,x\n"
    )
    assert answer.status_code == 422
    assert [(p.row, p.column) for p in answer.context["problems"]] == [
        (2, "person"), (3, "person"), (4, "period"), (5, "amount"),
    ]  # fmt: skip
    assert all(p.cure for p in answer.context["problems"])
    assert not Quota.objects.exists()


def test_an_unknown_name_is_told_plainly_with_those_like_it(ops) -> None:
    make_person("Nico Park"), make_person("Nicola Parks"), make_person("Zoe")
    answer = _upload(ops, "person,FY27-Q1\nNico Parc,5\nQqqq,5\n")
    first, second = answer.context["problems"]
    assert first.message == second.message == "nobody has this name or address"
    assert "Did you mean Nico Park or Nicola Parks?" in first.cure
    assert "Did you mean" not in second.cure


def test_a_document_is_refused_as_one(ops) -> None:
    answer = _upload(ops, "%PDF-1.7\n1 0 obj\n")
    assert answer.status_code == 422
    assert "a PDF document, neither CSV nor XLSX" in answer.context["form"].errors["file"][0]
    assert "problems" not in answer.context, "there is no row to mend"


def test_an_ambiguous_decimal_mark_is_asked(ops) -> None:
    make_person("Cy")
    text = "person;FY27-Q1\nCy;1.234\n"
    assert b"read in two ways" in _upload(ops, text).content
    assert _upload(ops, text, decimal_mark="COMMA").status_code == 302
    assert Quota.objects.get().amount == 1234


def test_what_is_exported_imports_again(ops) -> None:
    rep = make_person("Cy, Junior", email="cy@example.com")
    _save(ops, _cell(rep, "FY27-Q1", "1500.5"))
    text = ops.get(reverse("territories:export_csv"), YEAR).content.decode("utf-8-sig")
    assert _upload(ops, text.replace("1500.5", "1700.5")).status_code == 302
    assert Quota.objects.order_by("-recorded_at")[0].amount == Decimal("1700.5")
    assert ops.get(reverse("territories:export_xlsx"), YEAR).content[:2] == b"PK"


def test_the_command_uses_the_same_code(ops, tmp_path, capsys) -> None:
    make_person("Cy")
    path = tmp_path / "quotas.csv"
    path.write_text("person,FY27-Q1\nCy,100\n")
    call_command("import_quotas", str(path), "--json", stdout=(out := io.StringIO()))
    assert json.loads(out.getvalue())["changed"] == 1
    path.write_text("person,FY27-Q1\nDi,100\n")
    with pytest.raises(SystemExit) as stopped:
        call_command("import_quotas", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    assert stopped.value.code == 1


@pytest.mark.parametrize(
    "path", ["/quotas/cell/{0}/1", "/quotas/cell/1/{0}", "/people/{0}", "/quotas/rows?parent={0}"]
)
def test_numbers_no_row_can_have_are_not_found(ops, path: str) -> None:
    make_person()
    assert ops.get(path.format("9" * 40)).status_code == 404


def test_a_cell_number_no_row_can_have_is_a_bad_request(ops) -> None:
    answer = _save(ops, {"person": "9" * 40, "period": 1, "value": "1", "currency": "USD", "seen": ""})
    assert answer.status_code == 400


def test_a_quota_counts_up_to_the_period_in_which_its_person_left(ops) -> None:
    top = make_manager("Tom Top")[0]
    gone = make_person("Gus Gone", manager=top)
    cells = [_cell(gone, f"FY27-{quarter}", "1300") for quarter in ("Q1", "Q2", "Q3")]
    assert _save(ops, *cells).status_code == 200
    gone.is_active, gone.left_on = False, period("FY27-Q2").from_date + dt.timedelta(days=5)
    gone.save()
    table = ops.get(reverse("territories:quotas"), {**YEAR, "grain": "QUARTER"}).context["table"]
    assert table.footer == (Decimal(1300), Decimal(1300), None, None)
    assert table.rows[0].total.value == table.footer_total == Decimal(2600)


def test_a_total_is_shown_where_it_is_not_the_first_row_again(ops) -> None:
    boss = make_manager("Ben")[0]
    rep = make_rep("Cy", manager=boss)[0]
    _save(ops, _cell(rep, "FY27-Q1", "100"))
    page = ops.get(reverse("territories:quotas"), YEAR).content.decode()
    assert "Reports carry more" in page
    assert '<tr class="group-start"' not in page
    make_person("Dee")
    assert '<tr class="group-start"' in ops.get(reverse("territories:quotas"), YEAR).content.decode()
