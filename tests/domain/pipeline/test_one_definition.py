"""The forecast page and the metric registry say the same of the same sums: one definition per figure."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.domain.columns import STRIP, TABLE, Column, Unit
from forecasting.domain.grid import Sums, value_of
from opportunities.domain.deal import Category
from pipeline.domain.aggregates import Aggregate, Measure, Population, Values
from pipeline.domain.metrics import REGISTRY

COLUMNS = {column.name: column for column in (*TABLE, *STRIP) if column.name != "change"}
money = st.decimals(min_value=0, max_value=10**9, places=2)


@pytest.mark.parametrize("column", COLUMNS.values(), ids=list(COLUMNS))
@given(amounts=st.lists(money, min_size=6, max_size=6), quota=st.none() | money)
def test_forecast_and_registry_agree(column: Column, amounts: list[Decimal], quota: Decimal | None) -> None:
    by_category = dict(zip(Category, amounts, strict=True))
    page = value_of(column, Sums({(category, 0): amount for category, amount in by_category.items()}), quota)
    populations = {Population(category.value.lower()): amount for category, amount in by_category.items()}
    numbers = {Aggregate(population, Measure.AMOUNT): amount for population, amount in populations.items()}
    metric = REGISTRY[column.metric]
    registry = metric.value(Values(numbers, quota))
    if column.unit is Unit.RATIO and page is not None:
        page *= 100
    if metric.digits is not None and page is not None:
        page = page.quantize(Decimal(1).scaleb(-metric.digits), rounding=ROUND_HALF_UP)
    assert page == registry
