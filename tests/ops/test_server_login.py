"""The servers' own login does everything that needs rows, and nothing that guards them is its to change."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from opportunities.models import Opportunity
from organization.models import Person, User
from salesops.audit.models import AuditEvent
from salesops.audit.services import seal_events
from salesops.operations import diagnosis
from salesops.wall import context, policies
from tests.factories.opportunities import make_deal
from tests.factories.organization import make_company, make_rep, signed_in
from tests.stories.small_imports import deals, imported, undone

ROOT = Path(__file__).resolve().parents[2]
LOGIN = f"salesops_login_{os.getpid()}"
RECIPE = (ROOT / "docker" / "server-login.sh").read_text(encoding="utf-8")
pytestmark = pytest.mark.django_db
AsServer = Callable[[], AbstractContextManager[None]]


def _say(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def as_server() -> AsServer:
    """`with as_server():` statements are those of a login made as docker/server-login.sh makes it."""
    made = re.findall(r"^((?:CREATE ROLE|GRANT) .*;)$", RECIPE, re.MULTILINE)
    assert len(made) == 2
    for statement in made:
        _say(statement.replace("salesops_login", LOGIN).replace(":'password'", "'none'"))

    @contextmanager
    def acting() -> Iterator[None]:
        _say(f"SET SESSION AUTHORIZATION {LOGIN}")
        try:
            yield
        finally:
            _say("RESET SESSION AUTHORIZATION")

    return acting


@pytest.fixture
def ben() -> User:
    make_company()
    user: User = make_rep("Ben")[1]
    make_deal(Person.objects.get(user=user), name="Deal of Ben", amount=100)
    make_deal(make_rep("Charlie")[0], name="Deal of Charlie", amount=100)
    return user


def test_pages_show_and_save_behind_the_wall(as_server: AsServer, ben: User) -> None:
    row, client = Opportunity.objects.get(name="Deal of Ben"), signed_in(ben)
    with as_server():
        assert policies.absent_roles(connection.cursor()) == []
        assert diagnosis._wall().state == "ok"
        listed = client.get("/deals/").content.decode()
        saved = client.post(
            f"/deals/{row.pk}/edit", {"field": "next_step", "value": "Call", "version": row.version}
        )
        assert client.get("/forecast/").status_code == 200
        with context.on_behalf_of(lambda: context.Reach(people=frozenset({row.owner_id}))):
            assert set(Opportunity.objects.values_list("name", flat=True)) == {"Deal of Ben"}
    assert "Deal of Ben" in listed
    assert "Deal of Charlie" not in listed
    assert saved.status_code == 200
    assert Opportunity.objects.get(pk=row.pk).next_step == "Call"


def test_imports_are_applied_and_undone_and_events_sealed(as_server: AsServer, tmp_path: Path) -> None:
    make_company()
    notices = connection.connection.notices
    notices.clear()
    with as_server():
        batch = imported(tmp_path, deals("D-1,Press,Northwind,Ann Lee,Verbal OK,100,2026-03-01"))
        assert Opportunity.objects.get(external_id="D-1").name == "Press"
        undone(batch)
        assert seal_events() > 0
    assert not [line for line in notices if "permission" in line], "statistics are worked out as by the owner"


GUARDED = (
    "ALTER TABLE audit_auditevent DISABLE TRIGGER ALL",
    "ALTER TABLE opportunities_opportunityversion DISABLE TRIGGER USER",
    "ALTER TABLE opportunities_opportunity DISABLE ROW LEVEL SECURITY",
    "DROP POLICY salesops_viewer ON opportunities_opportunity",
    "ALTER ROLE salesops_viewer BYPASSRLS",
    "DROP TABLE audit_auditseal",
    "TRUNCATE audit_auditevent",
    "UPDATE audit_auditevent SET label = ''",
    "DELETE FROM opportunities_opportunityversion",
    "CREATE TABLE planted (id int)",
    "CREATE FUNCTION planted() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SET session_replication_role = replica",
    "SELECT rolpassword FROM pg_authid",
)
"""What would take a guard away, or reach beyond the product's rows."""


@pytest.mark.parametrize("statement", GUARDED)
def test_what_guards_the_rows_is_not_its_to_change(as_server: AsServer, ben: User, statement: str) -> None:
    assert AuditEvent.objects.exists()
    with (
        as_server(),
        pytest.raises(DatabaseError, match=r"permission|must be owner|append-only|refused|owner"),
        transaction.atomic(),
    ):
        _say(statement)


def test_a_statement_injected_into_a_request_gets_rows_but_none_of_the_guards(
    as_server: AsServer, ben: User
) -> None:
    """What docs/security.md says of it: the role can be stepped out of, into the login, and no further up."""
    reach = context.Reach(people=frozenset())
    with as_server():
        (owner,) = _column("SELECT tableowner FROM pg_tables WHERE tablename = 'opportunities_opportunity'")
        with context.on_behalf_of(lambda: reach):
            assert _column("SELECT name FROM opportunities_opportunity") == set()
            _say("RESET ROLE")
            assert _column("SELECT name FROM opportunities_opportunity") == {"Deal of Ben", "Deal of Charlie"}
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                _say(f'SET ROLE "{owner}"')
            with context.on_behalf_of(lambda: context.Reach(people=frozenset({1}))):
                assert _column("SELECT name FROM opportunities_opportunity") == set(), "told anew"


def _column(statement: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {row[0] for row in cursor.fetchall()}
