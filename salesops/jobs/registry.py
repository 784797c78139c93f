"""Which code does which kind of job, and what runs how often. Declared by decorators in each app's `tasks.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from salesops.jobs.context import JobContext

Handler = Callable[["JobContext"], Any]


class UnknownKindError(LookupError):
    """No handler is declared for this kind of job."""


@dataclass(frozen=True)
class Periodic:
    """A short function to be run every so many seconds, by one process at a time. Long work enqueues a job."""

    name: str
    seconds: float
    run: Callable[[], Any]


_handlers: dict[str, Handler] = {}
_names: dict[str, StrOrPromise] = {}
_periodics: dict[str, Periodic] = {}


def job_handler(kind: str, name: StrOrPromise = "") -> Callable[[Handler], Handler]:
    """Declares the function that does jobs of this kind, which people call `name`.

    It receives a `JobContext`; what it returns (JSON values) becomes the job's result. It may be run more than once
    for the same job, so every lasting effect belongs inside `context.step(…)`.
    """

    def declare(function: Handler) -> Handler:
        _refuse_second(_handlers.get(kind), function, f"job kind {kind!r}")
        _handlers[kind] = function
        if name:
            _names[kind] = name
        return function

    return declare


def periodic(
    name: str, *, seconds: float, title: StrOrPromise = ""
) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Declares a function without arguments to be run every `seconds`, never twice at the same time; people call it
    `title`."""

    def declare(function: Callable[[], Any]) -> Callable[[], Any]:
        former = _periodics.get(name)
        _refuse_second(former.run if former else None, function, f"periodic task {name!r}")
        _periodics[name] = Periodic(name, seconds, function)
        if title:
            _names[name] = title
        return function

    return declare


def handler_for(kind: str) -> Handler:
    """The function for a kind of job; UnknownKindError when none is declared."""
    discover()
    try:
        return _handlers[kind]
    except KeyError:
        raise UnknownKindError(f"no handler is declared for jobs of kind {kind!r}") from None


def name_of(kind: str) -> str:
    """What people call a kind of job or a periodic task; the kind itself where nobody said."""
    discover()
    return str(_names.get(kind, kind))


def kinds() -> list[str]:
    """All declared kinds of job."""
    discover()
    return sorted(_handlers)


def periodics() -> list[Periodic]:
    """All declared periodic tasks, by name."""
    discover()
    return [_periodics[name] for name in sorted(_periodics)]


@cache
def discover() -> None:
    """Imports every app's `tasks` module once, so that all declarations are known."""
    autodiscover_modules("tasks")


def _refuse_second(former: Callable[..., Any] | None, new: Callable[..., Any], what: str) -> None:
    same = former is None or (former.__module__, former.__qualname__) == (new.__module__, new.__qualname__)
    if not same:
        raise ValueError(f"{what} is declared twice: {former.__module__} and {new.__module__}")  # type: ignore[union-attr]
