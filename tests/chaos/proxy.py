"""A line between clients and web server that can be slow, dead, or cut off in the middle of an answer."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from enum import StrEnum

CHUNK = 65_536


class Line(StrEnum):
    """How the line is."""

    GOOD = "good"
    SLOW = "slow"
    RESET = "reset"
    BLACK_HOLE = "black hole"
    ANSWER_CUT = "answer cut"


class Proxy:
    """Listens on a loopback port and passes on to another, on a thread of its own."""

    def __init__(self, port: int) -> None:
        self.target, self.port = port, 0
        self.line, self.delay, self.cut_after = Line.GOOD, 0.0, 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Listens; `port` says where."""
        self._thread.start()
        self._ready.wait(10)

    def stop(self) -> None:
        """Hangs up."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop)
        self._thread.join(5)

    async def _hang_up(self) -> None:
        lines = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in lines:
            task.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
        self._loop.stop()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.line is Line.RESET:
            writer.transport.abort()
            return
        try:
            upstream, downstream = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        answers = asyncio.create_task(self._pass(upstream, writer, answers=True))
        requests = asyncio.create_task(self._pass(reader, downstream, answers=False))
        with suppress(asyncio.CancelledError):
            await asyncio.wait({answers, requests}, return_when=asyncio.FIRST_COMPLETED)
        for task in (answers, requests):
            task.cancel()
        for end in (writer, downstream):
            with suppress(OSError):
                end.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        """One direction. The request has reached the server when its answer is cut: the client cannot know."""
        with suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(CHUNK):
                if self.line is Line.SLOW:
                    await asyncio.sleep(self.delay)
                while self.line is Line.BLACK_HOLE:
                    await asyncio.sleep(0.05)
                if self.line is Line.ANSWER_CUT and answers:
                    writer.write(data[: self.cut_after])
                    await writer.drain()
                    writer.transport.abort()
                    return
                writer.write(data)
                await writer.drain()
