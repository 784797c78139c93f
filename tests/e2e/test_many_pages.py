"""A company whose people all have a page open: each is a connection that stays, and others are still served."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

from tests.e2e.conftest import SignedIn
from tests.e2e.server import Live

PAGES = 1200
"""More than the web server would hold open by its own choice."""
GOOD = b"HTTP/1.1 200 OK"


def test_whoever_comes_when_everybody_has_a_page_open_is_served(live: Live, signed_in: SignedIn) -> None:
    page = signed_in("REP")
    cookie = "; ".join(f"{kept['name']}={kept['value']}" for kept in page.context.cookies())
    where = urlsplit(live.url)

    def begun(path: str) -> bytes:
        """The first bytes of the answer, over a connection that stays open."""
        link = held.enter_context(socket.create_connection((where.hostname, where.port), timeout=10))
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nCookie: {cookie}\r\n\r\n".encode())
        return link.recv(len(GOOD))

    with ExitStack() as held:
        assert [begun("/events") for _ in range(PAGES)] == [GOOD] * PAGES
        assert begun("/deals/") == GOOD
