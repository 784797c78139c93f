"""The title of the waterfall names a cause that explains the move, not one that worked against it."""

import importlib
from decimal import Decimal
from types import SimpleNamespace

import pytest

from pipeline.domain.waterfall import Cause

changes = importlib.import_module("forecasting.views.changes")  # the package offers its view by the same name


@pytest.mark.parametrize(
    ("bars", "closing", "named"),
    [
        (
            [(Cause.CATEGORY_UP, 990), (Cause.PUSHED_OUT, -920), (Cause.CATEGORY_DOWN, -407)],
            -337,
            "pushed out",
        ),
        ([(Cause.CATEGORY_UP, 100), (Cause.LOST, -400), (Cause.CREATED, 350)], 50, "created"),
    ],
)
def test_the_cause_named_points_the_way_the_figure_went(
    monkeypatch: pytest.MonkeyPatch, bars: list[tuple[Cause, int]], closing: int, named: str
) -> None:
    monkeypatch.setattr(changes.labels, "column_label", lambda column: "Commit")
    monkeypatch.setattr(changes.labels, "since_label", lambda question: "Monday")
    flow = SimpleNamespace(
        opening=Decimal(0),
        closing=Decimal(closing),
        bars=[SimpleNamespace(cause=cause, change=Decimal(change)) for cause, change in bars],
    )
    found = SimpleNamespace(waterfall=flow, column="commit")
    title = changes._finding(found, SimpleNamespace(currency="USD"))
    assert named in title
