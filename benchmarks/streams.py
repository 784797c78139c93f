"""Open pages beside a load: so many streams of `/events`, each opened anew when it ends, as a browser does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ANEW = 3.0
"""Seconds until a browser opens a stream again that has ended: what the stream itself asks for (`retry`)."""
GENTLY = 50
"""Streams begun in a second: people do not open their pages all at once."""


@dataclass
class Streams:
    """Streams of the sessions with these cookies; what they told, and what went wrong, is counted."""

    url: str
    cookies: Sequence[str]
    told: Counter[str] = field(default_factory=Counter)
    open: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def begin(self) -> None:
        """Opens them all, one after another."""
        for cookie in self.cookies:
            self._tasks.add(asyncio.create_task(self._kept(cookie)))
            await asyncio.sleep(1 / GENTLY)

    async def end(self) -> None:
        """Closes them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _kept(self, cookie: str) -> None:
        while True:
            try:
                await self._one(cookie)
                self.told["ended"] += 1
            except (OSError, asyncio.IncompleteReadError) as error:
                self.told[type(error).__name__] += 1
            await asyncio.sleep(ANEW)

    async def _one(self, cookie: str) -> None:
        host = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(host.hostname, host.port)
        head = f"GET /events HTTP/1.1\r\nHost: {host.netloc}\r\nCookie: {cookie}\r\nAccept: text/event-stream\r\n\r\n"
        writer.write(head.encode())
        try:
            status = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
            if status != "200":
                self.told[status] += 1
                return
            self.open += 1
            try:
                while line := await reader.readline():
                    if line.startswith(b"event: "):
                        self.told["changes"] += 1
            finally:
                self.open -= 1
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
