"""From what a file says of a deal to the intervals of its life: nothing lost, nothing invented."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from opportunities.domain.import_history import DealFacts, Event, Segment, Semantics, timeline

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
RULES = Semantics(zone=dt.UTC, now=NOW)


def at(day: int, hour: int = 0, month: int = 3) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, tzinfo=dt.UTC)


def state(**more: Any) -> dict[str, Any]:
    plain = {"name": "Deal", "stage": "S/Proposal", "status": "OPEN", "category": "PIPELINE", "amount": 10, "close_date": None,
             "probability": None, "is_deleted": False, "list_amount": 12}  # fmt: skip
    return plain | more


def event(day: int, stage: str, status: str = "OPEN", order: int = 0, hour: int = 0, **extra: Any) -> Event:
    category = status if status != "OPEN" else "PIPELINE"
    return Event(at(day, hour), (0, order), stage, status, category, extra, file=1, line=order)


def shape(segments: list[Segment]) -> list[tuple[Any, ...]]:
    return [(s.valid_from, s.state["stage"], s.state["status"], s.origin) for s in segments]


WON = state(stage="S/Won", status="WON", category="WON", close_date=dt.date(2026, 3, 20))


def test_a_closed_deal_was_open_from_its_start_in_an_unknown_stage() -> None:
    segments = timeline(DealFacts(WON, at(1)), [], RULES)
    assert shape(segments) == [(at(1), None, "OPEN", "DERIVED"), (at(20), "S/Won", "WON", "STATED")]
    derived = segments[0].state
    assert (derived["amount"], derived["close_date"]) == (None, None), "what was decided was not known before"
    assert derived["list_amount"] == 12


def test_the_mapping_may_say_which_stage_the_start_means() -> None:
    rules = Semantics(zone=dt.UTC, now=NOW, start_stage="S/Engaging")
    assert shape(timeline(DealFacts(WON, at(1)), [], rules))[0] == (at(1), "S/Engaging", "OPEN", "DERIVED")
    engaging = DealFacts(state(stage="S/Engaging"), at(1))
    assert shape(timeline(engaging, [], rules)) == [(at(1), "S/Engaging", "OPEN", "STATED")]


def test_an_open_deal_without_a_start_is_known_from_now_on() -> None:
    assert shape(timeline(DealFacts(state(), None), [], RULES)) == [(NOW, "S/Proposal", "OPEN", "STATED")]


def test_an_open_deal_exists_from_its_start_and_its_stage_from_when_it_is_known() -> None:
    assert shape(timeline(DealFacts(state(), at(1)), [], RULES)) == [
        (at(1), None, "OPEN", "DERIVED"), (NOW, "S/Proposal", "OPEN", "STATED"),
    ]  # fmt: skip
    stamped = DealFacts(state(), at(1), stage_entered_at=at(5))
    assert shape(timeline(stamped, [], RULES))[1][0] == at(5)


@pytest.mark.parametrize("start", [None, at(20), at(25)])
def test_a_deal_closed_before_or_at_its_start_was_never_open(start: dt.datetime | None) -> None:
    assert shape(timeline(DealFacts(WON, start), [], RULES)) == [(at(20), "S/Won", "WON", "STATED")]


def test_decided_without_a_date_is_decided_from_now_on() -> None:
    facts = DealFacts(WON | {"close_date": None}, at(1))
    assert shape(timeline(facts, [], RULES)) == [(NOW, "S/Won", "WON", "STATED")]


def test_nothing_holds_from_the_future() -> None:
    facts = DealFacts(WON | {"close_date": dt.date(2027, 1, 1)}, None)
    assert timeline(facts, [], RULES)[0].valid_from == NOW


def test_events_in_time_order_ties_in_file_order_no_length_kept() -> None:
    events = [event(3, "S/Won", "WON", order=3), event(2, "S/B", order=2), event(2, "S/A", order=1)]
    segments = timeline(
        DealFacts(WON, at(2)), events, Semantics(zone=dt.UTC, now=NOW, close_from_history=True)
    )
    assert [(s.valid_from, s.state["stage"]) for s in segments] == [
        (at(2), "S/A"),
        (at(2), "S/B"),
        (at(3), "S/Won"),
    ]
    assert segments[-1].state["close_date"] == dt.date(2026, 3, 3)


def test_history_starts_later_than_the_deal() -> None:
    segments = timeline(DealFacts(state(stage="S/A"), at(1)), [event(5, "S/A")], RULES)
    assert shape(segments) == [(at(1), None, "OPEN", "DERIVED"), (at(5), "S/A", "OPEN", "STATED")]


def test_a_start_known_to_the_day_begins_with_that_days_first_event() -> None:
    facts = DealFacts(state(stage="S/A"), at(5), start_is_date=True)
    assert len(timeline(facts, [event(5, "S/A", hour=9)], RULES)) == 1


def test_a_reversal_keeps_both_states_and_ends_in_the_last() -> None:
    facts = DealFacts(state(stage="S/Lost", status="LOST", category="LOST"), at(1))
    events = [event(1, "S/Won", "WON"), event(9, "S/Lost", "LOST")]
    rules = Semantics(zone=dt.UTC, now=NOW, close_from_history=True)
    segments = timeline(facts, events, rules)
    assert [s.state["status"] for s in segments] == ["WON", "LOST"]
    assert [s.state["close_date"] for s in segments] == [dt.date(2026, 3, 1), dt.date(2026, 3, 9)]


def test_reopened_has_no_close_date_until_decided_again() -> None:
    events = [event(1, "S/Won", "WON"), event(3, "S/A"), event(9, "S/Won", "WON")]
    rules = Semantics(zone=dt.UTC, now=NOW, close_from_history=True)
    segments = timeline(DealFacts(WON, at(1)), events, rules)
    assert [s.state["close_date"] for s in segments] == [dt.date(2026, 3, 1), None, dt.date(2026, 3, 9)]


def test_the_deals_own_row_is_later_knowledge_than_its_history() -> None:
    facts = DealFacts(state(stage="S/B", amount=99), at(1), changed_at=at(8))
    segments = timeline(facts, [event(1, "S/A", amount=10)], RULES)
    assert [(s.valid_from, s.state["stage"], s.state["amount"]) for s in segments] == [
        (at(1), "S/A", 10),
        (at(8), "S/B", 99),
    ]


def test_a_row_without_stage_takes_the_last_of_its_history() -> None:
    facts = DealFacts(state(stage=None), at(1), has_stage=False)
    segments = timeline(facts, [event(1, "S/A"), event(4, "S/Won", "WON")], RULES)
    assert (segments[-1].state["stage"], segments[-1].state["status"]) == ("S/Won", "WON")
    assert len(segments) == 2


def test_a_line_that_says_nothing_new_makes_no_version() -> None:
    facts = DealFacts(state(stage="S/A"), at(1))
    assert len(timeline(facts, [event(1, "S/A", order=1), event(2, "S/A", order=2)], RULES)) == 1
