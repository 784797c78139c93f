"""A web process whose event loop is stuck ends, so that another is started."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading

from salesops.watchdog import SAID, Watchdog

STUCK = """
import asyncio, threading
from salesops.watchdog import Watchdog
dog = Watchdog(tick=0.05, patience=4)
async def work():
    dog.loaded()
    dog.over(asyncio.get_running_loop())
    await asyncio.sleep(0.5)
    print("worked", flush=True)
    threading.Event().wait()  # as for a thread that died before it said that it began
asyncio.run(work())
"""


def test_a_stuck_process_ends_and_says_where_it_was_stuck():
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == b"worked\n"  # not before: a loop that waits for something answers
    assert SAID in done.stderr
    assert b"in work" in done.stderr


def test_a_loop_that_answers_late_is_left_alone():
    ended = threading.Event()
    dog = Watchdog(tick=0.1, patience=8, end=ended.set)

    async def slow() -> None:
        dog.loaded()
        dog.over(asyncio.get_running_loop())
        for _ in range(4):
            threading.Event().wait(0.3)
            await asyncio.sleep(0.01)

    asyncio.run(slow())
    assert not ended.wait(1.2)  # a closed loop is nobody's to wait for


def test_a_process_that_does_not_get_loaded_ends_but_one_that_nobody_asks_lives():
    stuck, idle = threading.Event(), threading.Event()
    Watchdog(tick=0.05, loading=4, end=stuck.set)
    Watchdog(tick=0.05, patience=2, loading=4, end=idle.set).loaded()
    assert stuck.wait(5)
    assert not idle.wait(0.5)
