"""A request is answered on one thread, which remembers nothing of the one before."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any, ClassVar

import pytest
from django.core.signals import request_finished
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils import translation

from salesops.admission import Admission
from salesops.handler import ThreadHandler

SAID: ContextVar[str] = ContextVar("said", default="nothing")
threads: list[int] = []
sent: list[dict[str, Any]] = []
begun, may_end = threading.Event(), threading.Event()


def say(request: HttpRequest) -> HttpResponse:
    """What was said on this thread before, which should be nothing."""
    threads.append(threading.get_ident())
    before = f"{SAID.get()} in {translation.get_language()}"
    SAID.set("something")
    translation.activate("de")
    response = HttpResponse(before, headers={"X-Said": "once"})
    response.set_cookie("who", "ada", httponly=True)
    return response


def count(request: HttpRequest) -> StreamingHttpResponse:
    """With each part, how many messages had been sent when it was made."""

    def parts() -> Iterator[str]:
        for _ in range(3):
            yield str(len(sent))

    return StreamingHttpResponse(parts())


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body[::-1])


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(io.BytesIO(bytes(200_000)))


def wait(request: HttpRequest) -> HttpResponse:
    begun.set()
    may_end.wait(5)
    return HttpResponse("done")


class Lasting:
    """A stream that goes on for as long as it is read, and says so when it is closed."""

    closed: ClassVar[list[int]] = []
    parts: ClassVar[asyncio.Queue[str]]

    async def __aiter__(self) -> AsyncIterator[str]:
        while (part := await self.parts.get()) != "end":
            yield part

    def close(self) -> None:
        self.closed.append(threading.get_ident())


def last(request: HttpRequest) -> StreamingHttpResponse:
    threads.append(threading.get_ident())
    return StreamingHttpResponse(Lasting())


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken")


urlpatterns = [
    path("say", say),
    path("count", count),
    path("echo", echo),
    path("fail", fail),
    path("file", file),
    path("wait", wait),
    path("last", last),
]


@pytest.fixture
def handler(settings: Any) -> Iterator[ThreadHandler]:
    settings.ROOT_URLCONF, settings.MIDDLEWARE, settings.ALLOWED_HOSTS = __name__, [], ["*"]
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    threads.clear()
    made = ThreadHandler(Admission(1, patience=0.2))
    yield made
    made._pool.shutdown()


def scope_of(where: str) -> dict[str, Any]:
    return {
        "type": "http", "method": "POST", "path": where, "root_path": "", "scheme": "http", "http_version": "1.1",
        "query_string": b"", "headers": [(b"host", b"127.0.0.1")], "client": ("127.0.0.1", 1), "server": ("h", 80),
    }  # fmt: skip


def send(message: Any) -> "asyncio.Future[None]":
    """As the web server's: no coroutine, and not for other threads."""
    done = asyncio.get_running_loop().create_future()
    done.set_result(sent.append(message))
    return done


def ask(
    handler: ThreadHandler, where: str, *, parts: tuple[bytes, ...] = (b"",), whole: bool = True
) -> bytes:
    """The body of the answer; `sent` holds the messages."""
    sent.clear()
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if whole:
        messages[-1]["more_body"] = False
    waiting = iter([*messages, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(waiting)

    asyncio.run(handler(scope_of(where), receive, send))
    return b"".join(message.get("body", b"") for message in sent[1:])


def test_nothing_set_for_one_request_is_there_in_the_next(handler: ThreadHandler) -> None:
    assert ask(handler, "/say") == b"nothing in en"
    assert ask(handler, "/say") == b"nothing in en"
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


def test_headers_and_cookies_are_sent(handler: ThreadHandler) -> None:
    ask(handler, "/say")
    assert sent[0]["status"] == 200
    assert (b"X-Said", b"once") in sent[0]["headers"]
    assert (b"Set-Cookie", b"who=ada; HttpOnly; Path=/") in sent[0]["headers"]


def test_a_request_is_finished_on_its_thread(handler: ThreadHandler) -> None:
    """Where its database connection is given back."""
    finished = []
    note = lambda **_: finished.append(threading.get_ident())  # noqa: E731
    request_finished.connect(note)
    try:
        ask(handler, "/say")
    finally:
        request_finished.disconnect(note)
    assert finished == threads


def test_a_stream_is_sent_as_it_is_made(handler: ThreadHandler) -> None:
    assert ask(handler, "/count") == b"123"
    assert sent[-1] == {"type": "http.response.body"}


def test_a_large_answer_is_sent_in_parts(handler: ThreadHandler) -> None:
    body = bytes(range(256)) * 1024
    assert ask(handler, "/echo", parts=(body[:1000], body[1000:])) == body[::-1]
    assert [message["more_body"] for message in sent[1:]] == [True, True, True, False]


def test_a_file_is_sent_in_large_blocks(handler: ThreadHandler) -> None:
    assert ask(handler, "/file") == bytes(200_000)
    assert [len(message.get("body", b"")) for message in sent[1:]] == [65536, 65536, 65536, 3392, 0]


def test_a_request_that_breaks_off_is_not_answered(handler: ThreadHandler) -> None:
    ask(handler, "/say", parts=(b"half",), whole=False)
    assert (sent, threads) == ([], [])


def test_what_a_view_does_wrong_is_an_error_and_the_next_is_served(handler: ThreadHandler) -> None:
    ask(handler, "/fail")
    assert sent[0]["status"] == 500
    assert ask(handler, "/say") == b"nothing in en"


async def whole() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def test_when_nothing_comes_free_the_answer_is_503(handler: ThreadHandler) -> None:
    async def both() -> None:
        first = asyncio.create_task(handler(scope_of("/wait"), whole, send))
        await asyncio.to_thread(begun.wait)
        await handler(scope_of("/say"), whole, send)
        may_end.set()
        await first

    sent.clear()
    asyncio.run(both())
    assert [message["status"] for message in sent if "status" in message] == [503, 200]
    assert (b"retry-after", b"2") in sent[0]["headers"]


def test_who_sends_or_reads_slowly_keeps_nobody_waiting(handler: ThreadHandler) -> None:
    """One place, one that is still sending, one that does not read its answer, and somebody else."""

    async def slow() -> None:
        stuck = asyncio.Event()

        async def never(*_: Any) -> Any:
            await stuck.wait()

        held = [
            asyncio.create_task(handler(scope_of("/say"), never, send)),
            asyncio.create_task(handler(scope_of("/say"), whole, never)),
        ]
        await asyncio.sleep(0.1)
        await handler(scope_of("/say"), whole, send)
        for task in held:
            task.cancel()

    sent.clear()
    asyncio.run(slow())
    assert sent[0]["status"] == 200


def lasting(handler: ThreadHandler, leaves: asyncio.Event) -> "asyncio.Task[None]":
    """A request for `/last` whose sender waits for more until it leaves."""
    asked = iter([whole])

    async def receive() -> dict[str, Any]:
        for first in asked:
            return await first()
        await leaves.wait()
        return {"type": "http.disconnect"}

    sent.clear()
    Lasting.closed.clear()
    Lasting.parts = asyncio.Queue()
    return asyncio.create_task(handler(scope_of("/last"), receive, send))


async def told(count: int) -> list[bytes]:
    while len(sent) <= count:
        await asyncio.sleep(0.01)
    return [message["body"] for message in sent[1:]]


def test_a_stream_that_is_a_coroutine_holds_neither_place_nor_thread(handler: ThreadHandler) -> None:
    finished = []
    note = lambda **_: finished.append(threading.get_ident())  # noqa: E731

    async def story() -> None:
        stream = lasting(handler, asyncio.Event())
        Lasting.parts.put_nowait("one")
        assert await told(1) == [b"one"]
        assert finished == threads, "the thread kept its database connection"
        await handler(scope_of("/say"), whole, send)
        assert sent[-1]["body"] == b"nothing in en"
        assert len(set(threads)) == 1
        assert not Lasting.closed
        Lasting.parts.put_nowait("end")
        await stream

    request_finished.connect(note)
    try:
        asyncio.run(story())
    finally:
        request_finished.disconnect(note)
    assert sent[-1] == {"type": "http.response.body"}
    assert len(Lasting.closed) == 1


def test_a_stream_whose_reader_has_gone_is_closed(handler: ThreadHandler) -> None:
    async def story() -> None:
        leaves = asyncio.Event()
        stream = lasting(handler, leaves)
        Lasting.parts.put_nowait("one")
        await told(1)
        leaves.set()
        await asyncio.wait_for(stream, 2)

    asyncio.run(story())
    assert len(Lasting.closed) == 1
    assert [message["more_body"] for message in sent[1:]] == [True]
