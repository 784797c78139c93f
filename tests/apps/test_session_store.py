"""A session that was ended and a database that went away are two different things."""

from __future__ import annotations

import psycopg2
import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError, connection

from salesops.sessions import SessionStore

pytestmark = pytest.mark.django_db(transaction=True)


def _kept() -> SessionStore:
    session = SessionStore()
    session["said"] = "first"
    session.save()
    return session


def test_a_database_that_goes_away_while_a_session_is_saved_is_said_to_be_away():
    session = _kept()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    other = psycopg2.connect(**connection.get_connection_params())
    with other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()
    session["said"] = "second"
    try:
        with pytest.raises(OperationalError):
            session.save()
    finally:
        connection.close()
    assert SessionStore(session.session_key)["said"] == "first"


def test_a_session_that_somebody_ended_meanwhile_stays_ended():
    session = _kept()
    SessionStore(session.session_key).delete()
    session["said"] = "second"
    with pytest.raises(UpdateError):
        session.save()
    assert not SessionStore().exists(session.session_key or "")
