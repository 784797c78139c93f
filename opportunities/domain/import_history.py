"""From what a file says of a deal to the intervals of its life.

Nothing is invented: what is not stated about the past stays unknown (`stage` None). What follows from dates
alone (a deal closed in May that started in March was open in between) is marked DERIVED. Events at the same
instant keep the order of the file, and a visit of no length is a visit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

State = dict[str, Any]
"""Tracked fields of a deal by name; references are keys, not ids."""

STATED, DERIVED = "STATED", "DERIVED"
OPEN, WON, LOST = "OPEN", "WON", "LOST"
SAME_MOMENT = timedelta(seconds=1)
"""Two stamps of one act may differ by this much: systems stamp a record and its first stage one after the
other."""


@dataclass(frozen=True, slots=True)
class Event:
    """A line of a stage history: from `at` on the deal had this stage, and whatever else the line states."""

    at: datetime
    order: tuple[int, int]
    stage: str | None
    status: str
    category: str
    extra: State = field(default_factory=dict)
    file: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """The deal's state from `valid_from` until the next segment."""

    valid_from: datetime
    state: State
    origin: str = STATED
    file: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class DealFacts:
    """What the deal's own row states; `state` is the present one."""

    state: State
    started_at: datetime | None
    stage_entered_at: datetime | None = None
    changed_at: datetime | None = None
    has_stage: bool = True
    start_is_date: bool = False
    """The start is known to the day only."""
    file: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Semantics:
    """What the mapping states about the source."""

    zone: tzinfo
    now: datetime
    start_stage: str | None = None
    start_category: str = "PIPELINE"
    close_from_history: bool = False


def midnight(on: date, zone: tzinfo) -> datetime:
    """The instant a calendar day begins in `zone`, in UTC."""
    return datetime.combine(on, time(), zone).astimezone(UTC)


def timeline(facts: DealFacts, events: Sequence[Event], rules: Semantics) -> list[Segment]:
    """The segments of a deal's life in order; the last is the present. Zero-length segments are kept."""
    ordered = sorted(events, key=lambda event: (event.at, event.order))
    if ordered:
        return _from_events(facts, ordered, rules)
    return _from_dates(facts, rules)


def _from_dates(facts: DealFacts, rules: Semantics) -> list[Segment]:
    state, now = facts.state, rules.now
    start = _not_after(facts.started_at, now)
    if state["status"] == OPEN:
        return _open_segments(facts, start, rules)
    closed_on: date | None = state["close_date"]
    if closed_on is None:
        # Decided, but nobody says when: known from now on; that it was open before would be invented.
        return [_present(facts, now)]
    closed_at = min(midnight(closed_on, rules.zone), now)
    if start is None or start >= closed_at:
        return [_present(facts, closed_at)]
    return [_derived(facts, start, rules.start_stage, rules), _present(facts, closed_at)]


def _open_segments(facts: DealFacts, start: datetime | None, rules: Semantics) -> list[Segment]:
    """An open deal exists from its start; the stage it has now is known since its entry, if that is
    stated."""
    state, now = facts.state, rules.now
    if start is None:
        return [_present(facts, now)]
    if state["stage"] is None or state["stage"] == rules.start_stage:
        return [_present(facts, start)]
    entered = _not_after(facts.stage_entered_at, now) or now
    if entered <= start:
        return [_present(facts, start)]
    return [_derived(facts, start, rules.start_stage, rules), _present(facts, entered)]


def _derived(facts: DealFacts, at: datetime, stage: str | None, rules: Semantics) -> Segment:
    category = rules.start_category if stage else "PIPELINE"
    state = {**facts.state, "stage": stage, "status": OPEN, "category": category, "probability": None}
    if facts.state["status"] != OPEN:
        # The amount and close date of the decision were not known while the deal was open.
        state["amount"] = state["close_date"] = None
    return Segment(at, state, DERIVED, facts.file, facts.line)


def _present(facts: DealFacts, at: datetime) -> Segment:
    return Segment(at, facts.state, STATED, facts.file, facts.line)


def _not_after(moment: datetime | None, now: datetime) -> datetime | None:
    return None if moment is None else min(moment, now)


def _from_events(facts: DealFacts, events: list[Event], rules: Semantics) -> list[Segment]:
    segments: list[Segment] = []
    start = facts.started_at
    if start is not None and not _begins_with(events[0], start, facts, rules):
        segments.append(_derived(facts, start, None, rules))
    closed_on: date | None = None
    status = OPEN
    for event in events:
        if event.status != status:
            status = event.status
            closed_on = None if status == OPEN else event.at.astimezone(rules.zone).date()
        state = _event_state(facts.state, event)
        if rules.close_from_history:
            state["close_date"] = closed_on
        if segments and segments[-1].state == state and segments[-1].origin == STATED:
            continue
        segments.append(Segment(event.at, state, STATED, event.file, event.line))
    return _ending_in_present(facts, segments, events[-1], closed_on, rules)


def _begins_with(first: Event, start: datetime, facts: DealFacts, rules: Semantics) -> bool:
    """Whether the first event is the start itself: not later, in the same moment, or on the same day if
    only the day is known."""
    if first.at - start <= SAME_MOMENT:
        return True
    return (
        facts.start_is_date and first.at.astimezone(rules.zone).date() == start.astimezone(rules.zone).date()
    )


def _event_state(present: State, event: Event) -> State:
    state = {
        **present,
        "stage": event.stage,
        "status": event.status,
        "category": event.category,
        "is_deleted": False,
    }
    if event.status == OPEN or "probability" in event.extra:
        state["probability"] = None
    state.update(event.extra)
    return state


def _ending_in_present(
    facts: DealFacts, segments: list[Segment], last: Event, closed_on: date | None, rules: Semantics
) -> list[Segment]:
    """Let the timeline end in what the deal's own row says: it is later knowledge than any line of
    history."""
    present = facts.state
    if not facts.has_stage:
        present = {**present, "stage": last.stage, "status": last.status, "category": last.category}
    if rules.close_from_history:
        present = {**present, "close_date": closed_on}
    if segments[-1].state == present:
        return segments
    at = max(last.at, min(facts.changed_at or facts.stage_entered_at or last.at, rules.now))
    if not facts.has_stage and not _differs_beyond(segments[-1].state, present, {"probability"}):
        segments[-1] = replace(segments[-1], state=present)
        return segments
    return [*segments, Segment(at, present, STATED, facts.file, facts.line)]


def _differs_beyond(one: State, other: State, ignored: set[str]) -> bool:
    return any(one[name] != other[name] for name in one if name not in ignored)
