"""On whose behalf statements run: a viewer, the system, or nobody yet.

Nobody yet is the start of every thread and request of a web server: walled tables then raise an error. A request
that reads is its viewer. The system is said aloud, with a reason: by a program for all it does (`this_program_is`),
or for a stretch of code (`system`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, _GeneratorContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction


@dataclass(frozen=True)
class Reach:
    """What PostgreSQL is told. `unwalled`: no policy applies. Otherwise deals of `people`, with `won` all won deals
    too, with `everything` all deals; with `past` also the present of deals whose past is read; the whole of `opened`
    deals; and what is walled by capability as far as one `may`.

    `people` None: nobody has said who asks, so a walled table raises an error.
    """

    unwalled: bool = False
    people: frozenset[int] | None = None
    won: bool = False
    everything: bool = False
    may: frozenset[str] = frozenset()
    opened: frozenset[int] = frozenset()
    past: bool = False


SYSTEM = Reach(unwalled=True)
UNSAID = Reach()

_reach: ContextVar[Callable[[], Reach] | None] = ContextVar("wall_reach", default=None)
_program: list[str] = []


def this_program_is(reason: str) -> None:
    """Everything this process does outside a request is the system's: commands, workers, tests. Never a web server."""
    if not reason:
        raise ValueError("Acting as the system needs a reason.")
    _program.append(reason)


@contextmanager
def on_behalf_of(reach: Callable[[], Reach]) -> Iterator[None]:
    """Statements inside see what `reach` says. It is asked at the first of them; what it reads itself, it reads as
    `nobody`."""
    known: list[Reach] = []

    def answer() -> Reach:
        if not known:
            with nobody():
                known.append(reach())
        return known[0]

    with _set(answer):
        yield


def nobody() -> AbstractContextManager[None]:
    """Statements inside read unwalled tables only, such as those that tell who asks."""
    return _set(lambda: UNSAID)


def system(reason: str) -> _GeneratorContextManager[None]:
    """Statements inside are the system's, whoever asked; `reason` says why that is right."""
    if not reason:
        raise ValueError("Acting as the system needs a reason.")
    return _set(lambda: SYSTEM)


def past() -> AbstractContextManager[None]:
    """For a statement about the past: the version, which stays walled, says who may read it, and the deal's current
    row, joined to it, may be somebody else's by now."""
    return _also(past=True)


def opened(deal_ids: Iterable[int]) -> AbstractContextManager[None]:
    """Inside, the whole of these deals is read: history, lines and splits, whoever owned them then. Only for deals the
    application found visible, at whichever instant was asked about."""
    return _also(opened=frozenset(deal_ids))


def _also(**more: Any) -> AbstractContextManager[None]:
    before = _reach.get() or _unsaid
    return _set(lambda: replace(before(), **more))


@contextmanager
def saving() -> Iterator[None]:
    """A service's transaction: it checks what it is asked to change, and what it writes and reads is the system's."""
    with system("a service checks what it is asked to change"), transaction.atomic():
        yield


@contextmanager
def _set(answer: Callable[[], Reach]) -> Iterator[None]:
    token = _reach.set(answer)
    try:
        yield
    finally:
        _reach.reset(token)


def current() -> Reach:
    """On whose behalf the next statement runs."""
    return (_reach.get() or _unsaid)()


def _unsaid() -> Reach:
    return SYSTEM if _program else UNSAID
