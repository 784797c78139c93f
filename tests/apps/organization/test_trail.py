"""The audit trail in words: no code, number of a row or bare amount where people say something else."""

from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from opportunities.services import change_deal
from organization.domain.roles import Role
from organization.views.trail import value_words
from salesops.audit.names import names_for
from salesops.audit.record import record
from tests.factories.opportunities import make_deal, make_process, make_product, stage_of
from tests.factories.organization import TEST, make_company, make_person, make_user, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor() -> Client:
    make_company()
    return signed_in(make_user(Role.AUDITOR, name="Aud"))


def _told(client: Client, **query: object) -> list[tuple[str, str, str]]:
    events = client.get(reverse("organization:audit"), query).context["events"]
    return [(change.words, change.before, change.after) for event in events for change in event.changes]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("is_active", True, "Yes"), ("is_deleted", False, "No"), ("role", "ADMIN", "Administrator"),
        ("category", "COMMIT", "Commit"), ("probability", "100.00", "100 %"), ("rate", "1.3340", "1.334"),
        ("kept", [], ""), ("person", None, ""), ("records_kept", 0, "0"), ("start_month", 2, "February"),
        ("week_start", 0, "Monday"), ("kind", "REGION", "Region"), ("state", "READY", "Ready"), ("status", "WON", "Won"),
        ("close_date", "2027-01-15", "15 Jan 2027"), ("order", ["Talk", "Propose"], "Talk, Propose"),
        ("name", "2026-02-31", "2026-02-31"), ("next_step", "0000-00-00", "0000-00-00"), ("name", "1.10", "1.10"),
        ("close_date", "2026-02-31", "2026-02-31"), ("name", "9" * 29 + ".55", "9" * 29 + ".55"),
        ("share", "9" * 29 + ".55", "9" * 29 + ".55"), ("name", "0." + "1" * 45, "0." + "1" * 45),
        ("from_date", "2026-01-02", "2 Jan 2026"), ("left_on", "2026-01-02", "2 Jan 2026"),
        ("owner_id", 7, "Ida"), ("stage_id", 12, "Propose"), ("stage_id", 13, "#13"), ("name", "COMMIT", "COMMIT"),
        ("splits", [["7", "REVENUE", "60.0000"], ["8", "REVENUE", "40"]], "Ida: 60 %, 8: 40 %"),
    ],
)  # fmt: skip
def test_values_in_words(name: str, value: object, words: str) -> None:
    assert value_words(name, value, {"owner_id": {7: "Ida"}, "stage_id": {12: "Propose"}}) == words


def test_a_change_of_a_deal_with_its_currency_and_the_way_to_it(auditor) -> None:
    deal = make_deal(owner=make_person("Ida"), amount=13000)
    change_deal(
        scope=TEST,
        deal_id=deal.pk,
        version=deal.version,
        changes={"amount": Decimal(11600), "category": "UPSIDE"},
    )
    told = _told(auditor, type="deal")
    assert ("amount", "$13,000", "$11,600") in told
    assert ("category", "Pipeline", "Upside") in told
    assert not [words for words, _before, _after in told if words == "currency"]
    assert (
        f'href="/deals/{deal.pk}"'
        in auditor.get(reverse("organization:audit"), {"type": "deal"}).content.decode()
    )


def test_what_a_change_speaks_of_is_named(auditor) -> None:
    process, plain, fine = make_process(), make_product("Plain"), make_product("Fine")
    talk, ask = stage_of(process, "Discover"), stage_of(process, "Propose")
    deal = make_deal(make_person("Ida"), process=process, stage=talk, product=plain)
    changes = {"stage_id": ask.pk, "product_id": fine.pk, "owner_id": make_person("Ole").pk}
    change_deal(scope=TEST, deal_id=deal.pk, version=deal.version, changes=changes)
    told = _told(auditor, type="deal")
    assert {("stage", "Discover", "Propose"), ("product", "Plain", "Fine"), ("owner", "Ida", "Ole")} <= set(
        told
    )


def test_each_kind_is_asked_for_once(auditor, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    one, two = make_person("Ida"), make_person("Ole")
    numbers = {"owner_id": {one.pk}, "manager_id": {two.pk}, "stage_id": {0}, "currency_id": {1}}
    with django_assert_num_queries(2):
        names = names_for(numbers)
    assert (names["owner_id"][one.pk], names["manager_id"][two.pk], dict(names["stage_id"])) == (
        "Ida",
        "Ole",
        {},
    )


def test_what_an_import_left_is_said_and_what_is_empty_is_not(auditor) -> None:
    record(actor_id=1, actor_name="Ada", verb="UNDO_IMPORT", object_type="import", object_id=1, label="crm.csv",
           after={"kept": [], "records_kept": 2})  # fmt: skip
    assert _told(auditor, type="import") == [("records left as they are, because used elsewhere", "", "2")]


def test_an_address_is_found(auditor) -> None:
    tim = make_user(Role.REP, name="Tim", email="tim.typo@example.com")
    events = auditor.get(reverse("organization:audit"), {"q": "Typo@example"}).context["events"]
    assert {(event.facts.object_type, event.facts.object_id) for event in events} == {("login", str(tim.pk))}


def test_a_name_is_searched_for_in_the_last_months_and_the_page_says_so(auditor) -> None:
    page, found = reverse("organization:audit"), {}
    for day in ("2026-03-02", "2026-08-03"):
        with time_machine.travel(f"{day}T12:00:00Z", tick=False):
            record(
                actor_id=1,
                actor_name="Ada",
                verb="UPDATE",
                object_type="login",
                object_id=day,
                label="Tim Typo",
            )
    with time_machine.travel("2026-08-10T12:00:00Z", tick=False):
        for query in (
            "q=typo",
            "actor=ada",
            "q=typo&from=2026-01-01",
            "q=typo&to=2026-04-01",
            "type=login",
            "q=typo&id=2026-03-02",
        ):
            answer = auditor.get(f"{page}?{query}")
            events = [event.facts.object_id for event in answer.context["events"]]
            rows = csv.DictReader(io.StringIO(auditor.get(answer.context["csv"]).content.decode("utf-8-sig")))
            assert sorted(row["id"] for row in rows) == sorted(events), "the file is of the same time"
            found[query] = (
                sorted(e for e in events if e.startswith("2026")),
                answer.context["searched_since"],
            )
            assert ("Searched from" in answer.content.decode()) is (found[query][1] is not None)
    both = ["2026-03-02", "2026-08-03"]
    assert found == {
        "q=typo": (both[1:], dt.date(2026, 5, 12)),
        "actor=ada": (both[1:], dt.date(2026, 5, 12)),
        "q=typo&from=2026-01-01": (both, None),
        "q=typo&to=2026-04-01": (both[:1], dt.date(2026, 1, 2)),
        "type=login": (both, None),
        "q=typo&id=2026-03-02": (both[:1], None),
    }
