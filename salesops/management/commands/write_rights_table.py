"""`manage.py write_rights_table`: writes the table of rights into docs/security.md from the roles in code."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from salesops.rights_table import replaced


class Command(BaseCommand):
    """Writes the table, or with --check only says whether it is current."""

    requires_system_checks: list[str] = []
    help = "Write the table of rights into docs/security.md from organization/domain/roles.py."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument(
            "--check", action="store_true", help="write nothing; exit code 1 when the table is out of date"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes or compares."""
        file = Path(settings.BASE_DIR) / "docs" / "security.md"
        page = file.read_text(encoding="utf-8")
        wanted = replaced(page)
        if options["check"]:
            if page != wanted:
                raise CommandError("docs/security.md is out of date; run manage.py write_rights_table")
            return
        file.write_text(wanted, encoding="utf-8")
        self.stdout.write(f"{file} written")
