"""The page and `manage.py figure` are one: every money and ratio column equals the registry's figure."""

from __future__ import annotations

from decimal import Decimal

import pytest

from forecasting.domain.board import Board
from forecasting.forms import question_of
from forecasting.selectors.board import board
from pipeline.domain.figures import FigureQuery
from pipeline.selectors import figures, instant_named
from tests.apps.forecasting.conftest import NOW, Company, scope_of

pytestmark = pytest.mark.django_db
METRICS = (
    "quota", "won_amount", "commit", "upside", "pipeline", "best_case", "gap_after_commit", "attainment",
    "coverage_remaining",
)  # fmt: skip
COLUMNS = ("quota", "won", "commit", "upside", "pipeline", "best_case", "gap", "attainment", "coverage")


@pytest.mark.parametrize("at", ["", "2026-04-03"])
def test_each_team_by_both_ways(company: Company, at: str) -> None:
    scope = scope_of(company.executive)
    opened = ",".join(str(person.pk) for person in company.world.people)
    found: Board = board(scope, question_of({"at": at, "open": opened}, scope, NOW))
    asked = FigureQuery(METRICS, by=("team",), period="FY27-Q1", at=instant_named(at))
    told = {row.labels[0]: row.values for row in figures(scope, asked).rows}
    compared = 0
    for row in found.rows:
        if row.place.name not in told or row.place.kind != "NODE":
            continue
        shown = {figure.column.name: figure.value for figure in row.figures}
        for metric, column in zip(METRICS, COLUMNS, strict=True):
            value, expected = shown[column], told[row.place.name][metric]
            if value is not None and column == "attainment":
                value = value * 100
            assert (value is None) == (expected is None), (row.place.name, metric)
            if value is not None and expected is not None:
                assert value.quantize(Decimal("0.01")) == expected.quantize(Decimal("0.01")), (
                    row.place.name,
                    metric,
                )
                compared += 1
    assert compared > 20
