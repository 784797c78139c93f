"""`python -m benchmarks.load`: so many requests a second for so long, nine reads to one write, on a served company.

Requests start when their time has come, whether or not earlier ones were answered (open loop), so that waiting is in
the figures. Prints, for each kind, how many, the median, the 99th percentile and the slowest; exit code 1 when a bar is
missed: any error, pages over 500 ms or edits over 300 ms at the 99th percentile. Beside it the same small work is done
again and again: what that takes in the stretches that miss a bar tells a slower machine from a slower product. With
`--streams` so many of the sessions have a page open that listens to changes; with `--import` the second half has
imports of so many rows beside it, which may make the 99th percentiles at most twice those of the first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks.beside import Imports
from benchmarks.pulse import Pulse
from benchmarks.streams import Streams

BARS = {"page": 500.0, "edit": 300.0}
TIMEOUT = 10.0
STRETCH = 10
"""Seconds."""
Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Viewer:
    """A signed-in somebody with deals of their own: (id, version), and the connections their browser keeps open."""

    cookie: str
    token: str
    deals: list[list[int]]
    idle: list[Link] = field(default_factory=list)


@dataclass
class Load:
    """The requests, how long each took, and what went wrong."""

    url: str
    viewers: list[Viewer]
    rng: random.Random
    took: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    course: list[tuple[str, float, float]] = field(default_factory=list)
    """Of each request the kind, when it was due, and how long it took; infinite where it failed."""

    async def run(self, *, rate: float, seconds: float, say: Callable[[str], None]) -> None:
        """`rate` requests a second for so many seconds."""
        begun, waiting = time.perf_counter(), set()
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            task = asyncio.create_task(self._one(due))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            if number and number % int(rate * 60) == 0:
                say(f"{number / rate / 60:.0f} min: {number:,} requests, {len(self.errors)} errors")
        await asyncio.gather(*waiting)

    async def warmed(self, seconds: float) -> None:
        """Every process of the web server has loaded its templates, every connection to the database has read its
        catalogue, and memory holds what is read again and again: the first requests after a start count nowhere."""
        for rate, part in ((4, 1 / 12), (20, 1 / 6), (40, 3 / 4)):
            await self.run(rate=rate, seconds=seconds * part, say=str)
        self.took.clear()
        self.errors.clear()
        self.course.clear()
        for viewer in self.viewers:
            for _, writer in viewer.idle:
                writer.close()
            viewer.idle.clear()

    async def _one(self, due: float) -> None:
        viewer, dice = self.rng.choice(self.viewers), self.rng.random()
        if dice < 0.1 and viewer.deals:
            kind, name = "edit", "next step of a deal"
            deal = viewer.deals.pop(self.rng.randrange(len(viewer.deals)))
            status, body = await self._edit(viewer, deal)
            if status == 200:
                deal[1] = json.loads(body)["version"]  # a value that is there already raises none
            viewer.deals.append(deal)
        else:
            kind = "page"
            name, path = self._page(viewer, dice)
            status, body = await self._request(viewer, "GET", path)
        took = (time.perf_counter() - due) * 1e3
        self.course.append((kind, due, took if status == 200 else math.inf))
        if status == 200:
            self.took[kind, name].append(took)
        else:
            self.errors.append(f"{name}: {status} {body[:120]!r}")

    def _page(self, viewer: Viewer, dice: float) -> tuple[str, str]:
        if dice < 0.4:
            return "my deals", "/deals/"
        if dice < 0.6 and viewer.deals:
            return "a deal", f"/deals/{self.rng.choice(viewer.deals)[0]}"
        if dice < 0.8:
            return "forecast", "/forecast/"
        return "forecast, live part", "/forecast/board"

    async def _edit(self, viewer: Viewer, deal: list[int]) -> tuple[int, bytes]:
        body = urlencode(
            {
                "field": "next_step",
                "value": f"Call about step {self.rng.randrange(10**6)}",
                "version": deal[1],
            }
        )
        return await self._request(viewer, "POST", f"/deals/{deal[0]}/edit?part=list", body)

    async def _request(self, viewer: Viewer, method: str, path: str, body: str = "") -> tuple[int, bytes]:
        host = urlsplit(self.url)
        head = f"{method} {path} HTTP/1.1\r\nHost: {host.netloc}\r\nCookie: {viewer.cookie}\r\nAccept: text/html\r\n"
        if method == "POST":
            head += f"X-CSRFToken: {viewer.token}\r\nOrigin: {self.url}\r\nHX-Request: true\r\n"
            head += f"Idempotency-Key: {secrets.token_hex(16)}\r\nContent-Length: {len(body)}\r\n"
            head += "Content-Type: application/x-www-form-urlencoded\r\n"
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._exchange(viewer.idle, f"{head}\r\n{body}".encode())
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            return 0, type(error).__name__.encode()

    async def _exchange(self, idle: list[Link], request: bytes) -> tuple[int, bytes]:
        """Over the viewer's own connection, as browsers do: each stays with the process of the web server that took it.
        Over a new one where there is none, or the server has closed it meanwhile.
        """
        while idle:
            with suppress(OSError, asyncio.IncompleteReadError):
                return await self._over(idle.pop(), idle, request)
        host = urlsplit(self.url)
        return await self._over(await asyncio.open_connection(host.hostname, host.port), idle, request)

    async def _over(self, link: Link, idle: list[Link], request: bytes) -> tuple[int, bytes]:
        from benchmarks.serving import body_of

        reader, writer = link
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await body_of(reader, head.lower())
        idle.append(link)
        return int(head.split(b" ", 2)[1]), body


def _viewers(count: int, rng: random.Random) -> list[Viewer]:
    """So many sessions of people with deals of their own, each with a login, made when missing. Where the company has
    fewer such people, some are signed in more than once, as with a computer and a phone.
    """
    from django.conf import settings
    from django.db.models import Count
    from django.middleware.csrf import _get_new_csrf_string
    from django.test import Client

    from benchmarks.serving import BACKEND
    from opportunities.models import Opportunity
    from organization.domain.scope import Scope
    from organization.models import Person, User
    from organization.services import create_login

    owners = (
        Opportunity.objects.filter(status="OPEN", is_deleted=False, owner__left_on=None)
        .values("owner").annotate(own=Count("pk")).filter(own__gt=3).values("owner")
    )  # fmt: skip
    people = list(Person.objects.filter(pk__in=owners).order_by("id"))
    rng.shuffle(people)
    found: list[Viewer] = []
    own: dict[int, list[list[int]]] = {}
    """Deals with the version last seen: a person's sessions share them."""
    for person in islice(cycle(people), count):
        if person.user_id is None:
            create_login(
                email=f"load{person.pk}@example.invalid", name=person.name, roles=["REP"], person_id=person.pk,
                scope=Scope.system("benchmark"),
            )  # fmt: skip
            person.refresh_from_db()
        client = Client()
        client.force_login(User.objects.get(pk=person.user_id), backend=BACKEND)
        token = _get_new_csrf_string()
        if person.pk not in own:
            deals = Opportunity.objects.filter(owner=person, status="OPEN", is_deleted=False)
            own[person.pk] = [list(deal) for deal in deals.values_list("id", "version")[:40]]
        cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
        found.append(Viewer(f"{cookie}; {settings.CSRF_COOKIE_NAME}={token}", token, own[person.pk]))
    return found


def _report(load: Load, seconds: float) -> bool:
    """Prints the figures; whether every bar holds."""
    good = not load.errors
    for kind, bar in BARS.items():
        every: list[float] = []
        for (of, name), took in sorted(load.took.items()):
            if of == kind:
                every += took
                print(f"   {name:<22} {_figures(took)}")
        if every:
            holds = sorted(every)[int(len(every) * 0.99)] <= bar
            good = good and holds
            print(f"{'ok' if holds else '!!'} {kind + 's':<22} {_figures(every)}  (bar: p99 {bar:.0f} ms)")
    answered = sum(map(len, load.took.values()))
    print(f"   {answered:,} answered in {seconds:.0f} s, {len(load.errors)} errors {load.errors[:5] or ''}")
    return good


def _stretches(load: Load, pulse: Pulse) -> None:
    """Where waits came together, and what the machine did with the same work meanwhile: what is slower of itself in the
    stretches that miss a bar is the machine.
    """
    stretches: dict[int, list[float]] = defaultdict(list)
    begun = min(due for _, due, _ in load.course)
    for _, due, took in load.course:
        stretches[int((due - begun) // STRETCH)].append(took)
    missed = {n for n, took in stretches.items() if sorted(took)[int(len(took) * 0.99)] > BARS["page"]}
    beats: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for number in stretches:
        beats[number in missed] += pulse.between(begun + number * STRETCH, begun + (number + 1) * STRETCH)
    if load.errors:
        failed = {int((due - begun) // STRETCH) for _, due, took in load.course if took == math.inf}
        print(f"   errors fell into the stretches at {_when(failed)}")
    print(
        f"   {len(missed)} of {len(stretches)} stretches of {STRETCH} s miss the bar of pages: {_when(missed)}"
    )
    for missing, told in ((False, "in the others"), (True, "in these")):
        for work, times in zip(
            ("counting", "reading all over the memory"), zip(*beats[missing], strict=True), strict=False
        ):
            found = sorted(times)
            middle, late = found[len(found) // 2], found[int(len(found) * 0.9)]
            print(f"   the same {work} {told} took {middle:.2f} ms of processor, a tenth over {late:.2f} ms")


def _when(stretches: Collection[int]) -> str:
    """As seconds from the beginning."""
    return ", ".join(f"{number * STRETCH} s" for number in sorted(stretches)) or "none"


def _figures(took: list[float]) -> str:
    took = sorted(took)
    middle, late = took[len(took) // 2], took[int(len(took) * 0.99)]
    return f"{len(took):>7,}  p50 {middle:6.0f}  p99 {late:6.0f}  max {took[-1]:6.0f} ms"


def main() -> int:
    """Serve, load, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--deals", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=40.0, help="requests a second (40)")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (30)")
    parser.add_argument("--viewers", type=int, default=300, help="people signed in at once (300)")
    parser.add_argument(
        "--streams", type=int, default=0, help="pages open at once, each with a stream of changes (0)"
    )
    parser.add_argument(
        "--import", type=int, default=0, dest="rows", metavar="ROWS",
        help="imports of so many rows beside the second half (none)",
    )  # fmt: skip
    parser.add_argument(
        "--warm-up", type=float, default=120.0, metavar="SECONDS", help="how long before it counts (120)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes of the web server (2)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    from benchmarks.__main__ import own_database, prepare

    own_database(options.deals, fresh=False)
    prepare(options.deals)
    from benchmarks.serving import served

    rng = random.Random(options.seed)
    with served(workers=options.workers) as live:
        load = Load(live.url, _viewers(options.viewers, rng), rng)
        seconds = options.minutes * 60
        say: Any = lambda text: print(f"   {text}", flush=True)  # noqa: E731
        print(
            f"{options.deals:,} deals, {len(load.viewers)} sessions, {options.rate:g} requests/s, seed {options.seed}"
        )
        streams = Streams(live.url, [viewer.cookie for viewer in load.viewers][: options.streams])

        imports = Imports(live.env, live.folder / "beside.csv", options.rows)

        async def everything() -> None:
            await streams.begin()
            await load.warmed(options.warm_up)
            with pulse:
                begun, work = time.perf_counter(), [load.run(rate=options.rate, seconds=seconds, say=say)]
                if options.rows:
                    work.append(imports.run(begun + seconds / 2, begun + seconds))
                await asyncio.gather(*work)
            say(f"{streams.open} streams open at the end; they told {dict(streams.told)}")
            await streams.end()

        pulse = Pulse()
        asyncio.run(everything())
        good = _report(load, seconds)
        if options.rows:
            good = imports.compared(load.course) and good
        _stretches(load, pulse)
        return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
