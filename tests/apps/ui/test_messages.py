"""German is complete for the shell, and what is compiled is what is written."""

import io
import re
from gettext import GNUTranslations
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import pytest
from django.conf import settings
from django.utils import translation

from salesops.ui import messages

ROOT = Path(settings.BASE_DIR)
GERMAN = messages.catalogues(ROOT, "de")
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


@pytest.mark.parametrize("path", GERMAN, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_compiled_file_is_current(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as file:
        kept = texts_of(file)
    assert kept == texts_of(io.BytesIO(messages.compiled(path, "de"))), "run manage.py translations --compile"


def test_a_text_stands_in_the_catalogue_of_the_only_app_that_says_it() -> None:
    texts = {path: {(m.id, m.context) for m in messages.read(path, "de") if m.id} for path in GERMAN}
    for path, catalog in messages.merged(messages.extracted(ROOT), ROOT, "de").items():
        assert texts[path] == {(m.id, m.context) for m in catalog if m.id}, "run manage.py translations"
    imports = texts[ROOT / "opportunities" / "locale" / "de" / "LC_MESSAGES" / "django.po"]
    assert ("Give every record a name or an identity.", None) in imports
    assert not imports & texts[GERMAN[0]]


def test_every_text_of_the_shell_is_in_german() -> None:
    german = messages.read(GERMAN[0], "de")
    wanted = [
        m for m in messages.extracted(ROOT) if m.id and any(name.startswith(SHELL) for name, _ in m.locations)
    ]
    assert len(wanted) > 100
    absent = [
        m.id
        for m in wanted
        if (own := german.get(m.id, m.context)) is None or not all(messages._strings(own.string))
    ]
    assert absent == []


def test_translations_keep_their_placeholders() -> None:
    for message in chain.from_iterable(messages.read(path, "de") for path in GERMAN):
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
