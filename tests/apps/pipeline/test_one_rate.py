"""Lists, figures and forecast value a deal by one rule, also where the fiscal calendar has no month for it."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from forecasting.selectors.valuation import valuation
from opportunities.domain.listing import DealQuery
from opportunities.selectors import deals
from opportunities.selectors.listing import Valuation
from organization.domain.scope import Scope
from organization.selectors import periods
from pipeline.domain.figures import FigureQuery
from pipeline.selectors import figures
from tests.factories.organization import make_company, make_person
from tests.factories.pipeline import deal

pytestmark = pytest.mark.django_db
SYSTEM = Scope.system("test")
BEGIN = dt.datetime(2023, 1, 2, 9, tzinfo=dt.UTC)
LAST = dt.date(2026, 1, 31)
"""The calendar's last day: nobody has added a year since."""
DAYS = (
    None, dt.date(2020, 5, 5), dt.date(2023, 1, 31), dt.date(2023, 2, 1), dt.date(2025, 12, 31), LAST,
    LAST + dt.timedelta(days=1), dt.date(2026, 12, 15), dt.date(2031, 3, 3),
)  # fmt: skip
INSTANTS = (None, dt.datetime(2026, 8, 1, tzinfo=dt.UTC), dt.datetime(2026, 1, 20, tzinfo=dt.UTC), BEGIN)


@pytest.fixture(autouse=True)
def _company() -> None:
    """A rate for each half-year, on days that begin no month."""
    halves = [dt.date(year, month, 10) for year in range(2020, 2027) for month in (1, 7)]
    rates = tuple(("EUR", day, Decimal(100 + n) / 100) for n, day in enumerate(halves))
    make_company(first_year=2023, last_year=2025, rates=rates)


@pytest.mark.parametrize("at", INSTANTS)
def test_lists_and_figures_agree_on_every_close_date(at: dt.datetime | None) -> None:
    owner = make_person("Ann")
    for day in DAYS:
        deal(BEGIN, name=f"D {day}", owner=owner, currency_id="EUR", amount=Decimal(100), close_date=day)
    listed = deals(SYSTEM, DealQuery(size=0), at)
    asked = figures(SYSTEM, FigureQuery(("amount",), at=at))
    assert asked.sums["amount"] == listed.converted == sum(row.converted or 0 for row in listed.rows)
    by_day = {row.close_date: row.converted for row in listed.rows}
    undated = by_day[None]
    for day in (dt.date(2020, 5, 5), LAST + dt.timedelta(days=1), dt.date(2031, 3, 3)):
        assert by_day[day] == undated, "outside the calendar: the rate of the as-of day"
    for day in DAYS[1:]:
        one = figures(SYSTEM, FigureQuery(("amount",), period=str(day), at=at))
        assert one.sums["amount"] == by_day[day], day


@pytest.mark.parametrize("at", INSTANTS)
def test_the_forecast_values_as_the_lists_do(at: dt.datetime | None) -> None:
    listed = Valuation.at(at)
    forecast = valuation("USD", periods("MONTH"), at or timezone.now())
    for day in DAYS:
        assert forecast.factor_on("EUR", day) == listed.of(Decimal(1), "EUR", day), day
