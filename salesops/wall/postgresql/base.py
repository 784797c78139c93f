"""Django's PostgreSQL engine that tells the server on whose behalf each statement runs.

Before a statement, what the connection was last told is compared with what holds now, so a connection that is kept,
pooled or shared by threads never carries one viewer's reach to another. A rollback may undo what was told inside the
transaction, so after it the connection is told again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.backends.postgresql import base

from salesops.wall.context import SYSTEM, Reach, current
from salesops.wall.policies import OVERSEER, VIEWER, absent_roles
from salesops.wall.postgresql.idle import idle

_SETTINGS = ("role", "salesops.people", "salesops.won", "salesops.may", "salesops.opened", "salesops.past")
_TELL = "SELECT " + ", ".join(f"set_config('{name}', %s, false)" for name in _SETTINGS)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that knows what it told the server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told: Reach | None = None
        self._target = ""
        self._has_wall: bool | None = None
        self.is_reused = False
        self.execute_wrappers.append(self._tell_first)

    def init_connection_state(self) -> None:
        """A new connection has been told nothing: it is the login's, as the system is."""
        super().init_connection_state()
        self._told = SYSTEM

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """One that a former request left open, if there is one; it remembers nothing of that request."""
        self._target = repr(sorted(conn_params.items(), key=lambda part: part[0]))
        kept = idle.take(self._target)
        self.is_reused = kept is not None
        self._has_wall = None if kept is None else kept.has_wall
        return super().get_new_connection(conn_params) if kept is None else kept.connection

    def _close(self) -> None:
        if self.connection is not None:
            with self.wrap_database_errors:
                idle.give(self._target, self.connection, self._has_wall)

    def _rollback(self) -> None:
        super()._rollback()  # type: ignore[misc]  # the stubs leave it out
        self._told = None

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]  # the stubs leave it out
        self._told = None

    def _tell_first(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if str(sql).startswith("SET TRANSACTION"):  # it must come first; what follows it is told
            return execute(sql, params, many, context)
        reach = current()
        # `current` may itself have read, and told the connection something else: compare only now.
        if reach != self._told and not self.needs_rollback:
            self._tell(reach)
        return execute(sql, params, many, context)

    def _tell(self, reach: Reach) -> None:
        with self.wrap_database_errors, self.connection.cursor() as cursor:
            if self._has_wall is None and not reach.unwalled:
                self._has_wall = not absent_roles(cursor)
            if self._has_wall:
                cursor.execute(_TELL, _values(reach))
        self._told = reach


def _values(reach: Reach) -> list[str]:
    """What each setting is told. Nobody is told nothing, which no policy can compare with: an error."""
    if reach.unwalled:
        return ["none", "", "", "", "", ""]
    role = OVERSEER if reach.everything else VIEWER
    if reach.people is None:
        return [role, "", "", "", "", ""]
    return [
        role, _array(reach.people), _flag(reach.won), _array(reach.may), _array(reach.opened), _flag(reach.past),
    ]  # fmt: skip


def _array(values: Iterable[object]) -> str:
    return "{" + ",".join(sorted(map(str, values))) + "}"


def _flag(value: bool) -> str:
    return "on" if value else ""
