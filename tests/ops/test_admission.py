"""A rush: a bounded number of requests work at once, a few wait, the rest is told to come back."""

import asyncio
from typing import Any

from structlog.testing import capture_logs

from salesops.admission import PATIENCE, Admission


def rush(count: int, *, limit: int, seconds: float, patience: float) -> tuple[list[int], int]:
    """Statuses of simultaneous requests, and the most that worked at once."""
    at_work = most = 0

    async def application(scope: Any, receive: Any, send: Any) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(seconds)
        at_work -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def ask(admission: Admission) -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await admission({"type": "http", "path": "/"}, None, send)  # type: ignore[arg-type]
        return int(sent[0]["status"])

    async def all_at_once() -> list[int]:
        admission = Admission(application, limit=limit, patience=patience)
        return list(await asyncio.gather(*(ask(admission) for _ in range(count))))

    return asyncio.run(all_at_once()), most


def test_those_that_fit_work_and_those_behind_wait() -> None:
    statuses, most = rush(6, limit=2, seconds=0.02, patience=1)
    assert statuses == [200] * 6
    assert most == 2


def test_those_that_would_wait_too_long_are_told_so() -> None:
    statuses, most = rush(6, limit=2, seconds=0.3, patience=0.1)
    assert sorted(statuses) == [200, 200, 503, 503, 503, 503]
    assert most == 2


def test_nobody_waits_a_second_to_be_turned_away() -> None:
    assert PATIENCE < 1


def test_a_rush_is_one_line_in_the_log() -> None:
    with capture_logs() as lines:
        rush(6, limit=2, seconds=0.2, patience=0.05)
    assert [(line["event"], line["count"]) for line in lines] == [("requests_refused_busy", 1)]


def test_a_failing_request_gives_its_place_back() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("broken")

    async def twice() -> int:
        admission = Admission(failing, limit=1, patience=0.1)
        failures = 0
        for _ in range(3):
            try:
                await admission({"type": "http", "path": "/"}, None, None)  # type: ignore[arg-type]
            except RuntimeError:
                failures += 1
        return failures

    assert asyncio.run(twice()) == 3
