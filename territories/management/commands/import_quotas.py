"""Reads quotas from a CSV or XLSX file, with the same code as the page."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from organization.domain.scope import Scope
from salesops.kernel.numbers import NumberStyle
from territories.services import import_quotas


class Command(BaseCommand):
    """Exit code 0: written (or nothing to change); 1: the file has problems, nothing was written."""

    help = (
        "Import quotas from PATH (CSV or XLSX). Columns: person (name or e-mail), then period and amount, or one "
        "column a period (FY27-Q1); currency is optional. All rows or none."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file and how to read it."""
        parser.add_argument("path", type=Path)
        parser.add_argument(
            "--decimal", choices=["point", "comma"], help="decimal mark of the file's numbers"
        )
        parser.add_argument("--dry-run", action="store_true", help="check the file, write nothing")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import and say what came of it."""
        path: Path = options["path"]
        if not path.is_file():
            raise CommandError(f"{path} is not a file.")
        style = NumberStyle(options["decimal"].upper()) if options["decimal"] else None
        report = import_quotas(
            path=path, name=path.name, scope=Scope.system("quotas imported on the command line"), style=style,
            dry_run=options["dry_run"],
        )  # fmt: skip
        if options["json"]:
            self.stdout.write(json.dumps(asdict(report), default=str, ensure_ascii=False))
        else:
            for problem in report.problems:
                self.stderr.write(
                    f"row {problem.row}, {problem.column}: {problem.value!r} {problem.message}. {problem.cure}"
                )
            verb = "would be written" if options["dry_run"] else "new or different"
            self.stdout.write(f"{report.rows} rows, {report.cells} quotas, {report.changed} {verb}")
        if report.problems:
            raise SystemExit(1)
