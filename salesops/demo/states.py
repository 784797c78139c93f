"""Folds a deal's events into states: one version per day on which something changed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from salesops.demo.blueprint import PROCESSES
from salesops.demo.dynamics import DealPlan, Event

_LOWER = {"COMMIT": "UPSIDE", "UPSIDE": "PIPELINE"}
_FIELDS = frozenset({"stage", "status", "category", "sub", "amount", "close", "next_step", "owner"})


@dataclass(frozen=True, slots=True)
class State:
    """What was true of a deal since `day` (a date ordinal). `stage` indexes its process; `owner` is a person's key."""

    day: int
    owner: int
    stage: int = 0
    status: str = "OPEN"
    category: str = "PIPELINE"
    sub: str | None = None
    amount: int | None = None
    close: int = 0
    next_step: str = ""
    stage_since: int = 0
    pushes: int = 0

    def probability(self, deal: DealPlan) -> int:
        """Percent, by stage."""
        return PROCESSES[deal.process].stages[self.stage].probability


def fold(events: list[Event], owner: int, before: int) -> list[State]:
    """The states that the events before a day lead through; events of one day make one state."""
    states: list[State] = []
    state = State(day=events[0].day, owner=owner, stage_since=events[0].day)
    for event in events:
        if event.day >= before:
            break
        changed = _applied(state, event)
        if changed == state and states:
            continue
        if states and states[-1].day == event.day:
            states[-1] = changed
        else:
            states.append(changed)
        state = changed
    return states


def _applied(state: State, event: Event) -> State:
    values: dict[str, Any] = {k: v for k, v in event.changes.items() if k in _FIELDS}
    was_open, is_open = state.status == "OPEN", values.get("status", state.status) == "OPEN"
    if not was_open and "status" not in values:
        return state  # the decided stay as they are
    if event.changes.get("downgrade") and is_open and was_open:
        values.setdefault("category", _LOWER.get(state.category, state.category))
    if values.get("category", state.category) != state.category and "sub" not in values:
        values["sub"] = None
    if values.get("stage", state.stage) != state.stage:
        values["stage_since"] = event.day
    new_close = values.get("close", state.close)
    if was_open and is_open and state.close and _month(new_close) > _month(state.close):
        values["pushes"] = state.pushes + 1
    if all(getattr(state, k) == v for k, v in values.items()):
        return state
    return replace(state, day=event.day, **values)


def _month(ordinal: int) -> int:
    day = dt.date.fromordinal(ordinal)
    return day.year * 12 + day.month
