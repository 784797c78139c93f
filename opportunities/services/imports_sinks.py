"""Where rows go that belong to apps above this one: those apps register a function here when they start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opportunities.domain.import_mapping import ImportMapping, Role
from salesops.kernel.tabular import Problem

Sink = Callable[..., dict[str, Any]]
_SINKS: dict[Role, Sink] = {}


def register_sink(role: Role, sink: Sink) -> None:
    """`sink(batch=…, mapping=…, rows=[(line, values)], keys=…)` writes rows of a role and returns counts by
    outcome."""
    _SINKS[role] = sink


def sink_for(role: Role) -> Sink | None:
    """The function that takes rows of this role, if any app does."""
    return _SINKS.get(role)


def refused_by_sink(
    role: Role, *, mapping: ImportMapping, rows: list[tuple[int, dict[str, Any]]]
) -> list[Problem]:
    """The rows that the function which takes this role would refuse, asked before anything is written."""
    check = getattr(sink_for(role), "check", None)
    return check(mapping=mapping, rows=rows) if check is not None else []


def forget_imported(*, plan: dict[str, Any]) -> None:
    """Ask every sink that can to undo what a batch gave it, by the counts it returned then."""
    for role, sink in _SINKS.items():
        undo = getattr(sink, "undo", None)
        counts = plan.get("quotas" if role is Role.QUOTA else str(role).lower(), {})
        if undo is not None and counts:
            undo(counts=counts)
