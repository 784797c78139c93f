"""A request is answered on one thread, which remembers nothing of the one before."""

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils import translation

from salesops.handler import ThreadHandler

SAID: ContextVar[str] = ContextVar("said", default="nothing")
threads: list[int] = []
sent: list[dict[str, Any]] = []


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


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken")


urlpatterns = [path("say", say), path("count", count), path("echo", echo), path("fail", fail)]


@pytest.fixture
def handler(settings: Any) -> Iterator[ThreadHandler]:
    settings.ROOT_URLCONF, settings.MIDDLEWARE, settings.ALLOWED_HOSTS = __name__, [], ["*"]
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    threads.clear()
    made = ThreadHandler(threads=1)
    yield made
    made._pool.shutdown()


def ask(
    handler: ThreadHandler, where: str, *, parts: tuple[bytes, ...] = (b"",), whole: bool = True
) -> bytes:
    """The body of the answer; `sent` holds the messages."""
    sent.clear()
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if whole:
        messages[-1]["more_body"] = False
    waiting = iter([*messages, {"type": "http.disconnect"}])
    scope = {
        "type": "http", "method": "POST", "path": where, "root_path": "", "scheme": "http", "http_version": "1.1",
        "query_string": b"", "headers": [(b"host", b"127.0.0.1")], "client": ("127.0.0.1", 1), "server": ("h", 80),
    }  # fmt: skip

    async def receive() -> Any:
        return next(waiting)

    def send(message: Any) -> asyncio.Future[None]:
        """As the web server's: no coroutine, and not for other threads."""
        done = asyncio.get_running_loop().create_future()
        done.set_result(sent.append(message))
        return done

    asyncio.run(handler(scope, receive, send))
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


def test_a_request_that_breaks_off_is_not_answered(handler: ThreadHandler) -> None:
    ask(handler, "/say", parts=(b"half",), whole=False)
    assert (sent, threads) == ([], [])


def test_what_a_view_does_wrong_is_an_error_and_the_next_is_served(handler: ThreadHandler) -> None:
    ask(handler, "/fail")
    assert sent[0]["status"] == 500
    assert ask(handler, "/say") == b"nothing in en"
