"""Reading settings from the environment: typed, documented, and loud when a value cannot be meant.

Every setting is declared where it is read (in `settings.py`), with its help text. The declarations are kept in
`Environment.declared`, from which `docs/configuration.md` is written, so that page cannot fall behind. Mistakes are
gathered and reported together, each with the value found and the cure.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True)
class Declaration:
    """One setting as the reference page shows it."""

    name: str
    kind: str
    default: str
    help: str
    group: str
    required_in_production: bool


class BadValue(ValueError):
    """A value that cannot be read; its text is the sentence shown to the administrator."""


@dataclass
class Environment:
    """Typed access to environment variables; `NAME_FILE` may name a file that holds the value (a secret)."""

    values: Mapping[str, str] = field(default_factory=lambda: os.environ)
    declared: list[Declaration] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    production: bool = False
    group: str = "General"

    def text(
        self, name: str, *, default: str = "", help: str, required: bool = False, shown: str | None = None
    ) -> str:
        """A string. `required` counts in production mode only; `shown` replaces the default on the page."""
        return self._read(name, "text", str, default, help, required, shown)

    def boolean(self, name: str, *, default: bool, help: str) -> bool:
        """A yes/no value: 1/0, true/false, yes/no, on/off."""
        return self._read(name, "yes/no", _parse_boolean, default, help, False, "yes" if default else "no")

    def integer(
        self, name: str, *, default: int, help: str, minimum: int = 0, maximum: int | None = None
    ) -> int:
        """A whole number within bounds."""

        def parse(raw: str) -> int:
            return _parse_integer(raw, minimum, maximum)

        return self._read(name, "whole number", parse, default, help, False, None)

    def words(self, name: str, *, default: list[str], help: str, shown: str | None = None) -> list[str]:
        """A comma-separated list."""

        def parse(raw: str) -> list[str]:
            return [word.strip() for word in raw.split(",") if word.strip()]

        return self._read(name, "list, comma-separated", parse, default, help, False, shown)

    def choice(self, name: str, options: tuple[str, ...], *, default: str, help: str) -> str:
        """One of a few words."""

        def parse(raw: str) -> str:
            if raw not in options:
                raise BadValue(f"must be one of {', '.join(options)}")
            return raw

        return self._read(name, " / ".join(options), parse, default, help, False, None)

    def url(
        self, name: str, schemes: tuple[str, ...], *, default: str = "", help: str, required: bool = False
    ) -> str:
        """An address with one of the given schemes."""

        def parse(raw: str) -> str:
            return _parse_url(raw, schemes)

        return self._read(name, f"URL ({', '.join(schemes)})", parse, default, help, required, None)

    def path(self, name: str, *, default: Path, help: str, shown: str) -> Path:
        """A folder or file; made absolute."""
        return self._read(
            name, "path", lambda raw: Path(raw).expanduser().resolve(), default, help, False, shown
        )

    def complain(self, sentence: str) -> None:
        """Notes a mistake; all are reported at once by `complaint`."""
        self.problems.append(sentence)

    def complaint(self) -> str:
        """All mistakes as one text, or the empty string."""
        if not self.problems:
            return ""
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        return f"the environment of SalesOps needs mending:\n{lines}\nAll settings: docs/configuration.md"

    def _read(
        self,
        name: str,
        kind: str,
        parse: Callable[[str], T],
        default: T,
        help: str,
        required: bool,
        shown: str | None,
    ) -> T:
        text_of_default = shown if shown is not None else _show(default)
        self.declared.append(Declaration(name, kind, text_of_default, help, self.group, required))
        raw = self._raw(name)
        if raw is None or raw == "":
            if required and self.production:
                self.complain(
                    f"{name} is missing. {help} (Production mode needs it; for a trial use `make run`.)"
                )
            return default
        try:
            return parse(raw)
        except BadValue as problem:
            self.complain(f"{name}={_excerpt(name, raw)} {problem}.")
            return default

    def _raw(self, name: str) -> str | None:
        file_name = self.values.get(f"{name}_FILE")
        if not file_name:
            value = self.values.get(name)
            return value.strip() if value is not None else None
        try:
            return Path(file_name).read_text(encoding="utf-8").strip()
        except OSError as problem:
            self.complain(f"{name}_FILE={file_name} cannot be read: {problem.strerror}.")
            return None


def _parse_boolean(raw: str) -> bool:
    word = raw.lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise BadValue("is neither yes nor no; write one of 1, true, yes, on or 0, false, no, off")
    return word in TRUE_WORDS


def _parse_integer(raw: str, minimum: int, maximum: int | None) -> int:
    if not raw.isascii() or not raw.removeprefix("-").isdigit():
        raise BadValue("is not a whole number")
    number = int(raw)
    if number < minimum or (maximum is not None and number > maximum):
        bounds = f"at least {minimum}" if maximum is None else f"between {minimum} and {maximum}"
        raise BadValue(f"must be {bounds}")
    return number


def _parse_url(raw: str, schemes: tuple[str, ...]) -> str:
    try:
        scheme = urlsplit(raw).scheme
    except ValueError as problem:
        raise BadValue(f"is not a URL ({problem})") from None
    if scheme not in schemes or "://" not in raw:
        raise BadValue(f"must start with one of {', '.join(s + '://' for s in schemes)}")
    return raw


def _excerpt(name: str, raw: str) -> str:
    """The value for an error message, or a mask where it may hold a secret."""
    secret = any(word in name for word in ("KEY", "SECRET", "TOKEN", "PASSWORD")) or "@" in raw
    return "(hidden)" if secret else repr(raw[:60])


def _show(default: Any) -> str:
    if isinstance(default, list):
        return ", ".join(default)
    return str(default)
