"""``manage.py translations``: collect messages, merge them into the catalogues, compile them."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from salesops.ui import messages


class Command(BaseCommand):
    """Brings every ``locale/`` up to date; no program besides Python is needed."""

    help = "Collect translatable texts, merge them into locale/ and compile. --compile only compiles."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--compile`` and ``--missing``."""
        parser.add_argument("--compile", action="store_true", help="Only compile what locale/ holds.")
        parser.add_argument("--missing", action="store_true", help="List the texts without a translation.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes .po and .mo for every language but English."""
        root = Path(settings.BASE_DIR)
        template = None if options["compile"] or options["missing"] else messages.extracted(root)
        for language, _name in settings.LANGUAGES:
            if language == "en":
                continue
            if template is not None:
                for path, catalog in messages.merged(template, root, language).items():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(messages.written(catalog))
            without = []
            for path in messages.catalogues(root, language):
                without += messages.missing(path, language)
                if not options["missing"]:
                    path.with_suffix(".mo").write_bytes(messages.compiled(path, language))
            if options["missing"]:
                self.stdout.write("\n".join(without))
            else:
                self.stdout.write(f"{language}: {len(without)} texts without a translation")
