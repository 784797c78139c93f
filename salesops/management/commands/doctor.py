"""`manage.py doctor`: what is wrong with this installation, and the cure."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from salesops.operations.diagnosis import diagnose

SIGNS = {"ok": "ok     ", "warning": "warning", "failed": "FAILED "}


class Command(BaseCommand):
    """Prints findings; exit code 0 when nothing has failed (warnings allowed), else 1."""

    help = "Examine the installation and name the cure of whatever is wrong. Exit code 1 when something has failed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument("--json", action="store_true", help="print findings as JSON")
        parser.add_argument("--strict", action="store_true", help="count warnings as failures")

    def handle(self, *args: Any, **options: Any) -> None:
        """Looks and prints."""
        findings = diagnose()
        bad = {"failed", "warning"} if options["strict"] else {"failed"}
        well = not any(finding.state in bad for finding in findings)
        if options["json"]:
            self.stdout.write(
                json.dumps({"well": well, "findings": [finding.as_json() for finding in findings]})
            )
        else:
            for finding in findings:
                self.stdout.write(f"{SIGNS[finding.state]}  {finding.name}: {finding.detail}")
                if finding.cure:
                    self.stdout.write(f"         -> {finding.cure}")
        if not well:
            sys.exit(1)
