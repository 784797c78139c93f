"""`manage.py probe worker|beat`: the health check of a container. Exit code 0 when it is at work, else 1."""

import datetime as dt
import socket
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from salesops.jobs import selectors as jobs


class Command(BaseCommand):
    """Asks the worker of this host whether it answers, or the database whether periodic tasks run."""

    help = "Exit code 0 when this host's worker answers, or when periodic tasks ran within the last minute."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the argument."""
        parser.add_argument("role", choices=["worker", "beat"])

    def handle(self, *args: Any, **options: Any) -> None:
        """Looks; says nothing when all is well."""
        well = _worker_answers() if options["role"] == "worker" else _clock_ticks()
        if not well:
            self.stderr.write(f"{options['role']} does not show life")
            sys.exit(1)


def _worker_answers() -> bool:
    from salesops.celery import app

    return bool(app.control.ping(destination=[f"celery@{socket.gethostname()}"], timeout=3.0))


def _clock_ticks() -> bool:
    limit = timezone.now() - dt.timedelta(seconds=60)
    return any(row.started_at and row.started_at > limit for row in jobs.schedules())
