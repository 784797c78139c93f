"""Who shares a deal is history: dated, append-only, shown as of then, undone like any edit."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import IntegrityError
from django.test import Client
from django.urls import reverse

from opportunities.domain.deal import DealError, NotVisible
from opportunities.domain.splits import OVERLAY, REVENUE, Split
from opportunities.models import Opportunity, OpportunitySplit
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors import deal as detail_of
from opportunities.selectors import timeline
from opportunities.services import change_deal, set_splits, undo
from organization.domain.scope import Scope
from organization.models import Person
from organization.scope import scope_for
from salesops.audit.models import AuditEvent
from tests.factories.opportunities import make_deal
from tests.factories.organization import make_company, make_manager, make_person, make_rep

pytestmark = pytest.mark.django_db
REFUSED = (InternalError, IntegrityError)
INSTANT = dt.timedelta(microseconds=1)


class Team:
    """Ada manages Ben and Elsa; Ben has a deal of 1,000."""

    def __init__(self) -> None:
        make_company()
        self.boss, self.user, _ = make_manager("Ada")
        self.ben, _, self.ben_scope = make_rep("Ben", manager=self.boss)
        self.elsa = make_person("Elsa", manager=self.boss)
        self.deal: Opportunity = make_deal(self.ben, amount=1000)
        self.scope = scope_for(self.user)
        self.page = reverse("opportunities:splits", args=[self.deal.pk])
        self.client = Client()
        self.client.force_login(self.user)

    def share(self, *shares: tuple[Person, str, int], scope: Scope | None = None) -> int | None:
        splits = [Split(person.pk, kind, Decimal(share)) for person, kind, share in shares]
        return set_splits(scope=scope or self.scope, deal_id=self.deal.pk, splits=splits)

    def shared(self, at: dt.datetime | None = None) -> list[tuple[str, str, Decimal]]:
        return [(s.person_name, s.kind, s.share) for s in detail_of(self.scope, self.deal.pk, at).splits]

    def post(self, *rows: tuple[object, str, str]):  # type: ignore[no-untyped-def]
        people, kinds, shares = zip(*rows, strict=True)
        seen = self.client.get(self.page).context["seen"]
        return self.client.post(self.page, {"person": people, "kind": kinds, "share": shares, "seen": seen})


@pytest.fixture
def team() -> Team:
    return Team()


def begin_of(act: int | None) -> dt.datetime:
    return OpportunitySplit.objects.filter(change_set_id=act).latest("valid_from").valid_from


def test_a_past_instant_shows_the_shares_of_then(team: Team) -> None:
    first = begin_of(team.share((team.ben, REVENUE, 60), (team.elsa, REVENUE, 40)))
    second = begin_of(team.share((team.ben, REVENUE, 100), (team.elsa, OVERLAY, 10)))
    assert team.shared(first - INSTANT) == []
    assert (
        team.shared(first) == team.shared(second - INSTANT) == [("Ben", REVENUE, 60), ("Elsa", REVENUE, 40)]
    )
    assert team.shared(second) == team.shared() == [("Ben", REVENUE, 100), ("Elsa", OVERLAY, 10)]
    assert [s.amount for s in detail_of(team.scope, team.deal.pk, first).splits] == [600, 400]


def test_a_share_that_stays_keeps_its_interval(team: Team) -> None:
    act = team.share((team.ben, REVENUE, 100), (team.elsa, OVERLAY, 10))
    team.share((team.ben, REVENUE, 100))
    assert team.share((team.ben, REVENUE, 100)) is None
    kept, ended = OpportunitySplit.objects.order_by("kind").reverse()
    assert (kept.change_set_id, kept.valid_to, kept.ended_by) == (act, FAR_FUTURE_AT, None)
    assert ended.valid_to < FAR_FUTURE_AT
    assert AuditEvent.objects.filter(verb="SPLIT", object_id=str(team.deal.pk)).count() == 2


def test_the_database_refuses_to_rewrite_shares(team: Team) -> None:
    team.share((team.ben, REVENUE, 100))
    team.share((team.elsa, REVENUE, 100))
    table = "opportunities_opportunitysplit"
    for broken in (
        f"DELETE FROM {table}",
        f"UPDATE {table} SET share = 50",
        f"UPDATE {table} SET valid_from = valid_from - interval '1 day'",
        f"UPDATE {table} SET valid_to = now() WHERE valid_to < '9999-12-31'",
        f"UPDATE {table} SET valid_to = now() WHERE ended_by_id IS NULL",
    ):
        with pytest.raises(REFUSED, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(broken)
    part = OpportunitySplit.objects.at(None).get()
    part.pk = None
    with pytest.raises(IntegrityError, match="split_person_once_at_a_time"), transaction.atomic():
        part.save(force_insert=True)


def test_the_timeline_tells_each_change(team: Team) -> None:
    first = begin_of(team.share((team.ben, REVENUE, 60), (team.elsa, REVENUE, 40)))
    change_deal(scope=team.scope, deal_id=team.deal.pk, version=1, changes={"category": "COMMIT"})
    team.share()
    ended, changed, begun, created = timeline(team.scope, team.deal.pk)
    assert created.is_first
    assert [c.key for c in changed.changes] == ["category"]
    assert [(c.key, len(c.old), len(c.new)) for e in (begun, ended) for c in e.changes] == [
        ("splits", 0, 2), ("splits", 2, 0),
    ]  # fmt: skip
    assert (begun.by, begun.kind, begun.category, ended.category) == ("Ada", "EDIT", "PIPELINE", "COMMIT")
    assert timeline(team.scope, team.deal.pk, first) == [begun, created]
    page = team.client.get(reverse("opportunities:deal", args=[team.deal.pk])).content.decode()
    assert "Ben 60 %, Elsa 40 %" in page
    told = team.client.get(f"/api/v1/deals/{team.deal.pk}").json()["history"][0]["changes"][0]
    assert (told["field"], told["new"]) == ("splits", [])
    assert [(s["person_name"], s["share"]) for s in told["old"]] == [("Ben", "60.0000"), ("Elsa", "40.0000")]


def test_undo_brings_the_former_shares_back_and_undone_itself_the_later(team: Team) -> None:
    team.share((team.ben, REVENUE, 60), (team.elsa, REVENUE, 40))
    act = team.share((team.ben, REVENUE, 100))
    assert act is not None
    with pytest.raises(NotVisible):
        undo(scope=team.ben_scope, change_set_id=act)
    done = undo(scope=team.scope, change_set_id=act)
    assert [change.fields for change in done.changed] == [("splits",)]
    assert team.shared() == [("Ben", REVENUE, 60), ("Elsa", REVENUE, 40)]
    assert timeline(team.scope, team.deal.pk)[0].is_undo
    assert undo(scope=team.scope, change_set_id=act).changed == ()
    assert done.change_set_id is not None
    undo(scope=team.scope, change_set_id=done.change_set_id)
    assert team.shared() == [("Ben", REVENUE, 100)]


def test_shares_changed_since_are_not_undone(team: Team) -> None:
    act = team.share((team.elsa, REVENUE, 100))
    assert act is not None
    team.share((team.elsa, REVENUE, 100), (team.ben, OVERLAY, 5), scope=team.ben_scope)
    (refused,) = undo(scope=team.scope, change_set_id=act).refused
    assert (refused.is_conflict, refused.message) == (True, "Changed since by Ben.")
    assert len(team.shared()) == 2


def test_the_toast_after_saving_offers_undo(team: Team) -> None:
    saved = team.post((team.ben.pk, REVENUE, "60"), (team.elsa.pk, REVENUE, "40"))
    page = team.client.get(saved.headers["Location"]).content.decode()
    (url,) = re.findall(r'class="toast-message"[^>]* data-undo="([^"]+)"', page)
    assert len(team.shared()) == 2
    answer = team.client.post(url, headers={"HX-Request": "true"})
    assert (answer.status_code, team.shared()) == (200, [])
    assert "Undone." in answer.headers["HX-Trigger"]


def test_a_foreign_person_is_answered_like_nobody(team: Team) -> None:
    stranger = make_person("Charlie")
    answers = []
    for number in (stranger.pk, 10**6, 10**40):
        answer = team.post((number, REVENUE, "100"))
        lines = answer.content.decode().splitlines()
        answers.append((answer.status_code, [line for line in lines if "csrf" not in line.lower()]))
    assert answers[0][0] == 422
    assert "There is no such person." in "".join(answers[0][1])
    assert answers[0] == answers[1] == answers[2]
    assert "Charlie" not in "".join(answers[0][1])
    assert team.post(("²", REVENUE, "100")).status_code == 422
    with pytest.raises(DealError, match="no such person"):
        team.share((stranger, REVENUE, 100))


def test_who_has_a_share_may_keep_it_when_they_leave_the_team(team: Team) -> None:
    team.share((team.ben, REVENUE, 60), (team.elsa, REVENUE, 40))
    team.share((team.ben, REVENUE, 50), (team.elsa, REVENUE, 50), scope=team.ben_scope)
    assert team.shared() == [("Ben", REVENUE, 50), ("Elsa", REVENUE, 50)]


def test_splits_that_somebody_changed_meanwhile_are_told_not_overwritten(team: Team) -> None:
    seen = team.client.get(team.page).context["seen"]
    team.share((team.ben, "REVENUE", 70), (team.elsa, "REVENUE", 30))
    mine = {"person": [team.elsa.pk], "kind": ["REVENUE"], "share": ["100"]}
    assert team.client.post(team.page, mine).status_code == 428
    refused = team.client.post(team.page, {**mine, "seen": seen})
    assert refused.status_code == 409
    assert "Ben 70 %, Elsa 30 %" in refused.content.decode()
    assert [share for _, _, share in team.shared()] == [70, 30]
    again = team.client.post(team.page, {**mine, "seen": refused.context["seen"]})
    assert again.status_code == 302
    assert [(name, share) for name, _, share in team.shared()] == [("Elsa", 100)]
