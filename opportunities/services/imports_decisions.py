"""What staged rows do to deals: decided here once, for the preview and for the run alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import connection
from django.db.models import Min

from opportunities.domain.deal import TRACKED_FIELDS, Category, DealState, PastState, Status
from opportunities.domain.import_changes import Change, Current, Deed, planned_change
from opportunities.domain.import_deals import facts_of
from opportunities.domain.import_history import Event, Segment, State, timeline
from opportunities.domain.import_mapping import Role
from opportunities.models import ImportRow, Opportunity, OpportunityLine, OpportunityVersion
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.states import live_versions, past_state_of
from opportunities.services.imports_copy import Writer
from opportunities.services.imports_references import Keys
from opportunities.services.rewriting import is_rewriting

_REFERENCES = {
    "account": Role.ACCOUNT,
    "owner": Role.PERSON,
    "process": Role.PROCESS,
    "stage": Role.STAGE,
    "product": Role.PRODUCT,
    "territory": Role.TERRITORY,
}
LINE = ("position", "product_id", "quantity", "unit_price", "amount")
"""The columns of a deal's line, as compared and as noted for undoing."""
_ROUNDED = {"amount": 4, "list_amount": 4, "probability": 2}
"""Decimal places the columns keep."""
Line = tuple[Any, ...]
Row = dict[str, Any]


@dataclass(slots=True)
class Decision:
    """One staged row and what is done for it."""

    row: Row
    segments: Sequence[Segment]
    change: Change | None = None
    """None: there is no such deal yet."""
    lines: Sequence[Line] | None = None
    """The lines the deal gets, where they differ from those it has."""
    known: Sequence[OpportunityVersion] = ()
    common: int = 0
    """Of a replay: the history known now, and how much of its beginning stays."""
    history: Sequence[PastState] = field(default_factory=tuple)
    """Of a merge: the whole history that comes of it."""

    @property
    def outcome(self) -> str:
        """CREATED, UPDATED, or UNCHANGED when only the row's hash is noted."""
        if self.change is None or self.change.former.is_undone:
            return "CREATED"
        is_same = self.change.deed is Deed.SAME and self.change.created_at is None and self.lines is None
        return "UNCHANGED" if is_same else "UPDATED"


def decide(writer: Writer, rows: Sequence[Row], *, lock: bool) -> list[Decision]:
    """What each row does to its deal. `lock` keeps the deals as they are until the transaction ends."""
    keys = [row["key"] for row in rows]
    events, known = _events(writer.batch_id, keys), _known(writer.source, keys, lock=lock)
    decisions = []
    for row in rows:
        told = [
            _with_ids(s, writer.keys) for s in timeline(_facts(row), events.get(row["key"], ()), writer.rules)
        ]
        former = known.get(row["key"])
        change = None
        if former is not None:
            change = planned_change(
                row, told, former, has_events=row["key"] in events, stamp=writer.stamp,
                rules=writer.rules, policies=writer.policies, stages=writer.stages,
            )  # fmt: skip
        decisions.append(Decision(row, told, change))
    _decide_lines(writer, decisions)
    _decide_histories(writer, decisions)
    return decisions


def _decide_lines(writer: Writer, decisions: Sequence[Decision]) -> None:
    """Lines have no history: they are replaced where the row tells others."""
    with_lines = [decision for decision in decisions if decision.row["payload"].get("lines")]
    have = lines_of([d.change.former.pk for d in with_lines if d.change is not None])
    for decision in with_lines:
        told = _told_lines(decision.row, writer.keys)
        if decision.change is None or have.get(decision.change.former.pk, []) != told:
            decision.lines = told


def lines_of(deals: Sequence[int]) -> dict[int, list[Line]]:
    """The lines each deal has, in order, as `LINE`."""
    found: dict[int, list[Line]] = {}
    rows = OpportunityLine.objects.filter(opportunity_id__in=deals).order_by("position")
    for pk, *line in rows.values_list("opportunity_id", *LINE):
        found.setdefault(pk, []).append(tuple(line))
    return found


def _told_lines(row: Row, keys: Keys) -> list[Line]:
    told = []
    for line in row["payload"]["lines"]:
        product = keys.of(Role.PRODUCT, line["product"])
        if product is not None:
            numbers = (line["quantity"], line["unit_price"], line["amount"])
            told.append(
                (line["position"], product, *(None if n is None else _rounded(n, 4) for n in numbers))
            )
    return told


def _rounded(value: Any, places: int) -> Decimal:
    """As the column keeps it, lest every reading differ from what was kept."""
    exact = Decimal(str(value))
    exponent = exact.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= -places:
        return exact
    return exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _decide_histories(writer: Writer, decisions: Sequence[Decision]) -> None:
    """A told history that is the known one changes nothing; one told of a deal edited here is merged with it."""
    told = {d.change.former.pk: d for d in decisions if d.change is not None and d.change.deed is Deed.REPLAY}
    known, edited = live_versions(told), _edited_here(list(told))
    for pk, decision in told.items():
        change, former = decision.change, known.get(pk, [])
        assert change is not None
        if pk in edited and not change.former.is_undone:
            decision.history = _merged(writer, change, former, edited[pk])
            deed = Deed.MERGE if is_rewriting(former, decision.history) else Deed.SAME
        else:
            last = change.segments[-1]
            present = Segment(last.valid_from, change.state, last.origin, last.file, last.line)
            change = replace(change, segments=[*change.segments[:-1], present])
            decision.known, decision.common = former, _common(former, change.segments)
            is_whole = decision.common == len(change.segments) == len(former)
            deed = Deed.SAME if is_whole and not change.former.is_undone else Deed.REPLAY
        decision.change = replace(change, deed=deed)


def _edited_here(deals: list[int]) -> dict[int, datetime]:
    """Since when somebody here has changed each of the deals; absent for those nobody did."""
    edits = OpportunityVersion.objects.filter(
        opportunity_id__in=deals, superseded_at=FAR_FUTURE_AT, change_set__kind="EDIT"
    )
    return dict(edits.values_list("opportunity_id").annotate(first=Min("valid_from")))


def _merged(
    writer: Writer, change: Change, known: Sequence[OpportunityVersion], first: datetime
) -> list[PastState]:
    """Learnt up to the first edit; never replayed over what follows."""
    before = [_past(writer, segment) for segment in change.segments if segment.valid_from < first]
    kept = [past_state_of(version) for version in known]
    states = before or [state for state in kept if state.valid_from < first]
    states += [state for state in kept if state.valid_from >= first]
    if change.state != change.former.state:
        states.append(_past(writer, Segment(change.at, change.state, file=change.file, line=change.line)))
    return states


def _past(writer: Writer, segment: Segment) -> PastState:
    values = {name: segment.state[name] for name in TRACKED_FIELDS}
    values |= {"status": Status(values["status"]), "category": Category(values["category"])}
    change_set = writer.change_sets.get(segment.file)
    return PastState(segment.valid_from, DealState(**values), segment.origin, segment.line, change_set)


def _common(former: Sequence[OpportunityVersion], told: Sequence[Segment]) -> int:
    """How many known versions can stay: alike in state and start, and in their end as well (an end is set
    only once)."""
    count = 0
    for known, segment in zip(former, told, strict=False):
        state = {name: getattr(known, name) for name in TRACKED_FIELDS}
        if known.valid_from != segment.valid_from or state != segment.state:
            break
        count += 1
    while count > 0 and not (count == len(told) == len(former)):
        ends = former[count - 1].valid_to
        if count < len(told) and ends in (FAR_FUTURE_AT, told[count].valid_from):
            break
        count -= 1
    return count


def staged_rows(batch_id: int, where: str, values: Sequence[Any], limit: int, offset: int = 0) -> list[Row]:
    """Staged deal rows in order of their keys; `where` is one of our own conditions, never input."""
    fields = ("key", "file", "line", "hash", "payload", "verdict")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT key, file, line, hash, payload::text, verdict FROM opportunities_importrow "  # noqa: S608
            f"WHERE batch_id = %s AND role = 'D' AND {where} ORDER BY key COLLATE \"C\" LIMIT %s OFFSET %s",
            [batch_id, *values, limit, offset],
        )
        return [
            dict(zip(fields, (*row[:4], json.loads(row[4], parse_float=Decimal), row[5]), strict=True))
            for row in cursor.fetchall()
        ]


def _events(batch_id: int, keys: Sequence[str]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    rows = ImportRow.objects.filter(batch_id=batch_id, role="H", key__in=keys).values_list(
        "key", "file", "line", "payload"
    )
    for key, file, line, body in rows.iterator(chunk_size=20_000):
        extra = {name: _typed(name, value) for name, value in body["extra"].items()}
        event = Event(
            datetime.fromisoformat(body["at"]), (body["order"][0], body["order"][1]), body["stage"], body["status"],
            body["category"], extra, file, line,
        )  # fmt: skip
        found.setdefault(key, []).append(event)
    return found


_CURRENT = (
    "pk", "external_id", "version", "changed_at", "content_hash", "push_count", "stage_entered_at", "created_at",
    "change_set_id", "source_row", *TRACKED_FIELDS,
)  # fmt: skip


def _known(source: str, keys: Sequence[str], *, lock: bool) -> Mapping[str, Current]:
    deals = Opportunity.objects.filter(source=source, external_id__in=keys).order_by("pk")
    rows = (deals.select_for_update() if lock else deals).values(*_CURRENT)
    return {row["external_id"]: Current.of(row) for row in rows}


def _typed(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _ROUNDED:
        return _rounded(value, _ROUNDED[name])
    if name in {"close_date", "started_on"}:
        return date.fromisoformat(value)
    if name.endswith("_at"):
        return datetime.fromisoformat(value)
    return value


def _facts(row: Row) -> Any:
    state: State = {name: _typed(name, value) for name, value in row["payload"]["state"].items()}
    moments = {name: _typed(name, value) for name, value in row["payload"]["moments"].items()}
    moments["start_is_date"] = row["payload"].get("start_is_date", False)
    row["moments"] = moments
    return facts_of(state, moments, has_stage=row["payload"]["has_stage"], file=row["file"], line=row["line"])


def _with_ids(segment: Segment, keys: Keys) -> Segment:
    """The segment with row ids in place of reference keys, under the names of the tables' columns."""
    state: State = {"subcategory_id": None}
    for name, value in segment.state.items():
        role = _REFERENCES.get(name)
        if role is not None:
            state[f"{name}_id"] = keys.of(role, value)
        else:
            state["currency_id" if name == "currency" else name] = value
    return Segment(segment.valid_from, state, segment.origin, segment.file, segment.line)
