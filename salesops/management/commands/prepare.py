"""`manage.py prepare`: everything between an empty database and a server that may start. Safe to repeat."""

import hashlib
import io
import json
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from salesops.wall import policies

LOCK_TIMEOUT = "10s"


class Command(BaseCommand):
    """Migrates, makes the cache table, collects static files if they changed, and seeds the demo the first time."""

    help = "Bring the database and static files up to date; with --demo also load the demo company once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument(
            "--demo", action="store_true", help="load the demo company if there is no company yet"
        )
        parser.add_argument(
            "--no-static", action="store_true", help="static files were collected in the image build"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Does what is missing, and says so."""
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            self._timed(f"Database: {len(missing)} migrations", migrate)
        call_command("createcachetable", verbosity=0)
        policies.build()  # the list of walled tables changes without a migration, too
        if not settings.DEBUG and not options["no_static"]:
            self._collect_static()
        if options["demo"] and self._wants_demo():
            self.stdout.write("  Demo company, once:")
            self.stdout.flush()
            call_command("seed_demo")

    def _timed(self, title: str, work: Any) -> None:
        self.stdout.write(f"  {title} …")
        self.stdout.flush()
        began = time.monotonic()
        work()
        self.stdout.write(f"    done ({time.monotonic() - began:.1f} s)")
        self.stdout.flush()

    def _collect_static(self) -> None:
        stamp = Path(settings.STATIC_ROOT) / ".collected.json"
        wanted = static_digest()
        if stamp.exists() and json.loads(stamp.read_text(encoding="utf-8")).get("digest") == wanted:
            return

        def collect() -> None:
            with redirect_stdout(io.StringIO()):
                call_command("collectstatic", interactive=False, verbosity=0, clear=True)

        self._timed("Static files", collect)
        stamp.write_text(json.dumps({"digest": wanted}), encoding="utf-8")

    def _wants_demo(self) -> bool:
        """True for a database without a company, or whose seeding was interrupted before the logins were written."""
        if "seed_demo" not in get_commands():
            return False
        from organization.models import Company

        company = Company.objects.first()
        if company is None:
            return True
        return company.is_demo and not (Path(settings.VAR_DIR) / "demo_logins.json").exists()


def migrate() -> None:
    """Applies what is missing. A statement that waits too long for a lock gives up: behind it everybody would wait."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = %s", [LOCK_TIMEOUT])
        call_command("migrate", verbosity=0)
        cursor.execute("RESET lock_timeout")


def static_digest() -> str:
    """A fingerprint of all static sources and of how they are stored: names, sizes, times."""
    seen = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda pair: pair[0]):
            info = Path(storage.path(name)).stat()
            seen.update(f"{name}:{info.st_size}:{info.st_mtime_ns}\n".encode())
    return seen.hexdigest()
