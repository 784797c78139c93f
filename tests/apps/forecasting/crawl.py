"""What a login is answered at every address its pages link to, and at every route there is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import Resolver404, resolve

from opportunities.models import ChangeSet, ImportBatch, SalesProcess, Stage, Subcategory
from organization.models import ApiToken, FiscalCalendar, FiscalPeriod, Person, RoleGrant, Territory, User
from salesops.jobs.models import Job
from tests.house.test_permission_matrix import SIGNED_IN_ONLY, routes

LINK = re.compile(r"""(?:href|hx-get|data-[a-z-]*url)="(/[^"#]*)""")
ELSEWHERE = ("/static/", "/accounts/", "/admin/", "/i18n")
"""Not followed: files, and pages of libraries, which tell nothing of deals."""
NOT_ASKED = {
    "events": "a stream that never ends; what it tells is asked for at events/poll",
    "api/schema": "the description of the interface, made from the code alone",
    "api/docs/": "the description of the interface, made from the code alone",
    "styleguide": "samples made from the code alone",
    "styleguide/drawer": "samples made from the code alone",
    "system/examination": "examines the machine, and takes seconds",
}
"""Route: why no answer of it is compared."""
SENT_EACH_TIME_ANEW = re.compile(
    r"nonce-[^' ]+|nonce=\"[^\"]+\"|(?<=csrfmiddlewaretoken\" value=\")\w{64}|(?<=data-csrf=\")\w{64}"
    r"|(?<=X-CSRFToken\": \")\w{64}"
)
"""What a page is given by chance: the marks of its scripts and forms."""
BY_CHANCE = frozenset({"Date", "X-Request-ID", "Server-Timing"})
"""Headers that differ each time; all others are compared."""
SEEDS = (
    "/forecast/", "/forecast/?tree=territories", "/forecast/?tree=families", "/forecast/?at=2026-04-01",
    "/forecast/?at=2026-04-08&tree=territories", "/forecast/?period=FY27-Q2&since=2026-03-10",
    "/deals/", "/deals/?view=board", "/deals/?as_of=2026-04-01", "/deals/?sort=-created_at&as_of=2026-04-08",
    "/deals/?q=deal", "/deals/?q=secret", "/deals/?sort=amount&per=2&page=2", "/deals/?page=99", "/deals/export.csv",
    "/metrics/", "/metrics/ask/", "/metrics/ask.csv", "/metrics/deals/", "/quotas/", "/quotas/?at=2026-03-20",
    "/quotas/export.csv", "/quotas/export.xlsx", "/people/", "/people/?q=secret", "/users/", "/users/?q=secret",
    "/setup/", "/audit/", "/audit/?q=secret", "/audit/events.csv", "/account/", "/palette?q=secret", "/palette?q=deal",
    "/api/v1/deals", "/api/v1/deals?limit=2", "/api/v1/deals?q=secret", "/api/v1/metrics", "/api/v1/figures?metric=open_amount&by=owner",
    "/events/poll?since=.1775000000", "/forecast/export?format=xlsx", "/nowhere", "/api/v1/nowhere",
)  # fmt: skip
MOST = 50
"""Links followed for each viewer beside the seeds and routes: one of each kind before a second of any."""

Answer = tuple[int, str, bytes]
"""Status, headers, body: files and pictures as they are, text without what it is given by chance."""
ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
OF_ARGUMENT: dict[str, type[Model]] = {
    "batch_id": ImportBatch, "calendar_id": FiscalCalendar, "change_set_id": ChangeSet, "grant_id": RoleGrant,
    "job_id": Job, "period_id": FiscalPeriod, "person_id": Person, "process_id": SalesProcess, "row_id": Stage,
    "stage_id": Stage, "subcategory_id": Subcategory, "territory_id": Territory, "token_id": ApiToken, "user_id": User,
}  # fmt: skip
"""Whose number stands at a place of a route, unless the viewer has one."""


ASKED_WITH = {
    "api/v1/figures": "?metric=won_amount&by=owner",
    "deals/closing": "?items={deal_id}:1&field=category&value=WON",
    "forecast/rows": "?tree=territories&parent={territory_id}&level=1",
    "people/rows": "?parent={person_id}",
    "quotas/rows": "?parent={person_id}",
}
"""What a route must be told to answer."""


def every_route() -> set[str]:
    """The product's routes that are asked; those of libraries and machines guard themselves."""
    signing_in = {route.pattern for route in routes() if route.pattern.startswith("accounts/")}
    return ({route.pattern for route in routes()} | SIGNED_IN_ONLY) - signing_in - set(NOT_ASKED)


def filled(pattern: str, values: dict[str, Any]) -> str:
    """An address of a route."""
    return "/" + ARGUMENT.sub(lambda found: str(values[found[1]]), pattern)


def addresses(own: dict[str, Any]) -> list[str]:
    """One of every route, about what is the viewer's where that is known."""
    values = {name: model.objects.order_by("pk").values_list("pk", flat=True).first() or 1  # type: ignore[attr-defined]
              for name, model in OF_ARGUMENT.items()}  # fmt: skip
    values |= {"code": "EUR", "kind": "stage", "token": "nothing"} | own
    return [filled(one, values) + ASKED_WITH.get(one, "").format(**values) for one in sorted(every_route())]


def route_of(url: str) -> str:
    """The pattern that an address leads to; an address nobody serves leads to none."""
    try:
        return resolve(url.partition("?")[0]).route
    except Resolver404:
        return ""


def _kind(url: str) -> str:
    """Where an address leads, without ids and values: each such place is looked at a few times."""
    path, _, query = url.partition("?")
    return re.sub(r"\d+", "N", path) + "?" + ",".join(sorted(word.split("=")[0] for word in query.split("&")))


def ask(client: Client, url: str) -> Answer:
    """The answer, without what differs each time it is asked for."""
    response = client.get(url)
    told = [f"{name}: {value}" for name, value in response.headers.items() if name not in BY_CHANCE]
    headers = "\n".join(sorted([*told, *(f"cookie: {name}" for name in response.cookies)]))
    content = b"".join(response) if response.streaming else response.content
    if response.headers.get("Content-Type", "").startswith("text/html"):
        content = SENT_EACH_TIME_ANEW.sub("*", content.decode()).encode()
    return response.status_code, SENT_EACH_TIME_ANEW.sub("*", headers), content


def crawl(client: Client, more: Iterable[str] = ()) -> dict[str, Answer]:
    """The answers at the seeds, at `more`, and where they lead. What the asking itself wrote is taken back."""
    given = list(dict.fromkeys((*SEEDS, *more)))
    firsts, others = list[str](), list[str]()
    seen, kinds, linked = set(given), dict[str, int](), 0
    answers: dict[str, Answer] = {}
    with transaction.atomic():
        while given or (linked < MOST and (firsts or others)):
            linked += not given
            url = (given or firsts or others).pop(0)
            answers[url] = ask(client, url)
            for found in LINK.findall(answers[url][2].decode(errors="replace")):
                link = unescape(found)
                kind = kinds.setdefault(_kind(link), 0)
                if link in seen or kind == 3 or link.startswith(ELSEWHERE) or route_of(link) in NOT_ASKED:
                    continue
                kinds[_kind(link)] += 1
                seen.add(link)
                (others if kind else firsts).append(link)
        transaction.set_rollback(True)
    return answers


def differing(client: Client, answers: dict[str, Answer]) -> list[str]:
    """The addresses that are answered differently now."""
    with transaction.atomic():
        found = [url for url, before in answers.items() if ask(client, url) != before]
        transaction.set_rollback(True)
    return found
