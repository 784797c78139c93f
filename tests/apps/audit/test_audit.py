"""The audit trail cannot be changed quietly: the database refuses, and the chain of hashes tells."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import DatabaseError

from salesops.audit.models import AuditEvent, AuditSeal
from salesops.audit.record import Act, record, record_many
from salesops.audit.selectors import EventFacts, EventQuery, chain_faults, events, facts_of
from salesops.audit.services import seal_events

pytestmark = pytest.mark.django_db


def _record(label: str = "Deal", **fields) -> None:
    values = {
        "actor_id": 1,
        "actor_name": "Ada",
        "verb": "UPDATE",
        "object_type": "deal",
        "object_id": 7,
        **fields,
    }
    record(label=label, **values)


def test_values_are_kept_as_text_and_shown_side_by_side() -> None:
    _record(before={"amount": Decimal("1.10"), "name": "A"}, after={"amount": Decimal("1.20"), "name": "A",
                                                                   "close": dt.date(2026, 2, 1)})  # fmt: skip
    facts = facts_of(AuditEvent.objects.get())
    assert [(d.name, d.before, d.after) for d in facts.differences] == [
        ("amount", "1.10", "1.20"), ("close", None, "2026-02-01"),
    ]  # fmt: skip
    assert facts.act == "changed deal"


@pytest.mark.parametrize("act", ["update", "delete"])
def test_the_database_refuses_changes(act: str) -> None:
    _record()
    rows = AuditEvent.objects.all()
    change = (lambda: rows.update(label="Other")) if act == "update" else rows.delete
    with pytest.raises((DatabaseError, InternalError), match="insert-only"), transaction.atomic():
        change()


def test_a_later_change_shows_in_the_chain() -> None:
    record_many(
        actor_id=None, actor_name="system", acts=[Act("CREATE", "deal", i, f"Deal {i}") for i in range(3)]
    )
    assert seal_events() == 3
    assert seal_events() == 0
    _record("Later")
    assert seal_events() == 1
    assert AuditSeal.objects.count() == 2
    assert chain_faults() == []
    middle = AuditEvent.objects.order_by("id")[1].pk
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER audit_event_insert_only")
        cursor.execute("UPDATE audit_auditevent SET label = 'Forged' WHERE id = %s", [middle])
        cursor.execute("ALTER TABLE audit_auditevent ENABLE TRIGGER audit_event_insert_only")
    assert [fault for fault in chain_faults() if "was changed" in fault]


def test_a_removed_event_shows_in_the_chain() -> None:
    _record("One"), _record("Two")
    seal_events()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER audit_event_insert_only")
        cursor.execute("DELETE FROM audit_auditevent WHERE label = 'One'")
        cursor.execute("ALTER TABLE audit_auditevent ENABLE TRIGGER audit_event_insert_only")
    assert "2 were sealed, 1 are there" in chain_faults()[0]


def test_filters() -> None:
    _record("Acme"), _record("Globex", actor_name="Bob", object_type="quota")
    assert [e.label for e in events(EventQuery(actor="bo"))] == ["Globex"]
    assert [e.label for e in events(EventQuery(text="acm"))] == ["Acme"]
    assert [e.label for e in events(EventQuery(object_types=frozenset({"quota"})))] == ["Globex"]
    assert [e.label for e in events(EventQuery(text="#7"))] == ["Globex", "Acme"]
    assert not events(EventQuery(text="77"))
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert not events(EventQuery(from_at=tomorrow))


def test_values_have_the_names_people_use() -> None:
    _record(before={"close_date": "2026-01-01", "manager_id": 4, "owner_id": 1},
            after={"close_date": "2026-02-01", "manager": "Ben", "manager_id": 5, "owner_id": 2})  # fmt: skip
    facts = facts_of(AuditEvent.objects.get())
    assert {d.words: d.after for d in facts.differences} == {
        "close date": "2026-02-01", "owner": 2, "manager": "Ben",
    }  # fmt: skip


def test_a_sign_in_is_said_in_words() -> None:
    at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    facts = EventFacts(1, at, None, "Ada", "SIGN_IN", "session", "", "Ada")
    assert facts.act == "signed in"
