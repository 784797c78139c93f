"""`seed`: the demo company into an empty database, in one transaction, saying what it does."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from organization.domain.scope import Scope
from organization.models import Company
from pipeline.rollups import rebuild
from salesops.demo.copying import HistoryWriter
from salesops.demo.exports import write_exports
from salesops.demo.extras import write_extras
from salesops.demo.foundation import gather_ids, write_quotas
from salesops.demo.logins import FILE_NAME, renew_passwords, write_logins
from salesops.demo.world import World, build_world

Say = Callable[[str], None]
FILES = "demo"


class SeedError(RuntimeError):
    """The database holds a company already that is not the demo."""


def is_seeded() -> bool:
    """Whether the demo company is there. Raises `SeedError` when another company is."""
    company = Company.objects.filter(pk=1).values_list("is_demo", "name").first()
    if company is None:
        return False
    if not company[0]:
        raise SeedError(f"This database belongs to {company[1]}: the demo company needs an empty one.")
    return True


def seed(*, today: dt.date, deals: int, say: Say, folder: Path | None = None) -> bool:
    """Writes the demo company as of the start of `today`; False, and nothing done, when it is there already."""
    folder = folder or Path(settings.VAR_DIR)
    if is_seeded():
        if not (folder / FILE_NAME).exists():
            renew_passwords(folder)
            say(f"The demo logins have new passwords, in {folder / FILE_NAME}.")
        return False
    clock = _Clock(say)
    world = build_world(today, deals)
    clock.say(f"Imagined {len(world.force.people)} people and {len(world.deals):,} deals")
    scope = Scope.system("demo company generated")
    with transaction.atomic():
        ids, calendar = gather_ids(world, scope)
        clock.say(f"Wrote the organisation and {len(world.accounts):,} accounts")
        quotas = write_quotas(world, calendar, ids.people)
        clock.say(f"Set {quotas:,} quotas")
        writer = HistoryWriter(ids, dt.datetime.now(dt.UTC))
        write_extras(world, writer, writer.write(world.deals))
        versions = sum(len(deal.states) for deal in world.deals)
        clock.say(f"Told the deals' lives: {versions:,} versions")
        write_logins(world, ids, folder, scope)
    rebuild()
    _analyze()
    clock.say("Rolled up")
    write_exports(world, folder / FILES)
    clock.say(f"Left export files to try the import with in {folder / FILES}")
    return True


def _analyze() -> None:
    """The planner must know the new tables before the first page is asked for."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


class _Clock:
    """Prefixes what is said with the seconds since the start."""

    def __init__(self, say: Say) -> None:
        self._say, self._start = say, time.monotonic()

    def say(self, text: str) -> None:
        """One line of progress."""
        self._say(f"{time.monotonic() - self._start:5.1f} s  {text}")


__all__ = ["SeedError", "World", "is_seeded", "seed"]
