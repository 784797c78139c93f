"""Pages, edits and the API: who gets what, answers of the edit contract, constant queries."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opportunities.models import Opportunity, OpportunitySplit
from organization.domain.roles import Role
from tests.factories.opportunities import (
    make_account,
    make_deal,
    make_process,
    make_subcategory,
    move_deal,
    stage_of,
)
from tests.factories.organization import make_company, make_manager, make_person, make_rep, make_user

pytestmark = pytest.mark.django_db


class Team:
    """Ada manages Ben; Charlie is a rep elsewhere."""

    def __init__(self) -> None:
        make_company()
        self.boss, self.boss_user, _ = make_manager("Ada")
        self.rep, self.rep_user, self.rep_scope = make_rep("Ben", manager=self.boss)
        self.stranger, self.stranger_user, _ = make_rep("Charlie")

    @staticmethod
    def client(user: object) -> Client:
        client = Client()
        client.force_login(user)  # type: ignore[arg-type]
        return client


@pytest.fixture
def team() -> Team:
    return Team()


def edit(client: Client, deal: Opportunity, field: str, value: str, version: object = 1, part: str = "list"):  # type: ignore[no-untyped-def]
    url = reverse("opportunities:edit", args=[deal.pk]) + f"?part={part}"
    return client.post(
        url, {"field": field, "value": value, "version": version}, headers={"HX-Request": "true"}
    )


def test_charlie_gets_404_everywhere_and_no_trace(team: Team) -> None:
    account = make_account("Secret Co")
    deal = make_deal(team.rep, name="Hidden", account=account)
    charlie = team.client(team.stranger_user)
    missing = charlie.get(reverse("opportunities:deal", args=[10**9]))
    hidden = charlie.get(reverse("opportunities:deal", args=[deal.pk]))
    assert (missing.status_code, hidden.status_code) == (404, 404)
    assert len(missing.content) == len(hidden.content)
    assert charlie.get(reverse("opportunities:account", args=[account.pk])).status_code == 404
    assert charlie.get(reverse("opportunities:splits", args=[deal.pk])).status_code == 404
    for version in ("1", ""):
        assert edit(charlie, deal, "amount", "5", version).status_code == 404
    bulk = charlie.post(
        reverse("opportunities:bulk"), {"items": f"{deal.pk}:1", "field": "category", "value": "WON"}
    )
    assert bulk.status_code == 422
    assert "Hidden" not in bulk.content.decode()
    assert charlie.get("/palette?q=hidden").json()["items"] == []
    assert charlie.get("/palette?q=secret").json()["items"] == []
    assert "Hidden" not in charlie.get(reverse("opportunities:deals")).content.decode()
    assert charlie.get(f"/api/v1/deals/{deal.pk}").status_code == 404
    assert charlie.get("/api/v1/deals?state=all").json()["count"] == 0
    assert charlie.patch(f"/api/v1/deals/{deal.pk}", {"amount": "1"}, "application/json").status_code == 404
    deal.refresh_from_db()
    assert deal.version == 1


def test_roles(team: Team) -> None:
    won = make_deal(team.rep, name="Won one", category="WON", close_date=dt.date(2026, 1, 6))
    open_deal = make_deal(team.rep, name="Open one")
    finance, executive, admin = (
        team.client(make_user(r)) for r in (Role.FINANCE, Role.EXECUTIVE, Role.ADMIN)
    )
    assert finance.get(reverse("opportunities:deal", args=[won.pk])).status_code == 200
    assert finance.get(reverse("opportunities:deal", args=[open_deal.pk])).status_code == 404
    assert executive.get(reverse("opportunities:deal", args=[open_deal.pk])).status_code == 200
    assert edit(executive, open_deal, "amount", "1").status_code == 403
    make_deal(team.rep, name="Won later", category="WON", close_date=dt.date(2026, 2, 6))
    bookings = finance.get(reverse("opportunities:deals"))
    assert [deal.name for deal in bookings.context["found"].rows] == ["Won later", "Won one"]
    assert [str(category) for category, *_ in bookings.context["tiles"]] == ["WON"]
    assert "before the call" not in executive.get(reverse("opportunities:deals")).content.decode()
    assert admin.get(reverse("opportunities:deals")).status_code == 403
    assert Client().get(reverse("opportunities:deals")).status_code == 302
    assert "data-edit-url" not in executive.get(reverse("opportunities:deals")).content.decode()


def test_the_edit_contract(team: Team) -> None:
    deal = make_deal(team.rep, amount=100)
    rep, boss = team.client(team.rep_user), team.client(team.boss_user)
    assert edit(rep, deal, "amount", "95k", "").status_code == 428
    done = edit(rep, deal, "amount", "$95k")
    answer = done.json()
    assert (done.status_code, answer["version"], Decimal(answer["value"])) == (200, 2, 95_000)
    assert f'id="deal-{deal.pk}"' in answer["row"]
    assert 'data-version="2"' in answer["row"]
    assert "$95,000" in answer["html"]
    told = json.loads(done.headers["HX-Trigger"])["salesops:toast"]
    conflict = edit(boss, deal, "amount", "70000", 1)
    body = conflict.json()
    assert (conflict.status_code, body["version"], body["by"], body["display"]) == (409, 2, "Ben", "$95,000")
    refused = edit(rep, deal, "close_date", "1980-01-01", 2)
    assert (refused.status_code, refused.json()["message"]) == (422, "Write a date from 1990 to 2059.")
    assert edit(rep, deal, "is_deleted", "1", 2).status_code == 422
    assert edit(rep, deal, "amount", "a lot", 2).status_code == 422
    assert rep.post(told["undo"], headers={"HX-Request": "true"}).status_code == 200
    deal.refresh_from_db()
    assert deal.amount == 100
    assert boss.post(told["undo"]).status_code == 404


def test_bulk_tells_what_it_left(team: Team) -> None:
    deals = [make_deal(team.rep, amount=1) for _ in range(3)]
    move_deal(deals[0], next_step="x")
    rep = team.client(team.rep_user)
    items = ",".join(f"{d.pk}:1" for d in deals)
    done = rep.post(
        reverse("opportunities:bulk") + "?part=list", {"items": items, "field": "category", "value": "COMMIT"}
    )
    assert done.status_code == 200
    assert [c["id"] for c in done.json()["changed"]] == [deals[1].pk, deals[2].pk]
    assert done.json()["refused"][0]["conflict"] is True
    told = json.loads(done.headers["HX-Trigger"])["salesops:toast"]
    assert "2 deals changed. 1 left as it was" in told["message"]
    assert (
        rep.post(
            reverse("opportunities:bulk"), {"items": "x", "field": "category", "value": "COMMIT"}
        ).status_code
        == 422
    )


def test_the_page_answers_what_needs_a_look(team: Team) -> None:
    today = timezone.now().date()
    make_deal(
        team.rep, name="Late one", close_date=today - dt.timedelta(days=3), category="COMMIT", next_step="x"
    )
    make_deal(team.rep, name="Fine one", close_date=today + dt.timedelta(days=60))
    page = team.client(team.rep_user).get(reverse("opportunities:deals"))
    text = page.content.decode()
    assert page.status_code == 200
    assert "<b>1 deal</b> needs you before the call." in text
    assert "Close date passed 3 days ago" in text
    assert 'data-quick="close_date"' in text
    assert "Fine one" in text


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?view=board&state=all",
        "?flag=ANY",
        "?as_of=2026-06-01",
        "?category=COMMIT,WON&from=2026-11-01&to=2027-02-01",
        "?sort=-amount&page=99&q=x%00",
        "?owner=abc&stage=9999999999999999999&closing=quarter",
    ],
)
def test_every_address_of_the_list_answers(team: Team, query: str) -> None:
    process = make_process()
    make_deal(
        team.rep,
        process=process,
        stage=stage_of(process, "Qualify"),
        category="COMMIT",
        subcategory=make_subcategory(),
    )
    for user in (team.rep_user, team.boss_user):
        response = team.client(user).get(reverse("opportunities:deals") + query)
        assert response.status_code == 200
        assert "{{" not in response.content.decode()


def test_queries_do_not_grow_with_deals(team: Team, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    process = make_process()
    boss = team.client(team.boss_user)
    used = []
    for count in (1, 15):
        for _ in range(count):
            deal = make_deal(
                team.rep, process=process, stage=stage_of(process, "Qualify"), account=make_account()
            )
            for step in ("a", "b"):
                deal = move_deal(deal, next_step=step)
        boss.get(reverse("opportunities:deals"))
        for url in (
            reverse("opportunities:deals"),
            reverse("opportunities:deals") + "?view=board",
            reverse("opportunities:deal", args=[deal.pk]),
        ):
            with django_assert_max_num_queries(40) as counted:
                boss.get(url)
            used.append(len(counted))
    assert used[:3] == used[3:]
    assert used[:3] == [15, 15, 21]


def test_a_new_deal_and_its_splits(team: Team) -> None:
    process = make_process()
    rep, colleague = team.client(team.rep_user), team.rep
    wrong = rep.post(reverse("opportunities:new"), {"name": ""})
    assert wrong.status_code == 422
    made = rep.post(
        reverse("opportunities:new"),
        {"name": "Fresh", "account": "Fresh Inc", "amount": "12k", "currency": "USD", "stage_id": stage_of(process, "Propose").pk},
    )  # fmt: skip
    deal = Opportunity.objects.get(name="Fresh")
    assert made.headers["Location"] == reverse("opportunities:deal", args=[deal.pk])
    assert (deal.amount, deal.category, deal.owner_id, str(deal.account)) == (
        12_000,
        "UPSIDE",
        colleague.pk,
        "Fresh Inc",
    )
    other = make_person("Elsa", manager=team.boss)
    url, boss = reverse("opportunities:splits", args=[deal.pk]), team.client(team.boss_user)
    wrong = boss.post(
        url,
        {
            "person": [colleague.pk, other.pk],
            "kind": ["REVENUE", "REVENUE"],
            "share": ["60", "30"],
            "seen": "",
        },
    )
    assert wrong.status_code == 422
    assert "90 %, not 100 %" in wrong.content.decode()
    boss.post(
        url,
        {
            "person": [colleague.pk, other.pk, ""],
            "kind": ["REVENUE"] * 3,
            "share": ["60", "40", ""],
            "seen": "",
        },
    )
    assert {(s.person_id, s.share) for s in OpportunitySplit.objects.filter(opportunity=deal)} == {
        (colleague.pk, 60),
        (other.pk, 40),
    }


def test_the_api_speaks_the_same_rules(team: Team) -> None:
    deal = make_deal(team.rep, amount="100.10")
    rep = team.client(team.rep_user)
    url = f"/api/v1/deals/{deal.pk}"
    assert rep.patch(url, {"amount": "5"}, "application/json").status_code == 428
    done = rep.patch(url, {"amount": "5.25", "version": 1}, "application/json")
    assert (done.status_code, done.json()["amount"], done.json()["version"]) == (200, "5.2500", 2)
    conflict = rep.patch(url, {"amount": "6"}, "application/json", headers={"If-Match": '"1"'})
    assert conflict.status_code == 409
    assert (conflict.json()["current"], conflict.json()["yours"]) == (
        {"amount": "5.2500"},
        {"amount": "6.0000"},
    )
    assert rep.patch(url, {"amount": "-6", "version": 2}, "application/json").status_code == 422
    one = rep.get(url).json()
    assert [c["field"] for c in one["history"][0]["changes"]] == ["amount"]
    listed = rep.get("/api/v1/deals").json()
    assert (listed["count"], listed["totals"]) == (1, [{"currency": "USD", "count": 1, "amount": "5.2500"}])
    assert Client().get("/api/v1/deals", headers={"accept": "application/json"}).status_code == 401


def test_the_export_is_what_is_on_screen(team: Team) -> None:
    make_deal(team.rep, name="=cmd()", amount="1.5")
    make_deal(team.rep, name="Won", category="WON")
    text = team.client(team.rep_user).get(reverse("opportunities:export")).content.decode()
    assert "'=cmd()" in text
    assert "Won" not in text
    assert ",1.5,USD,1.5,USD," in text


def test_as_of_is_read_only(team: Team) -> None:
    deal = make_deal(team.rep, name="Then", amount=100, created_at=dt.datetime(2026, 1, 5, tzinfo=dt.UTC))
    move_deal(deal, at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC), amount=Decimal(70))
    rep = team.client(team.rep_user)
    page = rep.get(reverse("opportunities:deal", args=[deal.pk]) + "?as_of=2026-02-01").content.decode()
    assert "$100" in page
    assert "inline-edit" not in page
    assert "$70" not in page


def test_api_and_page_tell_the_same_history_at_every_instant(team: Team) -> None:
    """Also to who sees only a past state: all that came before it, nothing of what came of it."""
    deal = make_deal(team.rep, amount=100, created_at=dt.datetime(2026, 1, 5, tzinfo=dt.UTC))
    for month, changes in (
        (2, {"amount": Decimal(70)}),
        (3, {"owner_id": team.stranger.pk}),
        (4, {"amount": Decimal(9)}),
    ):
        move_deal(deal, at=dt.datetime(2026, month, 1, 12, tzinfo=dt.UTC), **changes)
    lengths: dict[str, list[int | None]] = {}
    for user in (team.rep_user, team.stranger_user, make_user(Role.EXECUTIVE)):
        client = team.client(user)
        for instant in ("2026-01-01", "2026-01-10", "2026-02-01T12:00", "2026-03-15", ""):
            page = client.get(reverse("opportunities:deal", args=[deal.pk]), {"as_of": instant})
            answer = client.get(f"/api/v1/deals/{deal.pk}", {"as_of": instant})
            assert answer.status_code == page.status_code, (user, instant)
            shown = told = None
            if page.status_code == 200:
                shown = [(e.entry.at, [c.key for c in e.entry.changes]) for e in page.context["entries"]]
                told = [
                    (dt.datetime.fromisoformat(e["at"]), [c["field"] for c in e["changes"]])
                    for e in answer.json()["history"]
                ]
            assert shown == told, (user, instant)
            lengths.setdefault(user.name, []).append(None if shown is None else len(shown))
    rep, stranger, executive = lengths.values()
    assert rep == [None, 1, 2, None, None]
    assert stranger == [None, None, None, 3, 4]
    assert executive == [None, 1, 2, 3, 4]


def test_the_palette_finds_what_is_visible(team: Team) -> None:
    make_deal(team.rep, name="Northern lights", account=make_account("Aurora"))
    items = team.client(team.boss_user).get("/palette?q=auro").json()["items"]
    assert {(i["label"], str(i["group"])) for i in items} == {
        ("Northern lights", "Deals"),
        ("Aurora", "Accounts"),
    }
    people = team.client(team.boss_user).get("/palette?q=ben").json()["items"]
    assert {i["label"] for i in people} == {"Ben", "Deals of Ben"}
    cache.clear()
