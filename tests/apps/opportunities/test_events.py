"""Live updates: a rep's change reaches the manager's stream within a second, and nobody else's."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import AsyncClient, Client

from opportunities.services import change_deal
from opportunities.views import events
from organization.domain.roles import Role
from organization.scope import scope_for
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
    monkeypatch.setattr(events, "RENDERING", events.OVERLAP * 0)
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


@pytest.mark.django_db
def test_a_deactivated_viewer_is_no_longer_welcome() -> None:
    make_company()
    _, user, _ = make_rep("Ben")
    check = events._still_welcome.func
    assert check(user.pk).person_ids == scope_for(user).person_ids
    user.is_active = False
    user.save()
    assert check(user.pk) is None
