"""Questions whose SQL is kept: the answer is read each time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from opportunities.models import Stage
from opportunities.selectors import process_names, rule_book
from opportunities.selectors.processes import _STAGES
from organization.models import Company
from organization.selectors import company, memo, rate_book
from organization.selectors.memo import remembered
from tests.factories.opportunities import make_process
from tests.factories.organization import make_company

pytestmark = pytest.mark.django_db


def test_a_change_is_seen_at_once() -> None:
    make_company()
    make_process()
    assert company().time_zone
    before = rule_book()
    Company.objects.update(name="Renamed")
    Stage.objects.filter(name="Qualify").update(name="Qualified", probability=Decimal("12.5"))
    after = rule_book()
    assert company().name == "Renamed"
    assert "Qualified" not in {stage.name for stage in before.stages.values()}
    assert {s.probability for s in after.stages.values() if s.name == "Qualified"} == {Decimal("12.5")}
    assert list(process_names().values())


def test_the_answer_is_that_of_the_queryset() -> None:
    make_process()
    rows: Any = Stage.objects.order_by("process_id", "position", "id").values_list(
        "id", "process_id", "name", "position", "status", "category", "probability", "is_active"
    )
    assert _STAGES.rows() == list(rows)


def test_rates_are_read_once_for_a_request() -> None:
    make_company()
    token = memo.begin()
    try:
        remembered("company", company)
        with CaptureQueriesContext(connection) as asked:
            rate_book()
            rate_book(company().date_of(company().start_of(rate_book().as_of_date)))
    finally:
        memo.end(token)
    assert len(asked) == 1
