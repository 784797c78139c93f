"""`manage.py backup`: database and uploads in one checked file."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from salesops.operations.backups import check_backup, write_backup
from salesops.operations.postgres_tools import ToolError


class Command(BaseCommand):
    """Writes a backup and reads it back; exit code 0, or 1 with the reason."""

    help = "Write database and uploads into one file with checksums. Keep secrets.json (the secret key) elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument("--to", type=Path, default=None, help="folder (default: BACKUP_DIR)")
        parser.add_argument(
            "--keep", type=int, default=None, metavar="N", help="afterwards keep only the newest N"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes, checks, reports."""
        if options["keep"] is not None and options["keep"] < 1:
            raise CommandError("--keep must be at least 1", returncode=2)
        try:
            made = write_backup(
                options["to"] or Path(settings.BACKUP_DIR), now=timezone.now(), keep=options["keep"]
            )
            check_backup(made.path)
        except (ToolError, OSError) as problem:
            raise CommandError(str(problem)) from problem
        files = len(made.manifest["sha256"]) - 1
        if options["json"]:
            report = {
                "path": str(made.path),
                "bytes": made.size,
                "uploads": files,
                "version": made.manifest["version"],
            }
            self.stdout.write(json.dumps(report))
        else:
            self.stdout.write(
                f"{made.path}: {made.size / 1e6:.1f} MB, database and {files} uploads, checksums verified"
            )
