"""Three times more requests than the product can answer: the surplus is told at once to come back, the others are
answered, and right after the rush all is as before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from salesops.admission import FIRST_PER_PLACE
from tests.chaos.clients import Session
from tests.e2e.server import Live

PAGE = "/deals/"
TIMES_TOO_MANY = 3
MOST = 120.0
"""Pages a second that no process can answer: a machine busy with something else may seem to manage less than it can."""
RUSH_SECONDS = 4.0
CAPACITY_SECONDS = 1.5
CALM_WITHIN = 10.0
GIVE_UP = 30.0


@dataclass(frozen=True)
class Reply:
    """An answer and the seconds it took from asking to its last byte; 0 where there was none."""

    status: int
    head: str
    took: float


async def ask(live: Live, cookie: str, path: str = PAGE) -> Reply:
    """One request over a connection of its own, as of somebody who has just come."""
    host, begun = urlsplit(live.url), time.perf_counter()
    head = f"GET {path} HTTP/1.1\r\nHost: {host.netloc}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(GIVE_UP):
            reader, writer = await asyncio.open_connection(host.hostname, host.port)
            writer.write(head.encode())
            answer = await reader.read()
            writer.close()
    except (OSError, TimeoutError) as error:
        return Reply(0, repr(error), time.perf_counter() - begun)
    first, _, _ = answer.partition(b"\r\n\r\n")
    return Reply(int(first.split()[1]) if first else 0, first.decode().lower(), time.perf_counter() - begun)


async def _capacity(live: Live, cookie: str) -> float:
    """Pages a second when as many are asked for as can be worked on at once."""
    end, done = time.perf_counter() + CAPACITY_SECONDS, 0

    async def one_after_another() -> None:
        nonlocal done
        while time.perf_counter() < end:
            assert (await ask(live, cookie)).status == 200
            done += 1

    await asyncio.gather(*(one_after_another() for _ in range(3)))
    return done / CAPACITY_SECONDS


async def _rush(live: Live, cookie: str, rate: float) -> tuple[list[Reply], list[Reply]]:
    """What came back at so many pages a second, whatever becomes of the earlier ones; and from /healthz meanwhile."""
    begun, pages, health = time.perf_counter(), [], []
    for number in range(int(rate * RUSH_SECONDS)):
        await asyncio.sleep(max(begun + number / rate - time.perf_counter(), 0))
        pages.append(asyncio.create_task(ask(live, cookie)))
        if number % int(rate) == 0:
            health.append(asyncio.create_task(ask(live, "", "/healthz")))
    return list(await asyncio.gather(*pages)), list(await asyncio.gather(*health))


async def _calm_again(live: Live, cookie: str) -> list[Reply]:
    """Five answers in a row, each quick, or what came in the time there is."""
    end, row = time.perf_counter() + CALM_WITHIN, []
    while len(row) < 5 and time.perf_counter() < end:
        reply = await ask(live, cookie)
        row = [*row, reply] if reply.status == 200 and reply.took < 1 else []
    return row


async def _everything(live: Live, cookie: str) -> tuple[float, list[Reply], list[Reply], list[Reply]]:
    for _ in range(FIRST_PER_PLACE * 6 + 1):  # a process that has just begun lets people wait longer
        assert (await ask(live, cookie, "/version")).status == 200
    for _ in range(5):
        assert (await ask(live, cookie)).status == 200
    capacity = await _capacity(live, cookie)
    pages, health = await _rush(live, cookie, max(capacity * TIMES_TOO_MANY, MOST))
    return capacity, pages, health, await _calm_again(live, cookie)


def apart(work: Coroutine[Any, Any, Any]) -> Any:
    """On a thread of its own: the browser's event loop may run on this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def test_a_rush_turns_the_surplus_away_at_once_and_passes(live: Live) -> None:
    session = Session(urlsplit(live.url).port or 0, live.logins["REP"])
    session.sign_in()
    cookie = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
    capacity, pages, health, calm = apart(_everything(live, cookie))

    answered = [reply for reply in pages if reply.status == 200]
    refused = sorted((reply for reply in pages if reply.status == 503), key=lambda reply: reply.took)
    told = f"{capacity:.0f}/s; {len(pages)} asked, {len(answered)} answered, {len(refused)} refused"
    assert len(answered) + len(refused) == len(pages), [r for r in pages if r.status not in (200, 503)][:3]
    assert len(refused) > len(pages) / 5, told
    assert len(answered) > capacity * RUSH_SECONDS / 4, told
    assert all("\nretry-after: 2" in reply.head for reply in refused)
    waits = f"{told}; the refused waited {refused[len(refused) // 2].took:.2f} to {refused[-1].took:.2f} s"
    assert refused[len(refused) // 2].took < 1, waits
    assert refused[int(len(refused) * 0.9)].took < 1.5, waits
    assert max(reply.took for reply in answered) < 6, told
    assert {reply.status for reply in health} == {200}, health
    assert len(calm) == 5, f"{told}; afterwards {calm}"
