"""What a login is answered at every address its pages link to."""

from __future__ import annotations

import re
from html import unescape

from django.db import transaction
from django.test import Client

LINK = re.compile(r"""(?:href|hx-get|data-[a-z-]*url)="(/[^"#]*)""")
ELSEWHERE = (
    "/static/", "/accounts/", "/admin/", "/events", "/i18n", "/api/schema", "/api/docs", "/system/examination",
)  # fmt: skip
"""Not followed: other people's pages, streams, and what tells of the machine rather than of deals."""
VOLATILE = re.compile(r"[A-Za-z0-9]{64}|nonce-[^' ]+|nonce=\"[^\"]+\"")
SEEDS = (
    "/forecast/", "/forecast/?tree=territories", "/forecast/?tree=families", "/forecast/?at=2026-04-01",
    "/forecast/?at=2026-04-08&tree=territories", "/forecast/?period=FY27-Q2&since=2026-03-10",
    "/deals/", "/deals/?view=board", "/deals/?as_of=2026-04-01", "/deals/?sort=-created_at&as_of=2026-04-08",
    "/deals/?q=deal", "/deals/?sort=amount&per=2&page=2", "/deals/export.csv", "/metrics/", "/metrics/ask/",
    "/metrics/ask.csv", "/metrics/deals/", "/quotas/", "/quotas/?at=2026-03-20", "/quotas/export.csv", "/people/",
    "/users/", "/setup/", "/audit/", "/account/", "/api/v1/deals", "/api/v1/deals?limit=2", "/api/v1/metrics",
    "/api/v1/figures", "/events/poll?since=.1775000000",
)  # fmt: skip
MOST = 150
"""Pages looked at for each viewer: those of the seeds first."""

Answer = tuple[int, str, str | bytes]
"""Status, headers that could tell something, body."""


def _kind(url: str) -> str:
    """Where an address leads, without ids and values: each such place is looked at a few times."""
    path, _, query = url.partition("?")
    return re.sub(r"\d+", "N", path) + "?" + ",".join(sorted(word.split("=")[0] for word in query.split("&")))


def ask(client: Client, url: str) -> Answer:
    """The answer, without what differs each time it is asked for."""
    response = client.get(url)
    headers = "\n".join(
        f"{name}: {response.headers[name]}"
        for name in ("Content-Type", "Location", "ETag", "Link", "X-Total-Count")
        if name in response.headers
    )
    if not response.headers.get("Content-Type", "").startswith(("text/", "application/json")):
        return response.status_code, headers, b""
    content = b"".join(response) if response.streaming else response.content
    return response.status_code, headers, VOLATILE.sub("*", content.decode())


def crawl(client: Client) -> dict[str, Answer]:
    """The answers at the seeds and where they lead. What the asking itself wrote is taken back."""
    waiting, seen, kinds = list(SEEDS), set(SEEDS), dict[str, int]()
    answers: dict[str, Answer] = {}
    with transaction.atomic():
        while waiting and len(answers) < MOST:
            url = waiting.pop(0)
            answers[url] = ask(client, url)
            for found in LINK.findall(str(answers[url][2])):
                link = unescape(found)
                kind = _kind(link)
                if link not in seen and not link.startswith(ELSEWHERE) and kinds.get(kind, 0) < 3:
                    kinds[kind] = kinds.get(kind, 0) + 1
                    seen.add(link)
                    waiting.append(link)
        transaction.set_rollback(True)
    return answers


def differing(client: Client, answers: dict[str, Answer]) -> list[str]:
    """The addresses that are answered differently now."""
    with transaction.atomic():
        found = [url for url, before in answers.items() if ask(client, url) != before]
        transaction.set_rollback(True)
    return found
