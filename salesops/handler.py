"""Answers a request on one thread from beginning to end, which is what code that waits for a database wants.

Django's own handler for ASGI starts a thread for each request, hands the request to and fro between it and the event
loop, and reads a whole file into memory before any of it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import Context
from functools import partial
from typing import IO, Any

import structlog
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import FileResponse, StreamingHttpResponse
from django.urls import set_script_prefix

from salesops.admission import Admission, BusyError

log = structlog.get_logger(__name__)
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]

BUSY = (
    {
        "type": "http.response.start",
        "status": 503,
        "headers": [
            (b"content-type", b"text/plain"), (b"retry-after", b"2"), (b"cache-control", b"no-store"),
        ],
    },
    {"type": "http.response.body", "body": b"The server is busy. Please try again in a moment.\n"},
)  # fmt: skip


class ThreadHandler(ASGIHandler):
    """An ASGI application of views that are no coroutines, one thread for each place of the `admission`."""

    def __init__(self, admission: Admission) -> None:
        super().__init__()
        self._admission = admission
        self._pool = ThreadPoolExecutor(admission.limit, thread_name_prefix="request")

    def load_middleware(self, is_async: bool = False) -> None:
        """None of it goes through the event loop, whatever the handler it comes from asks for."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Reads the request, has it answered on a thread, and sends the answer; a stream is sent by that thread, or
        where it is a coroutine, by the event loop.

        A place is held only while it is worked on: whoever sends or reads slowly keeps nobody else waiting. A request
        whose sender went away before it was whole is answered nothing; one for which nothing came free, 503.
        """
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        loop = asyncio.get_running_loop()

        # The server's `send` is for the loop only, and what it returns need be no coroutine.
        async def sending(message: Message) -> None:
            await send(message)

        def tell(message: Message) -> None:
            asyncio.run_coroutine_threadsafe(sending(message), loop).result()

        # In a context of its own: nothing set for one request is there in the thread's next one.
        work = partial(Context().run, self._answer, scope, body, tell)
        unsent: Sequence[Message] | StreamingHttpResponse = BUSY
        try:
            async with self._admission.place():
                unsent = await loop.run_in_executor(self._pool, work)
        except BusyError:
            body.close()
        if isinstance(unsent, StreamingHttpResponse):
            await self._told(unsent, receive, sending)
            return
        for message in unsent:
            await send(message)

    async def _told(self, response: StreamingHttpResponse, receive: Receive, send: Send) -> None:
        """Sends what comes when it comes, until it ends or its reader is gone. Neither takes a thread."""

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        async def tell() -> None:
            await send(self._start(response))
            async for part in response:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body"})

        both = asyncio.create_task(tell()), asyncio.create_task(gone())
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            told, _ = await asyncio.gather(*both, return_exceptions=True)
            response.close()
            if isinstance(told, Exception) and not isinstance(told, OSError):
                log.error("stream_broke", exc_info=told)

    def _answer(
        self, scope: Message, body: IO[bytes], tell: Callable[[Message], None]
    ) -> list[Message] | StreamingHttpResponse:
        """What is left to send."""
        with closing(body):
            set_script_prefix(get_script_prefix(scope))
            signals.request_started.send(sender=self.__class__, scope=scope)
            request, refusal = self.create_request(scope, body)
            response: Any = self.get_response(request) if request is not None else refusal
            response._handler_class = self.__class__
            if isinstance(response, FileResponse):
                response.block_size = self.chunk_size  # each block is a turn of thread and event loop
            if isinstance(response, StreamingHttpResponse) and response.is_async:
                signals.request_finished.send(sender=self.__class__)  # a thread keeps nothing for hours
                return response
            with closing(response):
                if not response.streaming:
                    return list(self._messages(response))
                for message in self._messages(response):
                    tell(message)
                return []

    def _start(self, response: Any) -> Message:
        headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
        headers += [
            (b"Set-Cookie", made.OutputString().encode("ascii")) for made in response.cookies.values()
        ]
        return {"type": "http.response.start", "status": response.status_code, "headers": headers}

    def _messages(self, response: Any) -> Iterator[Message]:
        yield self._start(response)
        for part in response if response.streaming else (response.content,):
            for chunk, last in self.chunk_bytes(part):
                more = response.streaming or not last
                yield {"type": "http.response.body", "body": chunk, "more_body": more}
        if response.streaming:
            yield {"type": "http.response.body"}
