"""`manage.py restore`: puts a backup in the place of the present data."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from salesops.operations.backups import BackupRefusedError, check_backup, restore_backup
from salesops.operations.postgres_tools import ToolError

REFUSED = 3


class Command(BaseCommand):
    """Exit codes: 0 restored, 1 failed (the former data is still in place), 2 wrong usage, 3 refused."""

    help = (
        "Restore a backup. Damaged backups and those of a newer version are always refused. "
        "Exit codes: 0 restored, 1 failed and nothing changed, 2 wrong usage, 3 refused."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument("path", type=Path, help="the backup file")
        parser.add_argument(
            "--force",
            action="store_true",
            help="replace the company that is there and end other sessions (no check is skipped)",
        )
        parser.add_argument("--check", action="store_true", help="only verify the file: checksums, version")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Checks, restores, reports."""
        path: Path = options["path"]
        try:
            manifest = (
                check_backup(path) if options["check"] else restore_backup(path, force=options["force"])
            )
        except BackupRefusedError as problem:
            raise CommandError(str(problem), returncode=REFUSED) from problem
        except (ToolError, OSError) as problem:
            raise CommandError(str(problem)) from problem
        done = "checked" if options["check"] else "restored"
        if options["json"]:
            keys = ("version", "made_at", "postgresql")
            self.stdout.write(json.dumps({"state": done, **{key: manifest[key] for key in keys}}))
        else:
            self.stdout.write(
                f"{path.name} of {manifest['made_at'][:19]} UTC, version {manifest['version']}: {done}"
            )
