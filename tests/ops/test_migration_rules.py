"""Migrations written from now on can run beside the servers of the version before: their SQL passes `squawk`."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

FIRST = {
    "audit": 2, "forecasting": 0, "jobs": 1, "opportunities": 8, "organization": 6, "pipeline": 6, "replies": 1,
    "territories": 1, "ui": 0,
}  # fmt: skip
"""The last migration of each app that came before anybody had data to protect."""
LEFT_OUT = ("prefer-robust-stmts", "require-lock-timeout", "require-statement-timeout")
"""Django remembers what it applied; `prepare` sets the lock timeout for all of them."""


def _complaints(sql: str) -> str:
    squawk = Path(sys.executable).with_name("squawk")
    command = [
        str(squawk),
        "--pg-version",
        "18.0",
        *(f"--exclude={rule}" for rule in LEFT_OUT),
        "--reporter",
        "gcc",
    ]
    done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def later(after: dict[str, int]) -> list[tuple[str, str]]:
    """Migrations newer than those."""
    loader = MigrationLoader(None)
    return sorted(
        (app, name)
        for app, name in loader.disk_migrations
        if app in after and int(name.split("_")[0]) > after[app]
    )


def test_every_app_with_migrations_is_looked_at() -> None:
    root = Path(__file__).resolve().parents[2]
    found = {path.parent.name for path in root.glob("*/migrations")} | {
        path.parent.name for path in root.glob("salesops/*/migrations")
    }
    assert found == set(FIRST)


@pytest.mark.django_db(transaction=True)  # an index built concurrently may not stand in a transaction
@pytest.mark.parametrize(("app", "name"), later(FIRST))
def test_a_migration_holds_nobody_up(app: str, name: str) -> None:
    out = io.StringIO()
    call_command("sqlmigrate", app, name, stdout=out, no_color=True)
    assert not _complaints(out.getvalue())


def test_what_would_hold_everybody_up_is_noticed() -> None:
    table = "opportunities_opportunity"
    for sql in (
        f"CREATE INDEX slow ON {table} (name);",
        f"ALTER TABLE {table} ADD COLUMN worth numeric NOT NULL;",
        f"ALTER TABLE {table} ALTER COLUMN name TYPE varchar(10);",
    ):
        assert _complaints(sql), sql
