"""Live updates: a rep's change reaches the manager's stream within a second, and nobody else's."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient, Client
from django.utils import timezone

from opportunities.domain.live import Change, News, Reach
from opportunities.services import change_deal
from opportunities.views import events, hub
from opportunities.views.hub import Subscription
from organization.domain.credential import Credential
from organization.domain.roles import Role
from organization.models import ApiToken
from organization.services import create_token
from tests.factories.opportunities import make_deal
from tests.factories.organization import make_company, make_manager, make_person, make_rep, make_user


async def _told(response: Any, seconds: float) -> dict[str, Any] | None:
    """The first change a stream tells within so many seconds."""

    async def read() -> dict[str, Any]:
        async for chunk in response.streaming_content:
            text = chunk.decode() if isinstance(chunk, bytes) else chunk
            if "event: changed" in text:
                return json.loads(next(line for line in text.splitlines() if line.startswith("data: "))[6:])
        raise AssertionError("the stream ended")

    try:
        return await asyncio.wait_for(read(), seconds)
    except TimeoutError:
        return None


@pytest.mark.django_db(transaction=True)
def test_a_change_reaches_the_manager_and_no_stranger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub, "RENDERING", hub.OVERLAP * 0)
    make_company()
    boss, boss_user, _ = make_manager("Ada")
    rep, _, scope = make_rep("Ben", manager=boss)
    other, other_user, _ = make_manager("Dora")
    deal = make_deal(rep)

    async def story() -> None:
        manager, stranger = AsyncClient(), AsyncClient()
        await manager.aforce_login(boss_user)
        await stranger.aforce_login(other_user)
        streams = [await client.get("/events") for client in (manager, stranger)]
        assert streams[0].headers["Content-Type"] == "text/event-stream"
        listening = [asyncio.create_task(_told(streams[0], 10)), asyncio.create_task(_told(streams[1], 2))]
        await asyncio.sleep(0.6)
        await sync_to_async(change_deal)(
            scope=scope, deal_id=deal.pk, version=1, changes={"amount": Decimal(5)}
        )
        data = await listening[0]
        assert data is not None
        assert (data["kind"], data["owners"]) == ("deal", [rep.pk])
        assert await listening[1] is None

    async_to_sync(story)()


@pytest.mark.django_db
def test_polling_tells_the_same_to_the_same_people() -> None:
    make_company()
    boss, boss_user, _ = make_manager("Ada")
    rep, _, scope = make_rep("Ben", manager=boss)
    deal = make_deal(rep)
    clients = {}
    for name, user in (
        ("boss", boss_user), ("stranger", make_user(Role.REP, person=make_person())), ("finance", make_user(Role.FINANCE)),
    ):  # fmt: skip
        clients[name] = Client()
        clients[name].force_login(user)
    first = {name: c.get("/events/poll").json()["cursor"] for name, c in clients.items()}
    change_deal(scope=scope, deal_id=deal.pk, version=1, changes={"amount": Decimal(5)})
    told = {
        name: c.get("/events/poll", {"since": first[name]}).json()["events"] for name, c in clients.items()
    }
    assert [e["owners"] for e in told["boss"]] == [[rep.pk]]
    assert told["stranger"] == told["finance"] == []
    change_deal(scope=scope, deal_id=deal.pk, version=2, changes={"category": "WON"})
    assert clients["finance"].get("/events/poll", {"since": first["finance"]}).json()["events"]
    assert clients["boss"].get("/events/poll", {"since": "x'; DROP"}).status_code == 200


@pytest.mark.django_db
def test_a_page_hears_of_what_happened_while_it_was_on_its_way() -> None:
    make_company()
    _, boss_user, _ = make_manager("Ada")
    rep, _, scope = make_rep("Ben", manager=boss_user.person)
    deal = make_deal(rep)
    client = Client()
    client.force_login(boss_user)
    body = client.get("/deals/").content.decode()
    rendered = body.partition('data-rendered-at="')[2].partition('"')[0]
    change_deal(scope=scope, deal_id=deal.pk, version=1, changes={"amount": Decimal(5)})
    told = client.get("/events/poll", {"since": rendered}).json()["events"]
    assert [event["owners"] for event in told] == [[rep.pk]]
    later = f".{int(rendered[1:]) + 3600}"
    assert client.get("/events/poll", {"since": later}).json()["events"] == []


@pytest.mark.django_db
def test_no_stream_for_strangers_and_those_without_deals(client: Client) -> None:
    assert client.get("/events/poll", headers={"accept": "application/json"}).status_code == 401
    client.force_login(make_user(Role.ADMIN))
    assert client.get("/events/poll").status_code == 403


Subscribe = Callable[[Client], Subscription]


@pytest.fixture
def subscribed(monkeypatch: pytest.MonkeyPatch) -> Subscribe:
    """What the stream of a client would listen with."""
    made: list[Subscription] = []

    def note(*arguments: Any) -> Subscription:
        made.append(Subscription(*arguments))
        return made[-1]

    monkeypatch.setattr(events, "Subscription", note)

    def ask(client: Client) -> Subscription:
        assert client.get("/events").status_code == 200
        return made[-1]

    return ask


def _checked(*ears: Subscription) -> list[bool]:
    """Which of these streams go on after their viewers were asked for again."""
    asked = hub.Hub()
    asked._subscriptions.update(ears)
    asked._check()
    return [ear.reach is not None for ear in ears]


@pytest.mark.django_db
def test_a_stream_ends_when_its_session_its_password_its_login_or_its_role_does(
    subscribed: Subscribe,
) -> None:
    make_company()
    ears: dict[str, Subscription] = {}
    users: dict[str, Any] = {}
    clients: dict[str, Client] = {}
    for name in ("stays", "signs out", "new password", "deactivated", "revoked", "too old"):
        _, users[name], _ = make_rep(name)
        clients[name] = Client()
        clients[name].force_login(users[name])
        clients[name].get("/deals/")
        ears[name] = subscribed(clients[name])
    assert _checked(*ears.values()) == [True] * 6
    clients["signs out"].post("/accounts/logout/")
    users["new password"].set_password("another long password")
    users["new password"].save()
    users["deactivated"].is_active = False
    users["deactivated"].save()
    users["revoked"].role_grants.update(revoked_at=timezone.now())
    session = clients["too old"].session
    session["started"] -= 10**7
    session.save()
    assert dict(zip(ears, _checked(*ears.values()), strict=True)) == {name: name == "stays" for name in ears}


@pytest.mark.django_db
def test_a_stream_hears_of_those_who_are_below_now(subscribed: Subscribe) -> None:
    make_company()
    boss, boss_user, _ = make_manager("Ada")
    client = Client()
    client.force_login(boss_user)
    ear = subscribed(client)
    assert ear.reach is not None
    assert ear.reach.person_ids == {boss.pk}
    rep, _, _ = make_rep("Ben", manager=boss)
    assert _checked(ear) == [True]
    assert ear.reach.person_ids == {boss.pk, rep.pk}


@pytest.mark.django_db
def test_a_program_hears_as_long_as_its_token_is_good(subscribed: Subscribe) -> None:
    make_company()
    _, user, scope = make_rep("Ben")
    made = {
        name: create_token(scope=scope, user_id=user.pk, name=name, scopes=[grants], days=1)[1]
        for name, grants in (("stays", "read:deals"), ("revoked", "read:deals"))
    }
    ears = []
    for token in made.values():
        client = Client(headers={"Authorization": f"Bearer {token}"})
        ears.append(subscribed(client))
    assert _checked(*ears) == [True, True]
    revoked = ApiToken.objects.get(name="revoked")
    revoked.revoked_at = timezone.now()
    revoked.save()
    assert _checked(*ears) == [True, False]


@pytest.mark.django_db
def test_everybody_is_asked_for_in_a_fixed_number_of_statements(
    django_assert_num_queries: Any, subscribed: Subscribe
) -> None:
    make_company()
    ears = []
    for name in ("Ada", "Ben", "Cem", "Dora"):
        _, user, _ = make_manager(name)
        client = Client()
        client.force_login(user)
        ears.append(subscribed(client))
    with django_assert_num_queries(4):
        _checked(*ears[:1])
    with django_assert_num_queries(4):
        _checked(*ears)


def test_owners_gather_until_the_stream_takes_them_and_nothing_else_is_heard() -> None:
    ear = Subscription(Credential(1), Reach(person_ids=frozenset({1, 2})), "")
    ear.offer(News.of([Change(frozenset({2}), False)]))
    ear.offer(News.of([Change(frozenset({1, 3}), False)]))
    ear.offer(News.of([Change(frozenset({4}), True)]))

    async def story() -> None:
        assert await ear.heard(5) == (1, 2)
        assert await ear.heard(0.01) is None
        waiting = asyncio.create_task(ear.heard(5))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(ear.offer, News.of([Change(frozenset({2}), False)]))
        assert await waiting == (2,)
        waiting = asyncio.create_task(ear.heard(5))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(ear.may, None)
        assert await asyncio.wait_for(waiting, 1) is None

    asyncio.run(story())


class _Ear(Subscription):
    """Writes down what it is offered."""

    def __init__(self, since: float) -> None:
        super().__init__(Credential(1), Reach(everything=True), "")
        self.since = since
        self.told: list[News] = []

    def offer(self, news: News) -> None:
        self.told.append(news)


@pytest.mark.django_db
def test_who_comes_back_is_told_what_happened_meanwhile_in_as_few_statements_as_one(
    django_assert_num_queries: Any,
) -> None:
    make_company()
    rep, _, scope = make_rep("Ben")
    deal = make_deal(rep)
    listening = hub.Hub()
    tails = listening._begin()
    first, now = _Ear(0), time.time()
    listening._subscriptions.add(first)
    change_deal(scope=scope, deal_id=deal.pk, version=1, changes={"amount": Decimal(5)})
    listening._poll(*tails)
    told = News.of([Change(frozenset({rep.pk}), False)])
    assert first.told == [told]
    short, long, none = _Ear(now - 1), _Ear(now - hub.LONGEST_BACK - 60), _Ear(now + 60)
    listening._began = now - 2
    listening._behind.update({short, long, none})
    with django_assert_num_queries(0):
        listening._catch_up()
    assert (short.told, long.told) == ([told], [News(is_all=True)])
    assert Reach(person_ids=frozenset({1})).hears(long.told[0]) == ()
    assert all(ear.is_caught_up for ear in (short, long, none))
    before = _Ear(now - 30)
    listening._behind.add(before)
    listening._catch_up()
    assert before.told[0].owners == {rep.pk}, "asked of the database: the poller had not begun"


@pytest.mark.django_db
def test_after_an_interruption_everybody_is_told_what_happened_in_it() -> None:
    make_company()
    rep, _, scope = make_rep("Ben")
    deal = make_deal(rep)
    listening = hub.Hub()
    ear = _Ear(0)
    listening._subscriptions.add(ear)
    listening._poll(*listening._begin())
    change_deal(scope=scope, deal_id=deal.pk, version=1, changes={"amount": Decimal(5)})
    listening._fall_behind()
    assert not ear.is_caught_up
    listening._poll(*listening._begin())
    assert ear.told == []
    listening._catch_up()
    assert [news.owners for news in ear.told] == [{rep.pk}]
