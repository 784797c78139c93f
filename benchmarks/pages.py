"""Whole pages over HTTP, eight connections at a time, beside a page of the same shell that reads no figures."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.measuring import Result
from benchmarks.serving import cookie_of, rate_of, served

ROUNDS = 5
WORKERS = 2
"""As an installation has unless told otherwise."""
PAGES = (
    ("page_node", "/forecast/", "MANAGER"),
    ("page_root", "/forecast/", "EXECUTIVE"),
    ("page_list", "/deals/", "EXECUTIVE"),
)
PLAIN, BARE = "/help/", "/version"
"""A signed-in page without figures, and an answer that is no page: it asks for no session and fills no template."""
TARGET = 5.0
"""A page may take five times as long as a plain one: `>= 0.2` of its rate."""


def pages() -> Iterator[Result]:
    """Milliseconds per request at full use of the machine; every answer was 200."""
    with served(workers=WORKERS) as live:
        cookies = {role: cookie_of(live, role) for _, _, role in PAGES}
        for connections in (1, 2, 4, 8):  # few at a time: a connection to the database is slow at first
            for _name, path, role in PAGES:
                rate_of(live, path, cookies[role], connections=connections, seconds=0.7)
        found: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in PAGES}
        waits: dict[str, list[float]] = {name: [] for name, _, _ in PAGES}
        bare = []
        for _ in range(ROUNDS):
            bare.append(1e3 / rate_of(live, BARE, seconds=1.0).per_second)
            plain = rate_of(live, PLAIN, cookies["MANAGER"], seconds=1.5)
            for name, path, role in PAGES:
                rate = rate_of(live, path, cookies[role])
                found[name].append((1e3 / rate.per_second, 1e3 / plain.per_second))
                waits[name].append(rate.p99_ms)
    for name, path, role in PAGES:
        ratios = sorted(ours / theirs for ours, theirs in found[name])
        ours, theirs = (statistics.median(column) for column in zip(*found[name], strict=True))
        p99 = statistics.median(waits[name])
        yield Result(
            name,
            f"{path} of the {role.lower()}: {1e3 / ours:.0f}/s, p99 {p99:.0f} ms with 8 connections, "
            f"{ours / statistics.median(bare):.0f} times {BARE}",
            ours, theirs, PLAIN, ours / theirs, TARGET, ratios[0], ratios[-1], "all answers 200",
            {"per_second": round(1e3 / ours, 1), "p99_ms": round(p99)},
        )  # fmt: skip
