"""`manage.py write_configuration_page`: writes docs/configuration.md from the settings' declarations."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from salesops.configuration_page import page


class Command(BaseCommand):
    """Writes the page, or with --check only says whether it is current."""

    requires_system_checks: list[str] = []
    help = "Write docs/configuration.md from the declarations in salesops/settings.py."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument(
            "--check", action="store_true", help="write nothing; exit code 1 when the page is out of date"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes or compares."""
        from salesops.settings import env

        file = Path(settings.BASE_DIR) / "docs" / "configuration.md"
        wanted = page(env.declared)
        if options["check"]:
            if not file.exists() or file.read_text(encoding="utf-8") != wanted:
                raise CommandError(
                    "docs/configuration.md is out of date; run manage.py write_configuration_page"
                )
            return
        file.write_text(wanted, encoding="utf-8")
        self.stdout.write(f"{file} written: {len(env.declared)} settings")
