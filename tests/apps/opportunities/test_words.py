"""Where a step of a deal's history came from, in words."""

from __future__ import annotations

import datetime as dt

from opportunities.domain.deal import Category
from opportunities.domain.listing import TimelineEntry
from opportunities.views.words import came_from, has_happened, will_happen

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def _entry(kind: str, by: str) -> TimelineEntry:
    return TimelineEntry(1, NOW, None, NOW, kind, by, "", False, Category.COMMIT, ())


def test_a_seeded_step_names_who_acted_first_and_that_it_is_demo_data() -> None:
    assert came_from(_entry("SEED", "Daniela Okafor")) == "Daniela Okafor · Demo data"
    assert came_from(_entry("SEED", "")) == "Demo data"
    assert came_from(_entry("EDIT", "Ann")) == "Ann"


def test_what_an_import_does_leaves_out_zeros_and_counts_in_words() -> None:
    assert will_happen({"created": 1, "updated": 0, "unchanged": 1200}) == (
        "<b>1</b> row creates a deal, <b>1,200</b> rows say nothing new"
    )
    assert has_happened({"created": 0, "updated": 2, "unchanged": 0, "rejected": 1}) == (
        "<b>2</b> rows changed deals, <b>1</b> row was rejected"
    )
    assert has_happened({"created": 0}) == ""
