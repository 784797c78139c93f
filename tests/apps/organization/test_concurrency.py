"""Two people reorganise at once: together their moves would be a circle, so the second is refused."""

import datetime as dt
import threading

import pytest
from django.db import connection, connections, transaction

from organization.models import Person, PersonClosure, ReportingLine
from organization.services import OrganizationError, set_manager
from tests.factories.organization import TEST

DAY = dt.date(2026, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_crossing_moves_cannot_make_a_circle() -> None:
    a, b = Person.objects.create(name="A"), Person.objects.create(name="B")
    refused: list[str] = []
    started = threading.Event()

    def second() -> None:
        try:
            started.set()
            set_manager(person_id=b.pk, manager_id=a.pk, from_date=DAY, scope=TEST)
        except OrganizationError as error:
            refused.append(error.message)
        finally:
            connections.close_all()

    other = threading.Thread(target=second)
    with transaction.atomic():
        set_manager(person_id=a.pk, manager_id=b.pk, from_date=DAY, scope=TEST)
        other.start()
        started.wait(5)
        other.join(0.5)
        assert other.is_alive(), "the second move waits for the first"
    other.join(10)
    assert "to themselves" in refused[0]
    assert ReportingLine.objects.count() == 1
    assert PersonClosure.objects.filter(ancestor=b, descendant=a, depth=1).exists()
    assert connection.vendor == "postgresql"
