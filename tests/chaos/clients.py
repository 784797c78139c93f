"""Clients that write down what they intend before they send it and what was acknowledged after."""

from __future__ import annotations

import http.client
import json
import random
import re
import threading
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

PATIENCE = 20.0
GIVE_UP = 90.0


class LostError(Exception):
    """No answer, or one that says to come back: what became of the request is not known."""


@dataclass
class Answer:
    """Status and body."""

    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        """The body as data."""
        return json.loads(self.body)


class Session:
    """A signed-in program on its own connection, through the proxy."""

    def __init__(self, port: int, login: dict[str, str]) -> None:
        self.port, self.login = port, login
        self.cookies: dict[str, str] = {}
        self._link: http.client.HTTPConnection | None = None

    def sign_in(self) -> None:
        """Signs in by the form, as a browser does, however long that takes."""
        page = self.patiently("GET", "/accounts/login/")
        token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page.body)
        assert token, page.body[:500]
        form = {
            "csrfmiddlewaretoken": token[1].decode(),
            "login": self.login["email"],
            "password": self.login["password"],
        }
        done = self.patiently(
            "POST", "/accounts/login/", urllib.parse.urlencode(form), "application/x-www-form-urlencoded"
        )
        assert done.status == 302, f"{done.status} {done.body[:500]!r}"

    def ask(
        self, method: str, path: str, body: str = "", kind: str = "application/json", **headers: str
    ) -> Answer:
        """One request; `LostError` when there is no telling what happened."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {
            "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()),
            "Accept": "application/json, text/html",
        }
        if method != "GET":
            headers |= {"Content-Type": kind, "X-CSRFToken": self.cookies.get("csrftoken", "")}
        try:
            if self._link is None:
                self._link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            self._link.request(method, path, body or None, headers)
            response = self._link.getresponse()
            answer = Answer(
                response.status, response.read(), {k.lower(): v for k, v in response.getheaders()}
            )
        except (OSError, http.client.HTTPException) as error:
            self.hang_up()
            raise LostError(str(error)) from error
        if not {"content-length", "transfer-encoding"} & answer.headers.keys():
            self.hang_up()  # cut between the status and the end of the headers: that parses as an empty answer
            raise LostError(f"headers of {answer.status} cut")
        for value in response.msg.get_all("Set-Cookie") or ():
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(value).items()}
        if answer.status >= 500 or answer.status == 429:
            self.hang_up()
            raise LostError(f"{answer.status}")
        return answer

    def patiently(self, *arguments: Any) -> Answer:
        end = time.monotonic() + GIVE_UP
        while True:
            try:
                return self.ask(*arguments)
            except LostError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def hang_up(self) -> None:
        """The next request opens a new connection."""
        if self._link is not None:
            self._link.close()
            self._link = None


@dataclass
class Journal:
    """What writers intended and what became of it, kept outside the product.

    Each intent has a name that is found again in the database; acknowledged is which objects it was said to have written.
    """

    intended: set[str] = field(default_factory=set)
    acknowledged: dict[str, frozenset[int]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    replayed: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    ack_times: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def intend(self, token: str) -> None:
        """Before sending."""
        with self._lock:
            self.intended.add(token)

    def conclude(self, token: str, answer: Answer, written: frozenset[int] | None) -> None:
        """After a definite answer: which objects it says were written, None when it was refused."""
        with self._lock:
            self.replayed += answer.headers.get("idempotency-replayed") == "true"
            self.statuses[str(answer.status)] += 1
            if written is None:
                self.refused.add(token)
            else:
                self.acknowledged[token] = written
                self.ack_times.append(time.monotonic())

    def lost(self, why: str) -> None:
        """A request whose fate is not known; it will be sent again."""
        with self._lock:
            self.statuses[f"lost: {why[:40]}"] += 1

    def kinds(self) -> Counter[str]:
        """How many were acknowledged of each kind: names begin with it."""
        return Counter(token.partition("-")[0] for token in self.acknowledged)

    def wrong(self, stored: list[tuple[str, int]]) -> list[str]:
        """How what is stored, as names and objects, differs from what was acknowledged."""
        found: dict[str, list[int]] = {}
        for token, thing in stored:
            found.setdefault(token, []).append(thing)
        checks = {
            "acknowledged but not stored": [
                t for t, w in self.acknowledged.items() if not w <= set(found.get(t, []))
            ],
            "stored twice": [t for t, things in found.items() if len(things) > len(set(things))],
            "stored elsewhere than acknowledged": [
                t for t, written in self.acknowledged.items() if not set(found.get(t, [])) <= written
            ],
            "refused but stored": [t for t in self.refused if t in found],
            "stored but never intended": [t for t in found if t not in self.intended],
        }
        return [f"{name}: {len(bad)}, first {sorted(bad)[:3]}" for name, bad in checks.items() if bad]


class Reader(threading.Thread):
    """Opens the pages that managers open, and counts what it gets."""

    PATHS = (
        "/forecast/",
        "/api/v1/figures?metric=commit&metric=won&by=manager",
        "/deals/",
        "/api/v1/deals?sort=-amount",
    )

    def __init__(self, session: Session, over: threading.Event, seed: int) -> None:
        super().__init__(daemon=True)
        self.session, self.over, self.rng = session, over, random.Random(seed)
        self.seen: Counter[str] = Counter()
        self.failure = ""

    def run(self) -> None:
        """Until told that it is over."""
        try:
            self.session.sign_in()
            while not self.over.is_set():
                try:
                    self.seen[str(self.session.ask("GET", self.rng.choice(self.PATHS)).status)] += 1
                except LostError as lost:
                    self.seen[f"lost: {str(lost)[:40]}"] += 1
                    time.sleep(0.2)
        except Exception as error:
            self.failure = f"reader: {type(error).__name__}: {error}"
