"""Ctrl K finds territories and fiscal quarters, and leads to their forecast."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from organization.models import User
from organization.selectors import now_date, periods
from tests.apps.forecasting.conftest import Company
from tests.factories.organization import make_territory, signed_in

pytestmark = pytest.mark.django_db


def found(user: User, query: str, group: str) -> list[dict[str, Any]]:
    cache.clear()
    items = signed_in(user).get("/palette", {"q": query}).json()["items"]
    return [item for item in items if item["group"] == group]


def test_a_territory_leads_to_its_forecast_or_to_its_set_up(company: Company) -> None:
    south = make_territory("Southern Europe")
    italy = make_territory("Italy", parent=south)
    (item,) = found(company.manager, "ital", "Territories")
    assert (item["label"], item["hint"]) == ("Italy", "Southern Europe")
    page = signed_in(company.manager).get(item["url"])
    assert (page.context["question"].tree, page.context["question"].top) == ("territories", italy.pk)
    (item,) = found(company.admin, "ital", "Territories")
    assert signed_in(company.admin).get(item["url"]).status_code == 200
    assert item["url"] == f"/setup/territories/{italy.pk}"
    nobody = User.objects.create_user("nobody@example.com")
    assert not found(nobody, "ital", "Territories"), "who has no role sees none"


@pytest.mark.parametrize("query", ["FY27 Q3", "fy27-q3", "fy27q3", "Q3 fy27"])
def test_a_quarter_leads_to_its_forecast(company: Company, query: str) -> None:
    (item,) = found(company.rep, query, "Periods")
    assert (item["label"], item["hint"]) == ("FY27-Q3", "1 Aug 2026 – 31 Oct 2026")
    assert signed_in(company.rep).get(item["url"]).context["question"].period.name == "FY27-Q3"
    assert not found(company.admin, query, "Periods"), "administrators read no forecast"


def test_of_many_quarters_those_near_today(company: Company) -> None:
    assert [item["label"] for item in found(company.manager, "q1", "Periods")] == [
        "FY27-Q1", "FY28-Q1", "FY26-Q1", "FY29-Q1", "FY25-Q1", "FY30-Q1",
    ]  # fmt: skip


def test_the_present_quarter_comes_first(company: Company) -> None:
    today = now_date()
    (present,) = [p.name for p in periods("QUARTER") if p.from_date <= today <= p.last_date]
    assert found(company.manager, present[:4], "Periods")[0]["label"] == present
