"""Pages of people, users, set-up, account and audit: they work, cost a constant number of queries, and refuse strangers."""

import datetime as dt
from decimal import Decimal

import pytest
from allauth.account.models import EmailAddress
from django.test import override_settings
from django.urls import reverse

from organization.domain.roles import Role
from organization.models import Company, Currency, FiscalCalendar, Person, Territory, User
from organization.selectors import company, manager_of, memo, now_date
from organization.services import (
    define_calendar,
    ensure_currencies,
    record_rates,
)
from salesops.audit.models import AuditEvent
from tests.factories.forms import save_form, seen_in
from tests.factories.organization import (
    TEST,
    make_company,
    make_manager,
    make_person,
    make_rep,
    make_territory,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    make_company()
    return make_user(Role.ADMIN, name="Ada Admin")


@pytest.fixture
def ops(admin):
    return make_user(Role.OPS, name="Olga Ops")


PAGES = ["people", "users", "setup_company", "setup_calendars", "setup_rates", "setup_territories", "account", "audit",
         "person_new", "user_new", "setup_calendar_new", "setup_rate_new", "setup_rates_import",
         "setup_territory_new"]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_for_an_administrator(admin, name: str) -> None:
    make_rep("Cy", manager=make_manager("Ben")[0])
    make_territory("West", make_territory("Americas"))
    response = signed_in(admin).get(reverse(f"organization:{name}"))
    assert response.status_code == 200, response.content[:500]
    drawer = signed_in(admin).get(
        reverse(f"organization:{name}"), HTTP_HX_REQUEST="true", HTTP_HX_TARGET="drawer-host"
    )
    assert drawer.status_code == 200
    assert b"<html" not in drawer.content


@pytest.mark.parametrize(
    ("name", "most"), [("people", 12), ("users", 14), ("audit", 12), ("setup_territories", 10)]
)
def test_lists_cost_the_same_however_long(admin, name: str, most: int, django_assert_max_num_queries) -> None:
    client = signed_in(admin)
    for _ in range(2):
        make_rep()
        make_territory()
    url = reverse(f"organization:{name}")
    with django_assert_max_num_queries(most) as few:
        client.get(url)
    boss = make_manager()[0]
    for _ in range(6):
        make_rep(manager=boss)
        make_territory()
    with django_assert_max_num_queries(len(few)):
        client.get(url)


def test_moving_somebody_shows_who_is_affected_first(ops) -> None:
    boss, lead, other = make_manager("Boss")[0], make_person("Lead"), make_person("Other")
    rep = make_person("Rep", manager=lead)
    client = signed_in(ops)
    url = reverse("organization:person_move", args=[lead.pk])
    data = {"manager_id": boss.pk, "from_date": now_date().isoformat(), "step": "preview"}
    shown = client.post(url, data)
    assert b"1 person moves along" in shown.content
    assert manager_of(lead.pk) is None
    circle = client.post(url, {**data, "manager_id": rep.pk})
    assert b"would be a circle" in circle.content
    refused = client.post(url, {**data, **seen_in(circle), "manager_id": rep.pk, "step": "move"})
    assert refused.status_code == 422
    assert b"to themselves" in refused.content
    assert client.post(url, {**data, **seen_in(shown), "step": "move"}).status_code == 302
    assert manager_of(lead.pk) == boss.pk
    event = AuditEvent.objects.get(verb="MOVE", object_id=str(lead.pk))
    assert event.actor_name == "Olga Ops"
    assert event.after["manager"] == "Boss"
    assert other.pk


def test_people_on_a_past_date(ops) -> None:
    boss = make_person("Boss")
    rep = make_person("Rep", manager=boss, since=now_date() - dt.timedelta(days=3))
    page = signed_in(ops).get(
        reverse("organization:people"), {"as_of": (now_date() - dt.timedelta(days=9)).isoformat()}
    )
    assert [row[0].depth for row in page.context["rows"]] == [0, 0]
    assert "2 people." in page.content.decode()
    now = signed_in(ops).get(reverse("organization:people"))
    assert [row[0].depth for row in now.context["rows"]] == [0, 1]
    assert "2 people in 2 levels; one of them leads others." in now.content.decode()
    history = signed_in(ops).get(reverse("organization:person", args=[rep.pk]))
    assert b"until further notice" in history.content


def test_a_calendar_is_previewed_defined_and_activated(ops) -> None:
    client, url = signed_in(ops), reverse("organization:setup_calendar_new")
    data = {"name": "Retail", "kind": "W454", "start_month": 2, "week_start": 6, "custom": ""}
    assert b"FY26-Q1" in client.post(url, {**data, "step": "preview"}).content
    assert not FiscalCalendar.objects.filter(name="Retail").exists()
    assert client.post(url, {**data, "step": "define"}).status_code == 302
    calendar = FiscalCalendar.objects.get(name="Retail")
    client.post(reverse("organization:setup_calendar_activate", args=[calendar.pk]))
    assert company().calendar_id == calendar.pk
    assert client.get(reverse("organization:setup_calendar", args=[calendar.pk])).status_code == 200
    bad = client.post(url, {**data, "name": "Own", "kind": "CUSTOM", "custom": "FY27, Q1, P1, 2026-02-30, 2026-03-01",
                            "step": "preview"})  # fmt: skip
    assert bad.status_code == 422
    assert b"Line 1" in bad.content


def test_rates_from_a_file_all_or_none(ops, tmp_path) -> None:
    client, url = signed_in(ops), reverse("organization:setup_rates_import")
    bad = tmp_path / "bad.csv"
    bad.write_text("currency,from_date,rate\nEUR,2026-01-01,1.10\nEUX,2026-01-01,1.1\nGBP,2026-02-30,x\n")
    with bad.open("rb") as file:
        answer = client.post(url, {"file": file})
    assert answer.status_code == 422
    assert [p.row for p in answer.context["problems"]] == [3, 4]
    good = tmp_path / "good.csv"
    good.write_text("currency;from_date;rate\nEUR;2026-01-01;1.10\nGBP;2026-01-01;1.25\n")
    with good.open("rb") as file:
        assert client.post(url, {"file": file}).status_code == 302
    assert b"GBP" in client.get(reverse("organization:setup_rates")).content
    again = client.post(reverse("organization:setup_rate_new"), {"currency": "EUR", "from_date": "2026-01-01",
                                                                 "rate": "1.11"})  # fmt: skip
    assert again.status_code == 302
    from organization.selectors import rate_book

    assert rate_book().rate_on("EUR", dt.date(2026, 5, 1)) == Decimal("1.11")


def test_an_empty_installation_is_set_up_on_one_page() -> None:
    admin = make_user(Role.ADMIN)
    client = signed_in(admin)
    sent = client.get(reverse("organization:people"))
    assert sent.status_code == 302
    assert sent.url == reverse("organization:setup_company")
    assert client.get(sent.url).status_code == 200
    done = client.post(sent.url, {"name": "Acme", "corporate_currency": "eur", "time_zone": "Europe/Berlin",
                                  "start_month": "7"})  # fmt: skip
    assert done.status_code == 302
    assert company().corporate_currency == "EUR"


def test_preferences_are_kept(admin) -> None:
    client = signed_in(admin)
    client.post(reverse("organization:account"),
                {"name": "Ada A.", "language": "de", "theme": "dark", "density": "compact"})  # fmt: skip
    page = client.get(reverse("organization:account")).content.decode()
    assert 'lang="de"' in page
    assert 'data-theme="dark"' in page
    assert 'data-keys="off"' in page


def test_who_chose_no_language_reads_the_browsers(admin) -> None:
    account, client = reverse("organization:account"), signed_in(admin)
    assert 'lang="de"' in client.get(account, HTTP_ACCEPT_LANGUAGE="de").content.decode()
    with override_settings(LANGUAGE_CODE="de"):
        assert 'lang="de"' in signed_in(admin).get(account).content.decode(), "else the installation's"
    form = {"name": "Ada", "theme": "auto", "density": "compact"}
    client.post(account, {**form, "language": "en"})
    assert 'lang="en"' in signed_in(admin).get(account, HTTP_ACCEPT_LANGUAGE="de").content.decode()
    client.post(account, {**form, "language": ""}, HTTP_ACCEPT_LANGUAGE="de")
    page = client.get(account, HTTP_ACCEPT_LANGUAGE="de")
    assert 'lang="de"' in page.content.decode()
    assert page.context["form"]["language"].value() == ""


def test_what_the_user_menu_chose_is_kept_with_the_account_and_shown_in_other_browsers(admin) -> None:
    first, second = signed_in(admin), signed_in(admin)
    first.cookies["salesops_ui"] = "theme.dark_density.compact_nav.slim_keys.off"
    assert first.post(reverse("organization:keep_display")).status_code == 204
    first.post(reverse("organization:language"), {"language": "de"})
    first.post(reverse("organization:language"), {"language": "xx"})
    page = second.get(reverse("organization:account"))
    assert 'lang="de"' in page.content.decode()
    assert 'data-theme="dark" data-density="compact" data-nav="open" data-keys="off"' in page.content.decode()
    assert page.context["form"]["theme"].value() == "dark", "saving the form would undo the choice"


def test_addresses_and_identities_are_not_changed_by_oneself(admin) -> None:
    client = signed_in(admin)
    for page in ("email/", "confirm-email/", "signup/", "3rdparty/", "3rdparty/signup/"):
        assert client.get(f"/accounts/{page}").status_code == 404
    client.post("/accounts/email/", {"action_add": "", "email": "somebody.else@example.com"})
    assert not EmailAddress.objects.exists()


def test_the_audit_page_filters_and_exports(admin) -> None:
    client = signed_in(admin)
    make_territory("=cmd()")
    page = client.get(reverse("organization:audit"), {"type": "territory"})
    assert {event.facts.object_type for event in page.context["events"]} == {"territory"}
    text = client.get(reverse("organization:audit_csv"), {"type": "territory"}).content.decode()
    assert "'=cmd()" in text
    auditor = signed_in(make_user(Role.AUDITOR))
    assert auditor.get(reverse("organization:audit")).context["is_limited"] is False
    assert page.context["is_limited"] is True
    assert TEST


def test_the_palette_finds_people_one_may_see(admin) -> None:
    boss, user, _ = make_manager("Marta Boss")
    make_rep("Martin Below", manager=boss)
    make_person("Marvin Elsewhere")
    found = signed_in(user).get("/palette", {"q": "mar"}).content.decode()
    assert "Martin Below" in found
    assert "Marvin" not in found


def test_branches_of_a_large_organisation_are_fetched(admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("organization.views.people.ROWS_AT_ONCE", 2)
    boss = make_person("Boss")
    lead = make_person("Lead", manager=boss)
    make_person("Deep Rep", manager=lead)
    client = signed_in(admin)
    page = client.get(reverse("organization:people")).content.decode()
    assert "Deep Rep" not in page
    assert f"parent={lead.pk}" in page
    rows = client.get(reverse("organization:people_rows"), {"parent": lead.pk}).content.decode()
    assert "Deep Rep" in rows
    assert client.get(reverse("organization:people_rows"), {"parent": "0"}).status_code == 404


def test_a_custom_calendar_without_months_is_told_so_under_its_months(ops) -> None:
    fields = {"name": "Own", "kind": "CUSTOM", "start_month": "1", "week_start": "0", "custom": ""}
    for step in ("show", "define"):
        answer = signed_in(ops).post(reverse("organization:setup_calendar_new"), {**fields, "step": step})
        assert list(answer.context["form"].errors) == ["custom"]


def test_a_rate_of_nothing_is_refused_in_words(ops) -> None:
    fields = {"currency": "EUR", "from_date": "2026-01-01", "rate": "0"}
    answer = signed_in(ops).post(reverse("organization:setup_rate_new"), fields)
    assert answer.context["form"].errors["rate"] == ["A rate is a number above zero."]


def test_the_audit_names_the_zone_of_its_times(admin) -> None:
    page = signed_in(admin).get(reverse("organization:audit")).content.decode()
    zone = company().time_zone
    assert f'data-zone="{zone}"' in page
    assert f'When <span class="muted">{zone}</span>' in page


def test_every_page_says_in_its_bar_where_it_is(admin) -> None:
    for name, title in (
        ("people", "People"),
        ("users", "Users"),
        ("audit", "Audit"),
        ("person_new", "People"),
    ):
        page = signed_in(admin).get(reverse(f"organization:{name}")).content.decode()
        assert f'<p class="topbar__title truncate">{title}</p>' in page


def test_the_sentence_on_people_counts_in_words(admin) -> None:
    boss = make_manager("Ben")[0]
    assert "1 person in one level" not in _people(admin)
    assert "1 person." in _people(admin)
    make_rep("Cy", manager=boss)
    assert "2 people in 2 levels; one of them leads others." in _people(admin)


def _people(admin: User) -> str:
    return signed_in(admin).get(reverse("organization:people")).content.decode()


def test_who_had_not_started_is_not_among_the_people_of_that_day(admin) -> None:
    boss = make_manager("Ben")[0]
    make_rep("Cy", manager=boss)
    Person.objects.filter(name="Cy").update(started_on=now_date() - dt.timedelta(days=10))
    Person.objects.filter(name="Ben").update(started_on=now_date() - dt.timedelta(days=1000))
    before = (now_date() - dt.timedelta(days=20)).isoformat()
    page = signed_in(admin).get(reverse("organization:people") + f"?as_of={before}").content.decode()
    assert ">Ben<" in page
    assert ">Cy<" not in page
    assert ">Cy<" in _people(admin)


def test_a_territory_nothing_uses_is_deleted_and_others_say_what_uses_them(ops) -> None:
    west = make_territory("West")
    inner, idle = make_territory("Inner", west), make_territory("Idle")
    make_person("Cy", territory=inner)
    client = signed_in(ops)
    for row in (west, inner, idle):
        client.post(reverse("organization:setup_territory_delete", args=[row.pk]))
    assert set(Territory.objects.values_list("name", flat=True)) == {"West", "Inner"}
    assert AuditEvent.objects.get(verb="DELETE").before["name"] == "Idle"
    page = client.get(reverse("organization:setup_territory", args=[inner.pk])).content.decode()
    assert "People at home there (1)" in page
    assert "setup_territory_delete" not in page
    list_page = client.get(reverse("organization:setup_territories"))
    assert list_page.status_code == 200
    strangers = signed_in(make_rep()[1])
    assert strangers.post(reverse("organization:setup_territory_delete", args=[west.pk])).status_code == 403


def test_a_territorys_kind_is_chosen_and_an_imported_one_kept(ops) -> None:
    row, client = make_territory("West"), signed_in(ops)
    url = reverse("organization:setup_territory", args=[row.pk])
    assert save_form(client, url, {"name": "West", "kind": "ZONK", "is_active": "on"}).status_code == 422
    Territory.objects.filter(pk=row.pk).update(kind="CLUSTER")
    assert (
        save_form(client, url, {"name": "Far West", "kind": "CLUSTER", "is_active": "on"}).status_code == 302
    )
    row.refresh_from_db()
    assert (row.name, row.kind) == ("Far West", "CLUSTER")


def test_calendars_and_currencies_nothing_uses_are_deleted(ops) -> None:
    client, first = signed_in(ops), company().calendar_id
    spare = define_calendar(kind="MONTHS", start_month=1, name="Spare", first_year=2025, last_year=2026)
    used = define_calendar(kind="MONTHS", start_month=3, name="Used", first_year=2025, last_year=2026)
    client.post(reverse("organization:setup_calendar_activate", args=[used]))
    for pk in (spare, used, first):
        client.post(reverse("organization:setup_calendar_delete", args=[pk]))
    assert set(FiscalCalendar.objects.values_list("pk", flat=True)) == {first, used}, (
        "also one of the past stays"
    )
    ensure_currencies(["EUR", "CHF"])
    record_rates([("EUR", dt.date(2026, 1, 1), Decimal("1.1"))])
    page = client.get(reverse("organization:setup_rates")).content.decode()
    assert "Delete CHF" in page
    assert "Delete EUR" not in page
    for code in ("EUR", "CHF", "USD"):
        client.post(reverse("organization:setup_currency_delete", args=[code]))
    assert set(Currency.objects.values_list("code", flat=True)) == {"EUR", "USD"}


def test_time_zones_are_places(ops) -> None:
    page = signed_in(ops).get(reverse("organization:setup_company"))
    zones = dict(page.context["form"].fields["time_zone"].choices)
    assert {"UTC", "Europe/Berlin", "America/New_York"} <= set(zones)
    assert not {"Factory", "localtime", "US/Eastern", "Etc/GMT+3", "EST"} & set(zones)
    Company.objects.update(time_zone="US/Eastern")
    memo.forget()
    page = signed_in(ops).get(reverse("organization:setup_company"))
    assert "US/Eastern" in dict(page.context["form"].fields["time_zone"].choices), (
        "what is in force stays on offer"
    )
