"""`python -m benchmarks.processor`: processor time of pages in this process, without server, network and database.

Where other work shares the machine, waits say little; what a page makes the processor do stays much the same. Pages
take turns, so that whatever else runs is in all of them alike. With `--served`, what the web server's process and the
database's take for a page that is asked for again and again over one connection.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import psutil

PAGES = (
    ("/version", "MANAGER"),
    ("/help/", "REP"),
    ("/forecast/", "REP"),
    ("/forecast/", "MANAGER"),
    ("/forecast/", "EXECUTIVE"),
    ("/deals/?q=no-such-deal", "REP"),
    ("/deals/", "REP"),
    ("/deals/", "EXECUTIVE"),
    ("/deals/?view=board", "REP"),
    ("/deals/?view=board", "EXECUTIVE"),
)


def _took(rounds: int) -> dict[tuple[str, str], float]:
    """Median milliseconds of each page."""
    from django.conf import settings
    from django.test import Client

    from benchmarks.serving import BACKEND
    from organization.models import User

    settings.ALLOWED_HOSTS = ["*"]
    clients = {}
    for role in {role for _, role in PAGES}:
        user = User.objects.filter(role_grants__role=role, role_grants__revoked_at=None).order_by("id")[0]
        clients[role] = Client(headers={"Accept-Language": "en"})
        clients[role].force_login(user, backend=BACKEND)
    found: dict[tuple[str, str], list[float]] = {page: [] for page in PAGES}
    for number in range(rounds + 3):  # the first ones load templates
        for path, role in PAGES:
            begun = time.process_time()
            answer = clients[role].get(path)
            took = time.process_time() - begun
            assert answer.status_code == 200, (path, role, answer.status_code)
            if number >= 3:
                found[path, role].append(took * 1e3)
    return {page: statistics.median(took) for page, took in found.items()}


SERVED = (
    ("/version", "REP"),
    ("/help/", "REP"),
    ("/deals/", "REP"),
    ("/deals/{deal}", "REP"),
    ("/forecast/", "REP"),
    ("/forecast/board", "REP"),
    ("/forecast/", "MANAGER"),
    ("/forecast/", "EXECUTIVE"),
    ("/deals/", "EXECUTIVE"),
)


def _used(server: int, database: str) -> tuple[float, float]:
    """Milliseconds of processor the web server (with its workers) and the database's connections have used."""
    web = psutil.Process(server)
    connections = (one for one in psutil.process_iter() if f" {database} " in _command(one))
    return _milliseconds([web, *web.children()]), _milliseconds(connections)


def _command(process: Any) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _milliseconds(processes: Iterable[Any]) -> float:
    used = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += (times.user + times.system) * 1e3
    return used


def _served(seconds: float) -> Iterable[tuple[str, str, float, float, float]]:
    """Of each page the median wait, and what web server and database used for it, in milliseconds."""
    from django.db import connection

    from benchmarks.serving import cookie_of, rate_of, served
    from opportunities.models import Opportunity

    database = str(connection.settings_dict["NAME"])
    with served() as live:
        email = live.logins["REP"]["email"]
        deal = Opportunity.objects.filter(owner__user__email=email, status="OPEN", is_deleted=False)[0].pk
        for path, role in SERVED:
            where, cookie = path.format(deal=deal), cookie_of(live, role)
            rate_of(live, where, cookie, connections=1, seconds=1)
            before, begun = _used(live.processes[0].pid, database), time.perf_counter()
            rate = rate_of(live, where, cookie, connections=1, seconds=seconds)
            count = rate.per_second * (time.perf_counter() - begun)
            after = _used(live.processes[0].pid, database)
            web, data = ((late - early) / count for early, late in zip(before, after, strict=True))
            yield path, role, rate.p50_ms, web, data


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processor", description=__doc__)
    parser.add_argument("--deals", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--served", action="store_true", help="of the web server and the database instead")
    options = parser.parse_args()
    from benchmarks.__main__ import own_database, prepare

    own_database(options.deals, fresh=False)
    prepare(options.deals, pages=True)
    if options.served:
        for path, role, wait, web, data in _served(options.rounds / 5):
            print(f"{wait:7.1f} ms, web {web:5.1f}, database {data:5.1f}  {path} of the {role.lower()}")
        return 0
    found = _took(options.rounds)
    plain = found[PAGES[0]]
    for (path, role), took in found.items():
        print(f"{took:7.1f} ms  {took / plain:5.1f} x {PAGES[0][0]}  {path} of the {role.lower()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
