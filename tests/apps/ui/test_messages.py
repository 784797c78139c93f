"""German is complete for the shell, and what is compiled is what is written."""

import io
import re
from gettext import GNUTranslations
from pathlib import Path
from typing import BinaryIO

from babel.messages.pofile import read_po
from django.conf import settings
from django.utils import translation

from salesops.ui import messages

PO = Path(settings.BASE_DIR) / "locale" / "de" / "LC_MESSAGES" / "django.po"
SHELL = (
    "templates/cotton/",
    "templates/shell/",
    "templates/base",
    "templates/account/",
    "templates/4",
    "templates/5",
    "salesops/ui/",
)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def texts_of(file: BinaryIO) -> dict[object, str]:
    """What gettext reads, without the header."""
    return {key: value for key, value in GNUTranslations(file)._catalog.items() if key != ""}  # type: ignore[attr-defined]


def test_the_compiled_file_is_current() -> None:
    with PO.with_suffix(".mo").open("rb") as file:
        kept = texts_of(file)
    assert kept == texts_of(io.BytesIO(messages.compiled(PO, "de"))), "run manage.py translations --compile"


def test_every_text_of_the_shell_is_in_german() -> None:
    with PO.open("rb") as file:
        german = read_po(file, locale="de")
    wanted = [
        m
        for m in messages.extracted(Path(settings.BASE_DIR))
        if m.id and any(name.startswith(SHELL) for name, _ in m.locations)
    ]
    assert len(wanted) > 100
    absent = [
        m.id
        for m in wanted
        if (own := german.get(m.id, m.context)) is None or not all(messages._strings(own.string))
    ]
    assert absent == []


def test_translations_keep_their_placeholders() -> None:
    with PO.open("rb") as file:
        german = read_po(file, locale="de")
    for message in german:
        if not message.id or not message.string:
            continue
        original = message.id[1] if isinstance(message.id, tuple) else message.id
        for text in messages._strings(message.string)[-1:]:
            if text:
                assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(original)), original


def test_plurals_and_contexts_work_at_run_time() -> None:
    with translation.override("de"):
        assert translation.ngettext("%(n)s day", "%(n)s days", 2) % {"n": 2} == "2 Tage"
        assert translation.pgettext("key", "open") == "öffnen"
