"""What a changed row does to a deal we already have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any

from opportunities.domain.deal import TRACKED_FIELDS
from opportunities.domain.import_history import OPEN, Segment, Semantics, State, midnight
from opportunities.domain.import_mapping import Policy


@dataclass(frozen=True, slots=True)
class StageDefaults:
    """What a stage suggests for the deals in it."""

    category: str
    probability: Decimal


class Deed(StrEnum):
    """What is written for a row."""

    SAME = "SAME"
    """Nothing a version tells apart; only the row's hash is noted."""
    APPEND = "APPEND"
    """One more version."""
    REPLAY = "REPLAY"
    """The stated history is compared with the known one, and rewritten from where they part."""
    MERGE = "MERGE"
    """Somebody here changed the deal since: history is learnt up to the first edit, and what follows stays."""


@dataclass(frozen=True, slots=True)
class Current:
    """A deal as it stands."""

    pk: int
    version: int
    changed_at: datetime
    state: State
    content_hash: int | None
    created_at: datetime | None
    before: dict[str, Any]
    """What undoing must restore beside the history."""

    @staticmethod
    def of(row: Mapping[str, Any]) -> Current:
        """From the columns of a deal's row."""
        before = {name: row[name] for name in ("content_hash", "push_count", "change_set_id", "source_row")}
        for name in ("stage_entered_at", "created_at"):
            before[name] = row[name].isoformat() if row.get(name) else None
        state = {name: row[name] for name in TRACKED_FIELDS}
        return Current(
            row["pk"], row["version"], row["changed_at"], state, row["content_hash"], row.get("created_at"), before
        )  # fmt: skip

    @property
    def is_undone(self) -> bool:
        """An import created it and was undone: to bring it back is to create it."""
        return bool(self.state["is_deleted"]) and self.content_hash is None


@dataclass(frozen=True, slots=True)
class Change:
    """A row's effect on a known deal."""

    deed: Deed
    former: Current
    segments: Sequence[Segment]
    state: State
    at: datetime
    digest: int
    file: int
    line: int
    created_at: datetime | None = None
    """When the deal was created, where the row corrects what we have. It is a fact of the deal, not of one of its
    states: it makes no version and holds for the past as well."""


def planned_change(
    row: Mapping[str, Any],
    segments: Sequence[Segment],
    former: Current,
    *,
    has_events: bool,
    stamp: datetime,
    rules: Semantics,
    policies: Mapping[str, str],
    stages: Mapping[int, StageDefaults],
) -> Change:
    """Decide what a changed row does. `segments` is the life the file tells, with row ids; its last is the
    present."""
    told, origin = segments[-1].state, (row["hash"], row["file"], row["line"])
    if former.is_undone:
        return Change(Deed.REPLAY, former, segments, told, stamp, *origin)
    state = _kept(
        told,
        former.state,
        policies,
        category_stated=row["payload"]["category_stated"],
        stages=stages,
    )
    at = _since_when(state, former, row["moments"]["changed_at"], stamp, rules)
    deed = Deed.REPLAY if has_events else Deed.SAME if state == former.state else Deed.APPEND
    created = None
    if policies.get("created_at", Policy.ALWAYS) == Policy.ALWAYS:
        created = corrected_creation(former, row["moments"], rules.zone)
    return Change(deed, former, segments, state, at, *origin, created)


def corrected_creation(former: Current, moments: Mapping[str, Any], zone: tzinfo) -> datetime | None:
    """The instant of creation a row states, where it corrects the one we have.

    A start date speaks of the creation only while all we know of it is a start date too; and a day without time does
    not correct an instant on that day.
    """
    stated, known = moments.get("created_at"), former.created_at
    if stated is None:
        started, began_on = moments.get("started_at"), former.state["started_on"]
        stated = started if began_on is not None and known == midnight(began_on, zone) else None
    if stated is None or known is None or stated == known:
        return None
    day = known.astimezone(zone).date()
    return None if stated == midnight(day, zone) else stated


def _kept(
    told: State,
    current: State,
    policies: Mapping[str, str],
    *,
    category_stated: bool,
    stages: Mapping[int, StageDefaults],
) -> State:
    """The told state, where neither a policy nor a person's judgement says otherwise.

    A file that states no forecast category must not overwrite the category a person chose: it stays while
    the deal stays open and in its stage, and also in a new stage if it was not merely the former stage's
    suggestion.
    """
    state = dict(told)
    for name, policy in policies.items():
        if name not in state or name not in current:
            continue
        is_silent = policy == "IF_STATED" and state[name] in (None, "")
        if policy == "NEVER" or is_silent or (policy == "IF_BLANK" and current[name] not in (None, "")):
            state[name] = current[name]
    if state["status"] == OPEN == current["status"] and not category_stated:
        suggested = stages.get(current["stage_id"] or 0)
        if state["stage_id"] == current["stage_id"] or (
            suggested and current["category"] != suggested.category
        ):
            state["category"] = current["category"]
    if state["category"] == current["category"]:
        state["subcategory_id"] = current["subcategory_id"]
    if told["probability"] is None and state["probability"] == current["probability"]:
        state["probability"] = _probability_in(state, current, stages)
    return state


def _probability_in(state: State, current: State, stages: Mapping[int, StageDefaults]) -> Decimal | None:
    """Of a file that states none: it follows the stage (100 won, 0 lost) unless a person had set another."""
    kept: Decimal | None = current["probability"]
    if state["stage_id"] == current["stage_id"] or kept is None:
        return kept
    if state["status"] != OPEN:
        return Decimal(100 if state["status"] == "WON" else 0)
    former, present = stages.get(current["stage_id"] or 0), stages.get(state["stage_id"] or 0)
    was_suggested = former is None or kept == former.probability or current["status"] != OPEN
    return present.probability if present and was_suggested else kept


def _since_when(
    state: State, former: Current, stated: datetime | None, stamp: datetime, rules: Semantics
) -> datetime:
    """Since when the new state holds: the close date of a decision, the source's own stamp of change, else the import.

    Never before the present state began: a file cannot date a change into a past that is already known.
    """
    if former.state["status"] == OPEN != state["status"] and state["close_date"] is not None:
        return max(min(midnight(state["close_date"], rules.zone), stamp), former.changed_at)
    if stated is not None and former.changed_at < stated <= stamp:
        return stated
    return max(stamp, former.changed_at)


def stage_since(segments: Sequence[Segment]) -> datetime:
    """Since when the deal has been in its present stage."""
    since = segments[-1].valid_from
    for segment in reversed(segments):
        if segment.state["stage_id"] != segments[-1].state["stage_id"]:
            break
        since = segment.valid_from
    return since


def pushes(segments: Sequence[Segment]) -> int:
    """How often the close date of the open deal moved into a later month."""
    count = 0
    for before, after in pairwise(segments):
        one, two = before.state["close_date"], after.state["close_date"]
        is_open = before.state["status"] == OPEN == after.state["status"]
        count += bool(is_open and one and two and (two.year, two.month) > (one.year, one.month))
    return count
