"""A rush: a bounded number of requests is worked on at once, a few wait, the rest is told to come back."""

import asyncio

import pytest
from structlog.testing import capture_logs

from salesops.admission import FIRST_PER_PLACE, LENDS_AFTER, PATIENCE, SHORT, Admission, BusyError


def rush(count: int, *, limit: int, seconds: float, patience: float) -> tuple[list[str], int]:
    """What became of simultaneous requests, and the most that were worked on at once."""
    at_work = most = 0

    async def ask(admission: Admission) -> str:
        nonlocal at_work, most
        try:
            async with admission.place():
                at_work += 1
                most = max(most, at_work)
                await asyncio.sleep(seconds)
                at_work -= 1
        except BusyError:
            return "refused"
        return "done"

    async def all_at_once() -> list[str]:
        admission = Admission(limit, patience)
        return list(await asyncio.gather(*(ask(admission) for _ in range(count))))

    return asyncio.run(all_at_once()), most


def test_those_that_fit_work_and_those_behind_wait() -> None:
    became, most = rush(6, limit=2, seconds=0.02, patience=1)
    assert became == ["done"] * 6
    assert most == 2


def test_short_ones_are_begun_a_few_at_a_time() -> None:
    became, most = rush(12, limit=6, seconds=0.02, patience=1)
    assert became == ["done"] * 12
    assert most == SHORT


def test_those_that_take_long_make_room_up_to_the_limit() -> None:
    became, most = rush(12, limit=6, seconds=LENDS_AFTER * 4, patience=LENDS_AFTER * 8)
    assert became == ["done"] * 12
    assert most == 6


def test_those_that_would_wait_too_long_are_told_so() -> None:
    became, most = rush(6, limit=2, seconds=0.3, patience=0.1)
    assert sorted(became) == ["done", "done", "refused", "refused", "refused", "refused"]
    assert most == 2


def test_a_process_that_has_just_begun_is_more_patient() -> None:
    async def fate(admission: Admission) -> str:
        try:
            async with admission.place():
                await asyncio.sleep(0.2)
        except BusyError:
            return "refused"
        return "done"

    async def two_rushes() -> list[list[str]]:
        admission = Admission(1, patience=0.1, at_first=5)
        first = [await fate(admission) for _ in range(FIRST_PER_PLACE - 2)]
        first += await asyncio.gather(fate(admission), fate(admission))
        return [first, list(await asyncio.gather(fate(admission), fate(admission)))]

    first, later = asyncio.run(two_rushes())
    assert first == ["done"] * FIRST_PER_PLACE
    assert later == ["done", "refused"]


def test_nobody_waits_a_second_to_be_turned_away() -> None:
    assert PATIENCE < 1


def test_a_rush_is_one_line_in_the_log() -> None:
    with capture_logs() as lines:
        rush(6, limit=2, seconds=0.2, patience=0.05)
    assert [(line["event"], line["count"]) for line in lines] == [("requests_refused_busy", 1)]


def test_whoever_fails_gives_the_place_back() -> None:
    async def twice() -> None:
        admission = Admission(1, 0.1)
        for _ in range(3):
            with pytest.raises(RuntimeError):
                async with admission.place():
                    raise RuntimeError("broken")

    asyncio.run(twice())
