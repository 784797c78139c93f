"""What a changed row of a file does to a deal that people here may have changed too."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from opportunities.domain.deal import TRACKED_FIELDS
from opportunities.domain.import_changes import (
    Current,
    Deed,
    StageDefaults,
    corrected_creation,
    planned_change,
    pushes,
    stage_since,
)
from opportunities.domain.import_history import Segment, Semantics

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
BEFORE = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
RULES = Semantics(zone=dt.UTC, now=NOW)
PLAIN: dict[str, Any] = dict.fromkeys(TRACKED_FIELDS) | {
    "name": "Deal", "status": "OPEN", "category": "PIPELINE", "currency_id": "USD", "next_step": "", "deal_type": "", "lead_source": "",
    "is_deleted": False, "stage_id": 1, "amount": 10,
}  # fmt: skip


def current(**more: Any) -> Current:
    state = PLAIN | more
    row = state | {
        "pk": 7,
        "version": 3,
        "changed_at": BEFORE,
        "content_hash": more.get("content_hash", 5),
        "push_count": 0,
    }
    row |= {"stage_entered_at": BEFORE, "change_set_id": 1, "source_row": 2}
    return Current.of(row)


def change(
    told: dict[str, Any],
    former: Current,
    *,
    stated: bool = False,
    changed: dt.datetime | None = None,
    **policies: str,
) -> Any:
    row = {
        "hash": 9,
        "file": 0,
        "line": 4,
        "moments": {"changed_at": changed},
        "payload": {"category_stated": stated},
    }
    segments = [Segment(NOW, PLAIN | told)]
    return planned_change(
        row, segments, former, has_events=False, stamp=NOW, rules=RULES, policies=policies,
        stages={1: StageDefaults("PIPELINE", Decimal(10)), 2: StageDefaults("UPSIDE", Decimal(40))},
    )  # fmt: skip


def test_one_more_version_or_none() -> None:
    assert change({"amount": 20}, current()).deed is Deed.APPEND
    assert change({}, current()).deed is Deed.SAME


def test_a_persons_category_stays_while_the_file_states_none() -> None:
    mine = current(category="COMMIT", subcategory_id=3)
    kept = change({"amount": 20}, mine).state
    assert (kept["category"], kept["subcategory_id"], kept["amount"]) == ("COMMIT", 3, 20)
    assert change({"stage_id": 2, "category": "UPSIDE"}, mine).state["category"] == "COMMIT"
    assert change({"stage_id": 2, "category": "UPSIDE"}, current()).state["category"] == "UPSIDE", (
        "it was only the stage's suggestion"
    )
    assert change({"category": "UPSIDE"}, mine, stated=True).state["category"] == "UPSIDE"
    assert change({"category": "UPSIDE"}, mine, stated=True).state["subcategory_id"] is None


def test_a_probability_the_file_does_not_state_follows_the_stage() -> None:
    keep = {"probability": "IF_STATED"}
    suggested = current(probability=Decimal(10))
    assert change({"stage_id": 2}, suggested, **keep).state["probability"] == 40
    assert change({"amount": 20}, suggested, **keep).state["probability"] == 10
    won = {"stage_id": 3, "status": "WON", "category": "WON", "close_date": NOW.date()}
    assert change(won, suggested, **keep).state["probability"] == 100
    decided = current(probability=Decimal(65))
    assert change({"stage_id": 2}, decided, **keep).state["probability"] == 65, "a person had set it"
    assert change({"stage_id": 2, "probability": Decimal(30)}, decided, **keep).state["probability"] == 30
    assert change({"stage_id": 2}, suggested, probability="ALWAYS").state["probability"] is None, (
        "emptied on purpose"
    )


def test_closing_overrules_every_category() -> None:
    won = change(
        {"status": "WON", "category": "WON", "close_date": dt.date(2026, 11, 10)}, current(category="COMMIT")
    )
    assert won.state["category"] == "WON"
    assert won.at == dt.datetime(2026, 11, 10, tzinfo=dt.UTC), "it holds from the close date"


@pytest.mark.parametrize("closed", [dt.date(2026, 10, 1), dt.date(2026, 10, 31)])
def test_a_decision_is_never_dated_before_what_is_known(closed: dt.date) -> None:
    won = change({"status": "WON", "category": "WON", "close_date": closed}, current())
    assert won.at == BEFORE


def test_the_sources_own_stamp_of_change_is_taken_when_it_can_be() -> None:
    stamp = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    assert change({"amount": 20}, current(), changed=stamp).at == stamp
    assert change({"amount": 20}, current(), changed=NOW + dt.timedelta(days=1)).at == NOW
    assert change({"amount": 20}, current()).at == NOW


def test_policies() -> None:
    assert change({"amount": 20}, current(), amount="NEVER").state["amount"] == 10
    assert change({"amount": 20}, current(), amount="IF_BLANK").state["amount"] == 10
    assert change({"amount": 20}, current(amount=None), amount="IF_BLANK").state["amount"] == 20


def test_an_undone_deal_is_told_anew() -> None:
    gone = Current.of(PLAIN | {"is_deleted": True, "pk": 1, "version": 2, "changed_at": BEFORE, "content_hash": None, "push_count": 0,
                               "stage_entered_at": None, "change_set_id": 1, "source_row": 1})  # fmt: skip
    assert gone.is_undone
    assert change({}, gone).deed is Deed.REPLAY


def test_pushes_and_the_time_in_stage() -> None:
    def segment(day: int, stage: int, month: int, status: str = "OPEN") -> Segment:
        on = dt.datetime(2026, 3, day, tzinfo=dt.UTC)
        return Segment(
            on, PLAIN | {"stage_id": stage, "close_date": dt.date(2026, month, 1), "status": status}
        )

    told = [segment(1, 1, 4), segment(2, 2, 5), segment(3, 2, 6), segment(4, 2, 6), segment(5, 2, 7, "WON")]
    assert pushes(told) == 2, "into a later month while open"
    assert stage_since(told) == dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


CREATION = dt.datetime(2026, 3, 4, 10, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("moments", "corrected"),
    [
        ({}, None),
        ({"created_at": CREATION}, None),
        (
            {"created_at": dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)},
            dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC),
        ),
        ({"created_at": dt.datetime(2026, 3, 4, tzinfo=dt.UTC)}, None),
        ({"created_at": dt.datetime(2026, 3, 5, tzinfo=dt.UTC)}, dt.datetime(2026, 3, 5, tzinfo=dt.UTC)),
        ({"started_at": dt.datetime(2026, 3, 5, tzinfo=dt.UTC)}, None),
    ],
    ids=["silent", "the same", "another instant", "its day only", "another day", "a start is no creation"],
)
def test_when_a_deal_was_created_is_corrected_by_what_says_more(
    moments: dict[str, Any], corrected: dt.datetime | None
) -> None:
    assert corrected_creation(current(created_at=CREATION), moments, dt.UTC) == corrected


def test_a_creation_known_only_as_a_start_follows_the_start() -> None:
    began = dt.date(2026, 3, 4)
    former = current(created_at=dt.datetime(2026, 3, 4, tzinfo=dt.UTC), started_on=began)
    later = dt.datetime(2026, 3, 9, tzinfo=dt.UTC)
    assert corrected_creation(former, {"started_at": later}, dt.UTC) == later
