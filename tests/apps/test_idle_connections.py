"""Connections kept between requests carry nothing from one to the next, and none that is dead is handed out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from organization.selectors.calendar import periods
from salesops.wall.postgresql.idle import IdleConnections, idle
from tests.factories.organization import make_company

pytestmark = pytest.mark.django_db
TARGET = "here"


@pytest.fixture
def kept() -> Iterator[IdleConnections]:
    found = IdleConnections(limit=2)
    yield found
    found.close_all()


def opened() -> Any:
    connection.ensure_connection()
    return psycopg2.connect(**connection.get_connection_params())


def asked(held: Any, sql: str) -> Any:
    with held.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def process(held: Any) -> int:
    return int(asked(held, "SELECT pg_backend_pid()"))


def test_the_last_one_given_back_is_taken_again(kept: IdleConnections) -> None:
    held = opened()
    server = process(held)
    kept.give(TARGET, held, True)
    again = kept.take(TARGET)
    assert again is not None
    assert (process(again.connection), again.has_wall) == (server, True)
    assert kept.take(TARGET) is None
    again.connection.close()


def test_another_target_gets_none_of_them(kept: IdleConnections) -> None:
    kept.give(TARGET, opened(), None)
    assert kept.take("elsewhere") is None


def test_nothing_of_the_last_holder_stays(kept: IdleConnections) -> None:
    held = opened()
    held.autocommit = True
    asked(held, "SELECT set_config('salesops.people', '{1,2}', false)")
    asked(held, "SELECT pg_try_advisory_lock(77)")
    with held.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE left_over AS SELECT 1; SET ROLE pg_monitor")
    kept.give(TARGET, held, None)
    again = kept.take(TARGET)
    assert again is not None
    assert asked(again.connection, "SELECT coalesce(current_setting('salesops.people', true), '')") == ""
    assert asked(again.connection, "SELECT current_user = session_user")
    assert (
        asked(
            again.connection,
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
        )
        == 0
    )
    assert asked(again.connection, "SELECT to_regclass('left_over') IS NULL")
    again.connection.close()


def test_a_transaction_left_open_is_rolled_back(kept: IdleConnections) -> None:
    held = opened()
    asked(held, "SELECT 1 FROM set_config('salesops.won', 'on', true)")
    kept.give(TARGET, held, None)
    again = kept.take(TARGET)
    assert again is not None
    assert again.connection.get_transaction_status() == TRANSACTION_STATUS_IDLE
    again.connection.close()


def test_a_server_that_went_away_is_noticed_before_anybody_uses_it(kept: IdleConnections) -> None:
    first, second, killer = opened(), opened(), opened()
    killer.autocommit = True
    servers = [process(first), process(second)]
    first.rollback()
    second.rollback()
    kept.give(TARGET, first, None)
    kept.give(TARGET, second, None)
    for server in servers:
        asked(killer, f"SELECT pg_terminate_backend({server}, 5000)")
    killer.close()
    assert kept.take(TARGET) is None
    assert first.closed
    assert second.closed


def test_no_more_are_kept_than_wanted(kept: IdleConnections) -> None:
    held = [opened() for _ in range(3)]
    for one in held:
        kept.give(TARGET, one, None)
    assert [bool(one.closed) for one in held] == [True, False, False]


def test_old_ones_go_when_others_come_back(kept: IdleConnections, monkeypatch: pytest.MonkeyPatch) -> None:
    old, young = opened(), opened()
    kept.give(TARGET, old, None)
    monkeypatch.setattr("salesops.wall.postgresql.idle.LONGEST_IDLE", -1.0)
    kept.give(TARGET, young, None)
    assert old.closed


def test_closed_ones_are_not_kept(kept: IdleConnections) -> None:
    held = opened()
    held.close()
    kept.give(TARGET, held, None)
    assert kept.take(TARGET) is None


def test_a_program_without_a_limit_keeps_none() -> None:
    none, held = IdleConnections(), opened()
    none.give(TARGET, held, None)
    assert held.closed


def test_calendars_are_read_anew_behind_a_new_connection_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that took a connection kept since the last one read 770 periods again."""
    monkeypatch.setattr(idle, "limit", 1)
    make_company()

    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert periods("YEAR")
        return sum("organization_fiscalperiod" in question["sql"] for question in asked)

    def connect_another() -> None:
        other = connection.copy()
        other.connect()
        other.close()

    try:
        connect_another()
        assert questions() == 1
        connect_another()
        assert questions() == 0
        idle.close_all()
        connect_another()
        assert questions() == 1
    finally:
        idle.close_all()
