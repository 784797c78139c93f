"""`python -m benchmarks.processor`: processor time of pages in this process, without server, network and database.

Where other work shares the machine, waits say little; what a page makes the processor do stays much the same. Pages
take turns, so that whatever else runs is in all of them alike.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

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


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.processor", description=__doc__)
    parser.add_argument("--deals", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    from benchmarks.__main__ import own_database, prepare

    own_database(options.deals, fresh=False)
    prepare(options.deals)
    found = _took(options.rounds)
    plain = found[PAGES[0]]
    for (path, role), took in found.items():
        print(f"{took:7.1f} ms  {took / plain:5.1f} x {PAGES[0][0]}  {path} of the {role.lower()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
