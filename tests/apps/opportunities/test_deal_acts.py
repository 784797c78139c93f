"""What a person does to a deal and is told: amounts asked about, closing shown first, removal, and why none is shown."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opportunities.domain.deal import DealError
from opportunities.domain.listing import DealQuery
from opportunities.models import Opportunity, OpportunityVersion
from opportunities.selectors import deals, known_since
from opportunities.services import create_deal, remove_deal, undo
from organization.models import Currency
from salesops.audit.models import AuditEvent
from tests.apps.opportunities.test_pages import Team, edit
from tests.factories.opportunities import make_deal, make_process, move_deal, stage_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return Team()


def told(response: object) -> dict[str, str]:
    found: dict[str, str] = json.loads(response.headers["HX-Trigger"])["salesops:toast"]  # type: ignore[attr-defined]
    return found


def page(client: Client, deal_id: int, query: str = "", status: int = 200) -> str:
    response = client.get(reverse("opportunities:deal", args=[deal_id]) + query)
    assert response.status_code == status
    return str(response.content.decode())


def test_an_amount_that_may_mean_two_things_is_asked_about(team: Team) -> None:
    Currency.objects.get_or_create(code="GBP", defaults={"name": "Pound", "minor_unit": 2})
    deal, rep = make_deal(team.rep, amount=100, currency="GBP"), team.client(team.rep_user)
    comma = edit(rep, deal, "amount", "12,5")
    assert (comma.status_code, "Is 12,5 meant as 12.5?" in comma.json()["message"]) == (422, True)
    sign = edit(rep, deal, "amount", "$500")
    assert (sign.status_code, "This deal is in GBP" in sign.json()["message"]) == (422, True)
    assert edit(rep, deal, "amount", "£500").json()["value"] == "500"
    new = rep.post(reverse("opportunities:new"), {"name": "N", "amount": "12,50", "currency": "USD"})
    assert (new.status_code, "Is 12,50 meant as 12.50?" in new.content.decode()) == (422, True)
    euro = rep.post(reverse("opportunities:new"), {"name": "N", "amount": "€5", "currency": "USD"})
    assert (euro.status_code, "This deal is in USD" in euro.content.decode()) == (422, True)
    deal.refresh_from_db()
    assert deal.amount == 500


def test_a_conflict_names_both_values_in_words(team: Team) -> None:
    process = make_process()
    deal = make_deal(team.rep, process=process, stage=stage_of(process, "Qualify"))
    rep, boss = team.client(team.rep_user), team.client(team.boss_user)
    edit(boss, deal, "category", "UPSIDE")
    late = edit(rep, deal, "category", "OMITTED").json()
    assert (late["display"], late["yours"]) == ("Upside", "Omitted")
    assert edit(rep, deal, "stage_id", str(stage_of(process, "Propose").pk)).json()["yours"] == "Propose"
    assert edit(rep, deal, "amount", "2500").json()["yours"] == "$2,500"
    assert edit(rep, deal, "next_step", "").json()["yours"] == "–"


def test_closing_is_shown_before_it_is_done(team: Team) -> None:
    process = make_process()
    late = timezone.now().date() - dt.timedelta(days=3)
    deal = make_deal(team.rep, name="Ripe", amount=120_000, process=process, close_date=late)
    bare, foreign = make_deal(team.rep, name="Bare", amount=None), make_deal(team.stranger, name="Foreign")
    items = ",".join(f"{d.pk}:1" for d in (deal, bare, foreign))
    ask = {"items": items, "field": "category", "value": "WON"}
    rep, address = team.client(team.rep_user), reverse("opportunities:closing")
    asked = rep.get(address, ask).content.decode()
    for words in ("Ripe", "$120,000", "Booked as won", "today", "Stage: Won.", 'data-closing-count="1"'):
        assert words in asked
    assert "Bare: Say the amount it was won with" in asked
    assert "Foreign" not in asked
    assert "leaves the forecast" in rep.get(address, {**ask, "value": "LOST"}).content.decode()
    open_ = rep.get(address, {**ask, "value": "COMMIT"}).content.decode()
    assert 'data-closing-count="0"' in open_
    assert rep.get(address, {"items": "x"}).status_code == 400
    assert team.client(team.stranger_user).get(address, ask).content.decode().count("Foreign") == 1
    deal.refresh_from_db()
    assert deal.version == 1


def test_a_deal_made_by_hand_is_removed_with_a_version_and_brought_back(team: Team) -> None:
    rep = team.client(team.rep_user)
    made = create_deal(scope=team.rep_scope, values={"name": "By mistake", "amount": Decimal(5)}).deal
    url = reverse("opportunities:remove", args=[made.id])
    assert "data-remove" in page(rep, made.id)
    assert rep.post(url).status_code == 428
    assert rep.post(url, {"version": 7}).status_code == 409
    assert team.client(team.stranger_user).post(url, {"version": 1}).status_code == 404
    done = rep.post(url, {"version": 1})
    assert (done.status_code, told(done)["message"]) == (200, "By mistake removed.")
    assert deals(team.rep_scope, DealQuery()).total_count == 0
    assert OpportunityVersion.objects.get(opportunity_id=made.id, seq=2).is_deleted
    assert AuditEvent.objects.filter(verb="REMOVE", object_id=str(made.id)).count() == 1
    assert "Ben removed this deal." in page(rep, made.id, status=404)
    assert 'data-undo="' in page(rep, made.id, status=404)
    assert 'data-undo="' not in page(team.client(team.boss_user), made.id, status=404)
    live = {"headers": {"HX-Request": "true"}}
    assert rep.get(reverse("opportunities:deal", args=[made.id]) + "?part=body", **live).status_code == 200
    gone = reverse("opportunities:deal", args=[made.id])
    assert team.client(team.stranger_user).get(gone).status_code == 404
    back = rep.post(told(done)["undo"])
    assert back.json()["versions"] == [[reverse("opportunities:edit", args=[made.id]), 3]]
    assert "data-remove" in page(rep, made.id)


def test_a_deal_from_elsewhere_is_not_removed(team: Team) -> None:
    deal = make_deal(team.rep, source="salesforce")
    assert "data-remove" not in page(team.client(team.rep_user), deal.pk)
    with pytest.raises(DealError, match="came from a file"):
        remove_deal(scope=team.rep_scope, deal_id=deal.pk, version=1)
    deal.refresh_from_db()
    assert not deal.is_deleted


def test_a_removal_is_left_alone_by_an_undo_of_what_came_before(team: Team) -> None:
    made = create_deal(scope=team.rep_scope, values={"name": "Once"})
    remove_deal(scope=team.rep_scope, deal_id=made.deal.id, version=1)
    back = undo(scope=team.rep_scope, change_set_id=made.change_set_id or 0)
    assert [r.is_conflict for r in back.refused] == [True]


def test_before_it_was_known_a_deal_says_since_when(team: Team) -> None:
    deal = make_deal(team.rep, name="Later", created_at=dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC))
    move_deal(deal, at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC), amount=Decimal(70))
    rep, stranger = team.client(team.rep_user), team.client(team.stranger_user)
    early = page(rep, deal.pk, "?as_of=2026-01-01", status=404)
    assert "not known yet; first 5 Jan" in early
    assert "as_of=2026-01-05T12" in early
    assert "$70" not in early
    assert "inline-edit" not in early
    address = reverse("opportunities:deal", args=[deal.pk])
    assert "Later" not in stranger.get(f"{address}?as_of=2026-01-01").content.decode()
    assert known_since(team.rep_scope, 10**9) is None
    assert rep.get(reverse("opportunities:deal", args=[10**9]) + "?as_of=2026-01-01").status_code == 404


def test_the_close_date_filter_offers_the_quarters_around_the_instant(team: Team) -> None:
    rep = team.client(team.rep_user)
    then = rep.get(reverse("opportunities:deals") + "?as_of=2026-07-21")
    assert [label for _, label in then.context["closing"]][1:4] == ["FY27-Q1", "FY27-Q2", "FY27-Q3"]


def test_the_sentence_speaks_of_the_quarter_whatever_is_filtered(team: Team) -> None:
    today = timezone.now().date()
    make_deal(team.rep, name="Now", amount=1000, category="COMMIT", close_date=today)
    make_deal(team.rep, name="Far", amount=5000, category="COMMIT", close_date=today + dt.timedelta(days=300))
    rep = team.client(team.rep_user)
    plain = rep.get(reverse("opportunities:deals"))
    quarter = plain.context["closing"][2][1]
    assert f"Closing in {quarter}: Commit <b>$1K</b>." in plain.context["answer"]
    assert "Any close date" in plain.context["tiles_say"]
    narrowed = rep.get(reverse("opportunities:deals") + "?q=nothing")
    assert narrowed.context["answer"] == plain.context["answer"]
    assert "as filtered" in narrowed.context["tiles_say"]
    assert "data-first-list" in narrowed.content.decode()
    assert "data-first-list" not in plain.content.decode()


def test_minutes_of_one_person_are_folded_on_the_page(team: Team) -> None:
    rep = team.client(team.rep_user)
    deal = make_deal(team.rep, amount=100)
    for version, category in enumerate(("COMMIT", "UPSIDE", "PIPELINE"), 1):
        assert edit(rep, deal, "category", category, version).status_code == 200
    shown = rep.get(reverse("opportunities:deal", args=[deal.pk])).context["entries"]
    assert [(item.title, len(item.parts)) for item in shown] == [
        ("Changed and taken back", 3), ("Created", 0),
    ]  # fmt: skip
    assert "3 changes" in page(rep, deal.pk)
    assert Opportunity.objects.get(pk=deal.pk).version == 4
