"""The benchmark's company served as people are served: web server on a port of its own, signed-in requests."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from organization.models import User
from tests.e2e.server import Live, free_port

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@contextmanager
def served(*, workers: int = 1) -> Iterator[Live]:
    """The product on this database, without a broker, its web server in so many processes; ended at the end."""
    folder = Path(os.environ.get("SALESOPS_VAR", "var")) / "bench"
    port = free_port()
    env = {name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "DEBUG"}}
    env |= {
        "SALESOPS_VAR": str(folder), "BASE_URL": f"http://127.0.0.1:{port}", "TRIAL": "1",
        "SECRET_KEY": settings.SECRET_KEY,
    }  # fmt: skip
    live = Live(env["BASE_URL"], env, folder)
    try:
        live.manage("prepare")
        live.start(workers=workers)
        yield live
    finally:
        live.stop()


def cookie_of(live: Live, role: str) -> str:
    """A signed-in session of the demo login with that role, as a Cookie header's value."""
    client = Client()
    client.force_login(
        User.objects.get(email=live.logins[role]["email"]),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


@dataclass(frozen=True)
class Rate:
    """What some connections got in some seconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


def rate_of(live: Live, path: str, cookie: str = "", *, connections: int = 8, seconds: float = 3.0) -> Rate:
    """Requests one after another over so many kept-alive connections. Raises AssertionError for any answer but 200."""
    waits: list[float] = []
    parts = urlsplit(live.url)
    headers = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/html\r\nAccept-Language: en\r\n"
    request = (headers + (f"Cookie: {cookie}\r\n" if cookie else "") + "\r\n").encode()

    async def connection(end: float) -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while time.perf_counter() < end:
            begun = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), f"{path}: {head[:60]!r}"
            await body_of(reader, head.lower())
            waits.append(time.perf_counter() - begun)
        writer.close()

    async def crowd() -> float:
        begun = time.perf_counter()
        await asyncio.gather(*(connection(begun + seconds) for _ in range(connections)))
        return time.perf_counter() - begun

    took = asyncio.run(crowd())
    waits.sort()
    return Rate(len(waits) / took, waits[len(waits) // 2] * 1e3, waits[int(len(waits) * 0.99)] * 1e3)


async def body_of(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """The answer's body; `head` in small letters."""
    if b"chunked" in head:
        parts = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readexactly(2)
        return b"".join(parts)
    if b"content-length:" in head:
        return await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
    return b""
