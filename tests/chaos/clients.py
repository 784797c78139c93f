"""Clients that write down what they intend before they send it and what was acknowledged after."""

from __future__ import annotations

import http.client
import json
import random
import re
import threading
import time
import urllib.parse
import uuid
from collections import Counter
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

PATIENCE = 20.0
GIVE_UP = 90.0
CATEGORIES = ("COMMIT", "UPSIDE", "PIPELINE")
IMPORTED = "Chaos deal"
"""How the names of deals begin that the importer brings."""


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
        page = self._patiently("GET", "/accounts/login/")
        token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page.body)
        assert token, page.body[:500]
        form = {
            "csrfmiddlewaretoken": token[1].decode(),
            "login": self.login["email"],
            "password": self.login["password"],
        }
        done = self._patiently(
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

    def _patiently(self, *arguments: Any) -> Answer:
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
    """What writers intended and what became of it, kept outside the product."""

    intended: dict[str, int] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    replayed: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    ack_times: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def intend(self, token: str, deal: int) -> None:
        """Before sending."""
        with self._lock:
            self.intended[token] = deal

    def conclude(self, token: str, answer: Answer) -> None:
        """After a definite answer."""
        with self._lock:
            kept = self.acknowledged if answer.status == 200 else self.refused
            kept[token] = self.intended[token]
            self.replayed += answer.headers.get("idempotency-replayed") == "true"
            self.statuses[str(answer.status)] += 1
            if answer.status == 200:
                self.ack_times.append(time.monotonic())

    def lost(self, why: str) -> None:
        """A request whose fate is not known; it will be sent again."""
        with self._lock:
            self.statuses[f"lost: {why[:40]}"] += 1


class Writer(threading.Thread):
    """Changes its own deals, one after another; sends again with the same key until it has an answer."""

    def __init__(
        self, number: int, session: Session, journal: Journal, seed: int, over: threading.Event
    ) -> None:
        super().__init__(daemon=True)
        self.number, self.session, self.journal, self.over = number, session, journal, over
        self.rng = random.Random(f"{seed}/{number}")
        self.versions: dict[int, int] = {}
        self.failure = ""

    def run(self) -> None:
        """Until told that it is over."""
        try:
            self.session.sign_in()
            self._learn()
            written = 0
            while not self.over.is_set():
                written += 1
                self._write(f"chaos-{self.number}-{written}")
        except Exception as error:
            self.failure = f"writer {self.number}: {type(error).__name__}: {error}"

    def _learn(self) -> None:
        found = self.session._patiently("GET", "/api/v1/deals?size=200")
        # One that signs in late finds deals of the import as well: those are the files' alone, or who wrote last is luck.
        self.versions = {
            row["id"]: row["version"]
            for row in found.json()["results"]
            if not row["name"].startswith(IMPORTED)
        }
        assert self.versions, f"writer {self.number} has no deals"

    def _write(self, token: str) -> None:
        deal = self.rng.choice(sorted(self.versions))
        change = {"next_step": token, "version": self.versions[deal], "category": self.rng.choice(CATEGORIES)}
        if self.rng.random() < 0.5:
            change["amount"] = f"{self.rng.randrange(1, 500_000)}.{self.rng.randrange(100):02}"
        key, body = str(uuid.UUID(int=self.rng.getrandbits(128))), json.dumps(change)
        self.journal.intend(token, deal)
        end = time.monotonic() + GIVE_UP
        while time.monotonic() < end:
            try:
                answer = self.session.ask("PATCH", f"/api/v1/deals/{deal}", body, Idempotency_Key=key)
            except LostError as lost:
                self.journal.lost(str(lost))
                time.sleep(self.rng.uniform(0.05, 0.4))
                continue
            self.journal.conclude(token, answer)
            if answer.status in {401, 403, 302}:
                self.session.sign_in()
            self.versions[deal] = answer.json().get("version", self.versions[deal])
            return
        raise LostError(f"no answer to {token} within {GIVE_UP:.0f} s")


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
