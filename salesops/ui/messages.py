"""Collects, merges and compiles translations with Babel alone, so that no machine needs gettext's programs."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

KEYWORDS = {
    "_": None,
    "_lazy": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "Said": None,
}
REFUSALS = {"DealError": 1, "NotAllowedError": 1, "OrganizationError": 1, "QuotaError": 1}
"""Refusals carry their words in English, at this place; whoever shows one translates it."""
EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # same input, same bytes
SKIPPED = frozenset({".venv", "var", "tests", "migrations", "node_modules", "benchmarks", "launcher"})


_declared: dict[str, Callable[[], Iterable[str]]] = {}


def register(name: str, source: Callable[[], Iterable[str]]) -> None:
    """Adds texts that are written where gettext may not be imported (`domain`): `name` is the file they stand in."""
    _declared[name] = source


def _sources(root: Path) -> Iterator[tuple[str, str]]:
    """Relative name and Python-like text of every file that may hold messages."""
    for path in sorted(
        [*root.rglob("*.py"), *root.glob("templates/**/*.html"), *root.glob("templates/**/*.txt")]
    ):
        relative = path.relative_to(root)
        if SKIPPED.isdisjoint(relative.parts):
            text = path.read_text(encoding="utf-8")
            yield (
                str(relative),
                text if path.suffix == ".py" else _unindented(templatize(text, str(relative))),
            )


def _unindented(text: str) -> str:
    """Indentation of a template is no syntax; read as Python it would have to be consistent."""
    return "\n".join(line.lstrip() for line in text.split("\n"))


def _entries(text: str) -> Iterator[tuple[object, str | None]]:
    """(message id or (singular, plural), context) of each call in the text."""
    for _line, function, found, _comments in extract_python(
        io.BytesIO(text.encode()), KEYWORDS | dict.fromkeys(REFUSALS), [], {"encoding": "utf-8"}
    ):
        function = str(function)
        parts = list(found) if isinstance(found, tuple | list) else [found]
        context = parts.pop(0) if function.startswith(("pgettext", "npgettext")) else None
        parts = parts[REFUSALS.get(function, 0) :]
        ids = parts[:2] if function.startswith(("ngettext", "npgettext")) else parts[:1]
        if ids and all(isinstance(one, str) and one.strip() for one in ids):
            yield (tuple(ids) if len(ids) == 2 else ids[0]), context


def extracted(root: Path) -> Catalog:
    """Every message of the repository, with the files it stands in."""
    catalog = Catalog(project="SalesOps", charset="utf-8")
    for name, text in _sources(root):
        for message, context in _entries(text):
            catalog.add(message, locations=[(name, 0)], context=context)  # type: ignore[arg-type]
    for name, source in _declared.items():
        for text in source():
            catalog.add(text, locations=[(name, 0)])
    return catalog


def catalogues(root: Path, language: str) -> list[Path]:
    """Every `.po` of a language: the product's, and of each app that has a folder `locale` the app's own, in which the
    texts stand that no other part says. (Django reads them all.)
    """
    folders = [root / "locale", *sorted(root.glob("*/locale"))]
    return [folder / language / "LC_MESSAGES" / "django.po" for folder in folders]


def merged(template: Catalog, root: Path, language: str) -> dict[Path, Catalog]:
    """The language's catalogues brought up to the template: translations kept, in whichever they were; new messages
    empty, gone ones dropped.
    """
    paths = catalogues(root, language)
    apps = {path.relative_to(root).parts[0]: path for path in paths[1:]}
    known = {key: string for path in paths if path.exists() for key, string in _translated(path, language)}
    found = {path: Catalog(locale=language, project="SalesOps", charset="utf-8") for path in paths}
    for message in template:
        if message.id:
            tops = {Path(name).parts[0] for name, _line in message.locations}
            own = apps.get(tops.pop(), paths[0]) if len(tops) == 1 else paths[0]
            string = known.get((message.id, message.context))
            found[own].add(message.id, string, context=message.context)  # type: ignore[arg-type]
    return found


def read(path: Path, language: str) -> Catalog:
    """A catalogue as it stands."""
    with path.open("rb") as file:
        return read_po(file, locale=language)


def _translated(path: Path, language: str) -> Iterator[tuple[tuple[object, str | None], object]]:
    for message in read(path, language):
        if message.id and all(_strings(message.string)):
            yield (message.id, message.context), message.string


def written(catalog: Catalog) -> bytes:
    """The catalogue as a .po file without places and dates, so that changes read well, and without marks of
    placeholders, which a test compares.
    """
    for message in catalog:
        message.flags.discard("python-format")
    buffer = io.BytesIO()
    write_po(buffer, catalog, no_location=True, width=0, omit_header=True, sort_output=True)
    header = (
        'msgid ""\nmsgstr ""\n"Language: %s\\n"\n"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n"Plural-Forms: %s\\n"\n\n'
    )
    return (header % (catalog.locale_identifier, catalog.plural_forms)).encode() + buffer.getvalue().lstrip(
        b"\n"
    )


def compiled(path: Path, language: str) -> bytes:
    """The .mo file of a .po file."""
    catalog = read(path, language)
    catalog.creation_date = catalog.revision_date = EPOCH
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def missing(path: Path, language: str) -> list[str]:
    """Messages of the catalogue that have no translation yet."""
    return [
        str(message.id)
        for message in read(path, language)
        if message.id and not all(_strings(message.string))
    ]


def _strings(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (str(value or ""),)
