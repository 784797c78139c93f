"""Settings read once per request: a page asks for the company many times, the database answers once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Result = TypeVar("Result")

_memo: ContextVar[dict[Any, Any] | None] = ContextVar("organization_memo", default=None)


def begin() -> Any:
    """Start remembering, for the request at hand; returns what `end` wants."""
    return _memo.set({})


def end(token: Any) -> None:
    """Forget. Nothing is remembered between requests, nor in jobs and commands but where they hold one moment."""
    _memo.reset(token)


@contextmanager
def held() -> Iterator[None]:
    """Remember while a block reads what is of one moment, where no request does so already."""
    if _memo.get() is not None:
        yield
        return
    token = begin()
    try:
        yield
    finally:
        end(token)


def forget() -> None:
    """Drop what is remembered, after a change of settings within the request."""
    remembered = _memo.get()
    if remembered is not None:
        remembered.clear()


def remembered(key: Any, read: Callable[[], Result]) -> Result:
    """The remembered answer, or a fresh one."""
    memory = _memo.get()
    if memory is None:
        return read()
    if key not in memory:
        memory[key] = read()
    result: Result = memory[key]
    return result
