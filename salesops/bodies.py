"""What comes with a request is bounded while it comes, not once it lies on the disk; and it must have come whole.

Nobody need have signed in to send something, and all that is sent is written down before anybody looks at who sent it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from django.conf import settings
from django.utils.http import parse_header_parameters

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

TOO_LARGE = (
    413,
    "The upload is too large: files of at most {mb} MB together are taken. Export fewer rows per file, or send the "
    "files one after the other.\n",
)
CUT = 400, "The upload ended before it was whole, and nothing of it was taken. Send it again.\n"
_END_WITHIN = 1024
"""The last boundary of several parts stands in so many bytes from the end."""


def most_bytes() -> int:
    """The files of one upload, and the fields sent with them."""
    return settings.UPLOAD_MAX_MB * 2**20 + int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)  # type: ignore[no-any-return]


async def within_bounds(answer: Application, scope: Message, receive: Receive, send: Send) -> None:
    """Has a request answered unless it says, or turns out, to bring more than is allowed, or stops in the middle."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > most_bytes():
        await _refuse(TOO_LARGE, send)
        return
    body = _Body(receive, most_bytes(), _end_of(headers.get(b"content-type", b"")))
    await answer(scope, body, send)
    if body.refusal is not None:
        await _refuse(body.refusal, send)


def _end_of(content_type: bytes) -> bytes:
    """What a body of several parts ends with; empty for others, and where that cannot be read, which Django refuses."""
    try:
        kind, parameters = parse_header_parameters(content_type.decode("latin-1"))
        boundary = parameters.get("boundary", "").encode("latin-1")
    except (ValueError, LookupError):
        return b""
    return b"--%b--" % boundary if kind == "multipart/form-data" and boundary else b""


class _Body:
    """What comes from the sender. For whoever reads it, a sender who is refused has gone away."""

    def __init__(self, receive: Receive, most: int, end: bytes) -> None:
        self.refusal: tuple[int, str] | None = None
        self._receive, self._most, self._end = receive, most, end
        self._got, self._last = 0, b""

    async def __call__(self) -> Mapping[str, Any]:
        message = await self._receive()
        if message["type"] == "http.request" and self._is_refused(message):
            return {"type": "http.disconnect"}
        return message

    def _is_refused(self, message: Mapping[str, Any]) -> bool:
        part: bytes = message.get("body", b"")
        self._got += len(part)
        self._last = (self._last + part[-_END_WITHIN:])[-_END_WITHIN:] if self._end else b""
        if self._got > self._most:
            self.refusal = TOO_LARGE
        elif self._got and not message.get("more_body") and self._end not in self._last:
            self.refusal = CUT
        return self.refusal is not None


async def _refuse(refusal: tuple[int, str], send: Send) -> None:
    status, words = refusal
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.format(mb=settings.UPLOAD_MAX_MB).encode()})
