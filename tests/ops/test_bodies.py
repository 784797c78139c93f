"""What is sent is refused as soon as it is too much, before it lies anywhere, and when it does not come whole."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path

from salesops.admission import Admission
from salesops.bodies import most_bytes, within_bounds
from salesops.handler import ThreadHandler

MB = 2**20
FORM = b"multipart/form-data; boundary=abc"
WHOLE = (
    b'--abc\r\nContent-Disposition: form-data; name="files"; filename="deals.csv"\r\n\r\nId,Name\r\n1,Roof\r\n--abc\r\n'
    b'Content-Disposition: form-data; name="files"; filename="users.csv"\r\n\r\nId,Name\r\n1,Ann\r\n--abc--\r\n'
)
ASKED = """
import json
from salesops.asgi import _serve
from tests.ops.test_bodies import FORM, WHOLE, ask
paths = "/imports/new", "/healthz", "/static/css/import.css"
print(json.dumps([[ask(_serve, [b"x"], length=2**31, where=path)[0], ask(_serve, [WHOLE[:99]], kind=FORM, where=path)[0]]
                  for path in paths]))
"""
read: list[int] = []


def upload(request: HttpRequest) -> HttpResponse:
    """The names of the files that came, and how many bytes came that are no form."""
    if request.content_type == "multipart/form-data":
        return HttpResponse(" ".join(file.name or "" for file in request.FILES.getlist("files")))
    return HttpResponse(str(len(request.read())))


urlpatterns = [path("upload", upload)]


@pytest.fixture
def handler(settings: Any) -> Iterator[ThreadHandler]:
    settings.ROOT_URLCONF, settings.MIDDLEWARE, settings.ALLOWED_HOSTS = __name__, [], ["*"]
    settings.UPLOAD_MAX_MB, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1, MB
    made = ThreadHandler(Admission(1))
    yield made
    made._pool.shutdown()


def ask(
    application: Any,
    parts: list[bytes],
    *,
    kind: bytes = b"text/csv",
    length: int | None = None,
    where: str = "/upload",
) -> tuple[int, str]:
    """Status and words of the answer; `read` holds how many bytes were taken of each part that was asked for."""
    headers = [(b"host", b"127.0.0.1"), (b"content-type", kind)]
    headers += [] if length is None else [(b"content-length", str(length).encode())]
    scope = {
        "type": "http", "method": "POST", "path": where, "root_path": "", "scheme": "http", "http_version": "1.1",
        "query_string": b"", "headers": headers, "client": ("127.0.0.1", 1), "server": ("h", 80),
    }  # fmt: skip
    coming, sent = iter(parts), []
    read.clear()

    async def receive() -> dict[str, Any]:
        part = next(coming)
        read.append(len(part))
        return {"type": "http.request", "body": part, "more_body": len(read) < len(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    async def asked() -> None:
        await application(scope, receive, send)

    asyncio.run(asked())
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]).decode()


def bounded(handler: ThreadHandler) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await within_bounds(handler, scope, receive, send)

    return application


def test_a_length_far_above_the_limit_is_refused_before_a_byte_is_read(handler: ThreadHandler) -> None:
    status, words = ask(bounded(handler), [b"x" * MB] * 9, length=2**31)
    assert (status, read) == (413, [])
    assert "at most 1 MB together" in words


def test_what_states_no_length_is_refused_where_it_passes_the_limit(handler: ThreadHandler) -> None:
    status, words = ask(bounded(handler), [b"x" * (MB // 2)] * 100)
    assert (status, len(read)) == (413, 5), (
        "four halves of a megabyte are allowed, of a hundred five are read"
    )
    assert "at most 1 MB together" in words


def test_what_keeps_within_the_limit_is_answered(handler: ThreadHandler) -> None:
    assert most_bytes() == 2 * MB
    assert ask(bounded(handler), [b"x" * MB] * 2, length=2 * MB) == (200, str(2 * MB))
    assert ask(bounded(handler), [b""]) == (200, "0")
    assert ask(bounded(handler), [b""], kind=FORM, length=0) == (200, "")


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_files_that_come_whole_are_all_there(handler: ThreadHandler, size: int) -> None:
    parts = [WHOLE[at : at + size] for at in range(0, len(WHOLE), size)]
    for kind in (FORM, b'multipart/form-data; boundary="abc"'):
        told = ask(bounded(handler), parts, kind=kind, length=len(WHOLE))
        assert told == (200, "deals.csv users.csv")


def test_an_upload_that_stops_anywhere_is_refused_and_no_file_of_it_taken(handler: ThreadHandler) -> None:
    """Django leaves out the file in which it stops, and answers as if it had never been meant."""
    for length in range(1, len(WHOLE) - len(b"--\r\n"), 9):
        status, words = ask(bounded(handler), [WHOLE[:length]], kind=FORM, length=length)
        assert (status, words) == (
            400, "The upload ended before it was whole, and nothing of it was taken. Send it again.\n",
        ), length  # fmt: skip


def test_the_program_itself_refuses_so_on_every_path() -> None:
    """In a process of its own: a web server's changes what collects garbage and keeps connections."""
    asked = [sys.executable, "-c", ASKED]
    done = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    assert json.loads(done.stdout.splitlines()[-1]) == [[413, 400]] * 3
