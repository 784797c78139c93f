"""Ends a web process that does not get loaded, or whose event loop answers no more, so that the server starts another.

Short of memory, Python can start a thread that dies before it says that it began; whoever started it waits for ever. On
the event loop that is everybody: the process lives, accepts connections, and answers none.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import time
from _thread import start_new_thread
from collections.abc import Callable
from contextlib import suppress

TICK = 2.0
PATIENCE = 10
"""Ticks without an answer. Ticks, not seconds: a process that was stopped or a machine that slept is not stuck."""
LOADING = 5 * PATIENCE
"""The same for a process that is being loaded, which has no event loop yet."""
SAID = b"This process has answered nothing for a while. It ends here, and the server starts another:\n"


def end_process() -> None:
    """At once: nothing that needs the event loop could end in order."""
    os.write(2, SAID)
    faulthandler.dump_traceback()
    os.kill(os.getpid(), signal.SIGKILL)


class Watchdog:
    """A thread, begun while there is memory for it, that asks the event loop every `tick` seconds whether it is there,
    and calls `end` after `patience` questions without an answer."""

    def __init__(
        self, *, tick: float = TICK, patience: int = PATIENCE, loading: int = LOADING,
        end: Callable[[], None] = end_process,
    ) -> None:  # fmt: skip
        self._tick, self._patience, self._loading, self._end = tick, patience, loading, end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loaded = False
        self._unanswered = 0
        start_new_thread(self._watch, ())  # unlike `Thread.start`, it does not wait for what may never come

    def loaded(self) -> None:
        """From now on only a loop that serves has to answer."""
        self._loaded = True
        self._unanswered = 0

    def over(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on, this loop."""
        self._loop = loop

    def _watch(self) -> None:
        while True:
            time.sleep(self._tick)
            with suppress(MemoryError, RuntimeError):  # RuntimeError: it was closed just now
                self._ask()

    def _ask(self) -> None:
        loop = self._loop
        if self._loaded and (loop is None or loop.is_closed()):
            self._unanswered = 0
            return
        self._unanswered += 1
        if self._unanswered > (self._patience if self._loaded else self._loading):
            self._end()
        if loop is not None:
            loop.call_soon_threadsafe(self._answered)

    def _answered(self) -> None:
        self._unanswered = 0
