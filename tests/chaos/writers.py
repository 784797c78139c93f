"""Writers: each writes down what it is going to do, does it until it has an answer, and writes down what that said."""

from __future__ import annotations

import html
import json
import random
import re
import threading
import time
import urllib.parse
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from tests.chaos.clients import GIVE_UP, Answer, Journal, LostError, Session

CATEGORIES = ("COMMIT", "UPSIDE", "PIPELINE")
IMPORTED = "Chaos deal"
"""How the names of deals begin that the importer brings."""
QUOTAS_FROM = 7_000_000
"""Amounts above are the writer's of quotas: each names one save."""
STORED = f"""
SELECT token, deal FROM (
    SELECT next_step AS token, opportunity_id AS deal,
           lag(next_step) OVER (PARTITION BY opportunity_id ORDER BY seq) AS before
      FROM opportunities_opportunityversion) AS told
 WHERE token ~ '^(change|create|bulk)-' AND token IS DISTINCT FROM before
UNION ALL
SELECT format('remove-%s-%s', opportunity_id, seq - 1), opportunity_id
  FROM opportunities_opportunityversion WHERE is_deleted AND next_step ~ '^(change|create|bulk)-'
UNION ALL
SELECT format('split-%s-%s', opportunity_id, trim_scale(share)), opportunity_id
  FROM opportunities_opportunitysplit JOIN opportunities_changeset AS act ON act.id = change_set_id
 WHERE opportunities_opportunitysplit.kind = 'OVERLAY' AND act.actor_name LIKE 'Chaos %'
UNION ALL
SELECT format('quota-%s', trim_scale(amount)), person_id FROM territories_quota WHERE amount > {QUOTAS_FROM}
"""
"""What each write left behind, by its name: that of a change is the next step it wrote, wherever that first appears."""


@dataclass
class Act:
    """One write: `read` tells from the answer which objects were written, None when it was refused."""

    token: str
    method: str
    path: str
    body: str
    read: Callable[[Answer], frozenset[int] | None]
    kind: str = "application/x-www-form-urlencoded"


class Client(threading.Thread, ABC):
    """Does one write after another; sends each again with the same key until it has an answer."""

    def __init__(
        self, name: str, session: Session, journal: Journal, seed: int, over: threading.Event
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.session, self.journal, self.over = session, journal, over
        self.rng = random.Random(f"{seed}/{name}")
        self.failure = ""

    @abstractmethod
    def write(self, number: int) -> None:
        """The write of this number."""

    def learn(self) -> None:
        """What has to be known before the first write."""

    def run(self) -> None:
        """Until told that it is over."""
        try:
            self.session.sign_in()
            self.learn()
            number = 0
            while not self.over.is_set():
                number += 1
                self.write(number)
        except Exception as error:
            self.failure = f"{self.name}: {type(error).__name__}: {error}"

    def send(self, act: Act) -> tuple[Answer, frozenset[int] | None]:
        """Does it, and writes down before and after; what the answer says was written."""
        key = str(uuid.UUID(int=self.rng.getrandbits(128)))
        self.journal.intend(act.token)
        end = time.monotonic() + GIVE_UP
        while time.monotonic() < end:
            try:
                answer = self.session.ask(act.method, act.path, act.body, act.kind, Idempotency_Key=key)
            except LostError as lost:
                self.journal.lost(str(lost))
                time.sleep(self.rng.uniform(0.05, 0.4))
                continue
            if answer.status in {401, 403} or answer.headers.get("location", "").startswith("/accounts/"):
                self.session.sign_in()
                continue
            written = act.read(answer)
            self.journal.conclude(act.token, answer, written)
            return answer, written
        raise LostError(f"no answer to {act.token} within {GIVE_UP:.0f} s")


class Writer(Client):
    """Keeps its own deals: changes one or several, makes new ones, shares them, takes away what it made."""

    def __init__(
        self, number: int, session: Session, journal: Journal, seed: int, over: threading.Event
    ) -> None:
        super().__init__(f"writer {number}", session, journal, seed, over)
        self.number, self.person, self.shares = number, 0, 0
        self.versions: dict[int, int] = {}
        self.made: list[int] = []
        self.splits: dict[int, str] = {}

    def learn(self) -> None:
        """Its deals, without those of the import: they are the files' alone, or who wrote last is luck."""
        found = self.session.patiently("GET", "/api/v1/deals?size=200").json()["results"]
        rows = [row for row in found if not row["name"].startswith(IMPORTED)]
        assert rows, f"{self.name} has no deals"
        self.person = rows[0]["owner_id"]
        self.versions = {row["id"]: row["version"] for row in rows}

    def write(self, number: int) -> None:
        """Each kind once, so that a short run has them all, then mostly changes."""
        acts = (self._create, self._bulk, self._split, self._remove, self._change)
        at_first = number <= len(acts)
        act = acts[number - 1] if at_first else self.rng.choices(acts, (5, 5, 3, 4, 83))[0]
        act(f"{self.number}-{number}")

    def _deal(self) -> int:
        return self.rng.choice(sorted(self.versions))

    def _change(self, name: str) -> None:
        deal, token = self._deal(), f"change-{name}"
        change = {"next_step": token, "version": self.versions[deal], "category": self.rng.choice(CATEGORIES)}
        if self.rng.random() < 0.5:
            change["amount"] = f"{self.rng.randrange(1, 500_000)}.{self.rng.randrange(100):02}"
        path = f"/api/v1/deals/{deal}"
        act = Act(token, "PATCH", path, json.dumps(change), _if(200, deal), "application/json")
        answer, _ = self.send(act)
        self.versions[deal] = answer.json().get("version", self.versions[deal])

    def _create(self, name: str) -> None:
        token = f"create-{name}"
        form = {
            "name": token,
            "next_step": token,
            "amount": str(self.rng.randrange(1, 90_000)),
            "currency": "USD",
        }
        _, written = self.send(_form(token, "/deals/new", form, _led_to))
        for deal in written or ():
            self.versions[deal] = 1
            self.made.append(deal)

    def _bulk(self, name: str) -> None:
        token, chosen = f"bulk-{name}", self.rng.sample(sorted(self.versions), min(4, len(self.versions)))
        items = ",".join(f"{deal}:{self.versions[deal]}" for deal in chosen)
        answer, written = self.send(
            _form(token, "/deals/bulk", {"field": "next_step", "value": token, "items": items}, _changed)
        )
        for row in answer.json().get("changed", ()):
            self.versions[row["id"]] = row["version"]
        if len(written or ()) < len(chosen):
            self.learn()

    def _split(self, _: str) -> None:
        self.shares += 1
        deal, share = self._deal(), f"{(Decimal(self.shares) / 10_000).normalize():f}"
        seen = self.splits.get(deal)
        if seen is None:
            page = self.session.patiently("GET", f"/deals/{deal}/splits").body.decode()
            seen = html.unescape(re.search(r'name="seen" value="([^"]*)"', page)[1])  # type: ignore[index]
        lines = [("person", self.person), ("kind", "REVENUE"), ("share", "100")]
        lines += [("person", self.person), ("kind", "OVERLAY"), ("share", share)]
        act = _form(
            f"split-{deal}-{share}", f"/deals/{deal}/splits", [*lines, ("seen", seen)], _if(302, deal)
        )
        _, written = self.send(act)
        self.splits.pop(deal, None)
        if written:
            self.splits[deal] = f"{self.person} OVERLAY {share};{self.person} REVENUE 100"

    def _remove(self, name: str) -> None:
        if not self.made:
            self._create(name)
            return
        deal = self.made.pop(self.rng.randrange(len(self.made)))
        version = self.versions.pop(deal)
        form = {"version": str(version)}
        _, written = self.send(
            _form(f"remove-{deal}-{version}", f"/deals/{deal}/remove", form, _if(200, deal))
        )
        if written is None:
            self.learn()


class QuotaWriter(Client):
    """Sets quotas where there were none: a second save of the same would meet the first and be refused."""

    def __init__(
        self,
        session: Session,
        journal: Journal,
        seed: int,
        over: threading.Event,
        cells: list[tuple[int, int]],
    ) -> None:
        super().__init__("writer of quotas", session, journal, seed, over)
        self.cells = cells

    def write(self, number: int) -> None:
        """One cell of an empty month."""
        if number > len(self.cells):
            self.over.wait()
            return
        person, period = self.cells[number - 1]
        amount = QUOTAS_FROM + number
        cell = {"person": person, "period": period, "value": str(amount), "currency": "USD", "seen": ""}
        body = json.dumps({"cells": [cell]})
        self.send(Act(f"quota-{amount}", "POST", "/quotas/save", body, _if(200, person), "application/json"))
        self.over.wait(self.rng.uniform(0.3, 2))


def _form(token: str, path: str, fields: object, read: Callable[[Answer], frozenset[int] | None]) -> Act:
    return Act(token, "POST", path, urllib.parse.urlencode(fields), read)  # type: ignore[arg-type]


def _if(status: int, thing: int) -> Callable[[Answer], frozenset[int] | None]:
    return lambda answer: frozenset([thing]) if answer.status == status else None


def _led_to(answer: Answer) -> frozenset[int] | None:
    """The deal whose page the answer leads to."""
    found = re.search(r"/deals/(\d+)", answer.headers.get("location", ""))
    return frozenset([int(found[1])]) if answer.status == 302 and found else None


def _changed(answer: Answer) -> frozenset[int] | None:
    """Those of many that were changed; the others were left and are none of its objects."""
    return frozenset(row["id"] for row in answer.json()["changed"]) if answer.status == 200 else None
