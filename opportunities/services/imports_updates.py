"""Changing deals we have: one more version each, or their history rewritten from where the file tells it
differently."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Min

from opportunities.domain.deal import TRACKED_FIELDS, Category, DealState, PastState, Status
from opportunities.domain.import_changes import Change, Deed, pushes, stage_since
from opportunities.domain.import_history import Segment
from opportunities.models import ImportEffect, Opportunity, OpportunityLine, OpportunityVersion
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.states import live_versions, past_state_of
from opportunities.services.imports_copy import Writer, cell, copy_in, insert_versions, version_row
from opportunities.services.rewriting import rewrite_history

_TARGET = (
    "id",
    "version",
    "changed_at",
    "change_set_id",
    "source_row",
    "content_hash",
    "stage_entered_at",
    "push_count",
    *TRACKED_FIELDS,
)
_MAKE = "CREATE TEMPORARY TABLE import_target (LIKE opportunities_opportunity) ON COMMIT DROP"
_SET = ", ".join(
    f"{name} = t.{name}" for name in _TARGET if name not in {"id", "stage_entered_at", "push_count"}
)
_APPEND = f"UPDATE opportunities_opportunity o SET {_SET} FROM import_target t WHERE o.id = t.id"  # noqa: S608
_REPLACE = (
    f"UPDATE opportunities_opportunity o SET {_SET}, stage_entered_at = t.stage_entered_at, push_count = t.push_count "  # noqa: S608
    "FROM import_target t WHERE o.id = t.id"
)

LINE = ("position", "product_id", "quantity", "unit_price", "amount")
"""The columns of a deal's line as noted for undoing."""
Known = list[tuple[OpportunityVersion, Segment]]


def write_changes(writer: Writer, changes: Sequence[Change]) -> None:
    """Write all changes of a chunk; what each deal was before is noted for undoing."""
    edited = _edited_here([change.former.pk for change in changes if change.deed is Deed.REPLAY])
    same = [change for change in changes if change.deed is Deed.SAME]
    append = [change for change in changes if change.deed is Deed.APPEND]
    told = [change for change in changes if change.deed is Deed.REPLAY]
    merge = [change for change in told if change.former.pk in edited and not change.former.is_undone]
    replay = [change for change in told if change.former.pk not in edited or change.former.is_undone]
    _note(writer, [*same, *append, *replay, *merge])
    for change in same:
        Opportunity.objects.filter(pk=change.former.pk).update(content_hash=change.digest)
    if append:
        _append(writer, append)
    if replay:
        _replay(writer, replay)
    if merge:
        _merge(writer, merge, edited)


def _edited_here(deals: list[int]) -> dict[int, datetime]:
    """Since when somebody here has changed each of the deals; absent for those nobody did."""
    edits = OpportunityVersion.objects.filter(
        opportunity_id__in=deals, superseded_at=FAR_FUTURE_AT, change_set__kind="EDIT"
    )
    return dict(edits.values_list("opportunity_id").annotate(first=Min("valid_from")))


def _merge(writer: Writer, changes: list[Change], edited: dict[int, datetime]) -> None:
    """Deals somebody here changed since: history is learnt up to the first edit, never replayed over what follows."""
    known = live_versions([change.former.pk for change in changes])
    histories = {}
    for change in changes:
        pk, first = change.former.pk, edited[change.former.pk]
        before = [_past(writer, s) for s in change.segments if s.valid_from < first]
        kept = [past_state_of(version) for version in known[pk]]
        states = (before or [s for s in kept if s.valid_from < first]) + [
            s for s in kept if s.valid_from >= first
        ]
        if change.state != change.former.state:
            row = Segment(change.at, change.state, file=change.file, line=change.line)
            states.append(_past(writer, row))
        histories[pk] = states
        Opportunity.objects.filter(pk=pk).update(content_hash=change.digest)
    rewrite_history(change_set_id=next(iter(writer.change_sets.values())), histories=histories)


def _past(writer: Writer, segment: Segment) -> PastState:
    values = {name: segment.state[name] for name in TRACKED_FIELDS}
    values |= {"status": Status(values["status"]), "category": Category(values["category"])}
    change_set = writer.change_sets[segment.file]
    return PastState(segment.valid_from, DealState(**values), segment.origin, segment.line, change_set)


def _note(writer: Writer, changes: list[Change]) -> None:
    """What each deal was before, its lines included, is the way back."""
    lines: dict[int, list[list[str | None]]] = {}
    rows = OpportunityLine.objects.filter(opportunity_id__in=[change.former.pk for change in changes])
    for pk, *line in rows.order_by("position").values_list("opportunity_id", *LINE):
        lines.setdefault(pk, []).append([None if value is None else str(value) for value in line])
    ImportEffect.objects.bulk_create(
        [
            ImportEffect(
                batch_id=writer.batch_id, kind="OPPORTUNITY", object_id=change.former.pk,
                action="CREATED" if change.former.is_undone else "UPDATED",
                before={**change.former.before, "lines": lines.get(change.former.pk, [])},
            )
            for change in changes
        ],
        batch_size=5000,
    )  # fmt: skip


def _append(writer: Writer, changes: list[Change]) -> None:
    buffer = io.StringIO()
    out = csv.writer(buffer)
    for change in changes:
        former = change.former
        head = (
            former.pk,
            former.version + 1,
            change.at,
            writer.change_sets[change.file],
            change.line,
            change.digest,
            None,
            0,
        )
        out.writerow([cell(value) for value in (*head, *(change.state[name] for name in TRACKED_FIELDS))])
    _update(_APPEND, buffer)


def _update(statement: str, buffer: io.StringIO) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS import_target")
        cursor.execute(_MAKE)
        for column in ("source", "external_id", "created_at", "attributes"):
            cursor.execute(f"ALTER TABLE import_target ALTER COLUMN {column} DROP NOT NULL")
    copy_in("import_target", _TARGET, buffer)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE import_target")
        cursor.execute(statement)


def _replay(writer: Writer, changes: list[Change]) -> None:
    """Compare the told history with the known one; from the first difference on, supersede and write anew."""
    known = _timelines([change.former.pk for change in changes])
    last_seq = _last_seq([change.former.pk for change in changes])
    buffer = io.StringIO()
    out = csv.writer(buffer)
    superseded: list[int] = []
    closed: list[tuple[int, datetime]] = []
    versions = []
    for change in changes:
        former, told = known.get(change.former.pk, []), list(change.segments)
        told[-1] = Segment(told[-1].valid_from, change.state, told[-1].origin, told[-1].file, told[-1].line)
        common = _common(former, told)
        seq = max(last_seq.get(change.former.pk, 0), change.former.version)
        superseded += [version.pk for version, _ in former[common:]]
        if common and common < len(told):
            version, _ = former[common - 1]
            if version.valid_to == FAR_FUTURE_AT:
                closed.append((version.pk, told[common].valid_from))
        for index in range(common, len(told)):
            seq += 1
            until = told[index + 1].valid_from if index + 1 < len(told) else None
            versions.append(version_row(change.former.pk, seq, told[index], until, writer))
        last = told[-1]
        head = (
            change.former.pk, seq, last.valid_from, writer.change_sets[last.file], last.line,
            change.digest, stage_since(told), pushes(told),
        )  # fmt: skip
        out.writerow([cell(value) for value in (*head, *(last.state[name] for name in TRACKED_FIELDS))])
    _rewrite(writer, superseded, closed, versions, buffer)


def _rewrite(
    writer: Writer,
    superseded: list[int],
    closed: list[tuple[int, datetime]],
    versions: list[list[object]],
    buffer: io.StringIO,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL salesops.rewriting = 'on'")
    OpportunityVersion.objects.filter(pk__in=superseded).update(superseded_at=writer.stamp)
    for pk, at in closed:
        OpportunityVersion.objects.filter(pk=pk).update(valid_to=at)
    _update(_REPLACE, buffer)
    insert_versions(versions)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL salesops.rewriting = 'off'")


def _timelines(deals: list[int]) -> dict[int, Known]:
    """What is known of the deals' lives now, in order."""
    found: dict[int, Known] = {}
    rows = OpportunityVersion.objects.filter(opportunity_id__in=deals, superseded_at=FAR_FUTURE_AT)
    for version in rows.order_by("opportunity_id", "valid_from", "seq"):
        state = {name: getattr(version, name) for name in TRACKED_FIELDS}
        found.setdefault(version.opportunity_id, []).append(
            (version, Segment(version.valid_from, state, version.origin))
        )
    return found


def _last_seq(deals: list[int]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT opportunity_id, max(seq) FROM opportunities_opportunityversion WHERE opportunity_id = "
            "ANY(%s) GROUP BY 1",
            [deals],
        )
        return dict(cursor.fetchall())


def _common(former: Known, told: list[Segment]) -> int:
    """How many known versions can stay: alike in state and start, and in their end as well (an end is set
    only once)."""
    count = 0
    for (_, known), segment in zip(former, told, strict=False):
        if known.valid_from != segment.valid_from or known.state != segment.state:
            break
        count += 1
    while count > 0 and not (count == len(told) == len(former)):
        ends = former[count - 1][0].valid_to
        if count < len(told) and ends in (FAR_FUTURE_AT, told[count].valid_from):
            break
        count -= 1
    return count
