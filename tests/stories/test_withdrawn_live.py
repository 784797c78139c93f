"""Undoing an import takes deals away without writing a version: open pages hear of it all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from opportunities.domain.live import Change, News, Reach, Tail
from opportunities.models import Opportunity
from opportunities.selectors.live import last_act_id, last_version_id
from opportunities.views import hub as views_hub
from opportunities.views.hub import Hub, Subscription
from organization.domain.credential import Credential
from organization.domain.roles import Role
from organization.models import Person
from tests.factories.organization import make_company, make_manager, make_person, make_user
from tests.stories.test_review_findings import imported, undone

pytestmark = pytest.mark.django_db
ROW = "1,Alpha,Acme,Ann Smith,Verbal OK,100,2026-03-01"


@pytest.fixture
def batch(tmp_path: Path) -> int:
    make_company()
    return imported(tmp_path, ROW)


def test_a_page_that_polls_hears_of_withdrawn_deals(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    boss, boss_user, _ = make_manager("Ada")
    owner = Person.objects.get(name="Ann Smith")
    owner_id = owner.pk
    everything, stranger = Client(), Client()
    everything.force_login(make_user(Role.OPS))
    stranger.force_login(make_user(Role.REP, person=make_person()))
    monkeypatch.setattr(views_hub, "OVERLAP", views_hub.OVERLAP * 0)
    assert everything.get("/events/poll", {"since": "9999999999"}).json()["events"] == []
    monkeypatch.undo()
    floor = last_version_id()
    undone(batch)
    assert last_version_id() == floor, "an undo that writes a version needs no ear of its own"
    cursor = everything.get("/events/poll", {"since": ""}).json()
    assert [event["owners"] for event in cursor["events"]] == [[owner_id]]
    assert stranger.get("/events/poll", {"since": ""}).json()["events"] == []


def test_the_poller_hands_withdrawn_deals_to_open_streams(batch: int) -> None:
    owner_id = Opportunity.objects.get().owner_id
    hub = Hub()
    ear = Subscription(Credential(1), Reach(everything=True), "")
    heard: list[News] = []
    ear.offer = heard.append  # type: ignore[method-assign]
    hub._subscriptions.add(ear)
    tails = Tail(last_version_id()), Tail(last_act_id())
    hub._poll(*tails)
    assert heard == []
    undone(batch)
    hub._poll(*tails)
    assert heard == [News.of([Change(frozenset({owner_id}), False)])]
    hub._poll(*tails)
    assert len(heard) == 1
