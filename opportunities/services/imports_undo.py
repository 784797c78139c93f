"""Undoing an import: every deal gets the history it had, every record the values it had; what was changed
since stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from opportunities.domain.deal import TRACKED_FIELDS
from opportunities.models import (
    ChangeSet,
    ImportBatch,
    ImportEffect,
    Opportunity,
    OpportunityLine,
    OpportunitySplit,
    OpportunityVersion,
)
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.services.entering import hold, were_given_another_meaning
from opportunities.services.families import hold_families
from opportunities.services.imports import ImportRefused, audit_import
from opportunities.services.imports_decisions import LINE
from opportunities.services.imports_rates import undo_rates
from opportunities.services.imports_sinks import forget_imported
from opportunities.services.imports_undo_records import Kept, undo_records
from organization.services import hold_hierarchies
from salesops.kernel.said import Said
from salesops.wall.context import saving

COLUMNS = ", ".join(TRACKED_FIELDS)


_Effect = tuple[int, str, dict[str, Any]]
"""A deal of the import, what the import did to it, and what undoing needs to know of it."""
NAMED = 1000
"""So many of what was left are named; all are counted."""


@dataclass(frozen=True)
class Undone:
    """What undoing did."""

    deals_removed: int
    deals_restored: int
    deals_kept: int
    """Deals somebody changed after the import: left as they are."""
    records: int
    records_kept: int = 0
    """Accounts, people, products and the like somebody changed since, or what stays still names."""
    kept: tuple[Kept, ...] = ()
    """What was left, by name: deals first."""

    def told(self) -> dict[str, Any]:
        """As JSON-ready data."""
        return asdict(self)


@saving()
def undo_import(*, batch_id: int, actor_id: int | None, actor_name: str) -> Undone:
    """Undo an import, also one that was stopped or given up half-way. Raises `ImportRefused` when it was not
    applied, or when one of its source is running or was applied later."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    if batch.state == ImportBatch.State.UNDONE or batch.applied_at is None:
        raise ImportRefused(Said("Only an import that was applied can be undone."))
    _refuse_beside_others(batch)
    hold_hierarchies()
    hold_families()
    now = timezone.now()
    sets = [pk for pk in batch.files.values_list("change_set_id", flat=True) if pk is not None]
    undo_set = ChangeSet.objects.create(
        kind=ChangeSet.Kind.UNDO,
        at=now,
        actor_id=actor_id,
        actor_name=actor_name[:200],
        note=f"Import {batch.pk} undone",
        undoes_id=sets[0] if sets else None,
        import_batch_id=batch.pk,
    )
    removed, restored, deals = _deals(batch, sets, undo_set.pk)
    records, others = undo_records(batch.pk)
    undo_rates(batch_id=batch.pk)
    forget_imported(plan=batch.plan)
    done = Undone(removed, restored, len(deals), records, len(others), tuple([*deals, *others][:NAMED]))
    batch.state, batch.undone_at, batch.plan = (
        ImportBatch.State.UNDONE,
        now,
        {**batch.plan, "undone": done.told()},
    )
    batch.save(update_fields=["state", "undone_at", "plan"])
    audit_import(batch=batch, verb="UNDO_IMPORT", after=done.told(), actor=(actor_id, actor_name))
    return done


def _refuse_beside_others(batch: ImportBatch) -> None:
    """Not while an import of the source runs, and the latest first: also one that stopped half-way wrote deals."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 20261))", [f"import:{batch.source}"]
        )
        if not cursor.fetchone()[0]:
            raise ImportRefused(
                Said("An import of “%(source)s” is running. Wait until it has ended.", source=batch.source)
            )
    later = ImportBatch.objects.filter(source=batch.source, applied_at__gt=batch.applied_at)
    if later.exclude(state=ImportBatch.State.UNDONE).exists():
        raise ImportRefused(Said("A later import of this source was applied. Undo that one first."))


def _deals(batch: ImportBatch, sets: list[int], undo_set: int) -> tuple[int, int, list[Kept]]:
    """Each deal gets back what it had; returns how many were removed and put back, and those left."""
    effects = list(
        ImportEffect.objects.filter(batch=batch, kind="OPPORTUNITY").values_list(
            "object_id", "action", "before"
        )
    )
    ids = [pk for pk, _, _ in effects]
    list(Opportunity.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
    foreign = _changed_since(batch, effects, sets)
    foreign |= _homeless(batch, [pk for pk, action, _ in effects if action == "UPDATED"], sets)
    created = [pk for pk, action, _ in effects if action == "CREATED" and pk not in foreign]
    updated = {pk: before for pk, action, before in effects if action == "UPDATED" and pk not in foreign}
    noted = [pk for pk, action, _ in effects if action == "NOTED"]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL salesops.rewriting = 'on'")
    _remove(created, undo_set)
    _restore(batch, updated, sets)
    _restore_facts(batch, noted)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL salesops.rewriting = 'off'")
    kept = Opportunity.objects.filter(pk__in=foreign - set(noted)).order_by("name", "pk")
    left = [Kept("OPPORTUNITY", pk, name, "CHANGED") for pk, name in kept.values_list("pk", "name")]
    return len(created), len(updated), left


def _changed_since(batch: ImportBatch, effects: Sequence[_Effect], sets: list[int]) -> set[int]:
    """Deals of which something written after the import began still stands, also by an act begun before it, and deals
    it created that somebody has shared."""
    since = batch.applied_at
    standing = OpportunityVersion.objects.filter(
        # What a later import did and its undo superseded is no change since …
        opportunity_id__in=[pk for pk, _, _ in effects],
        superseded_at=FAR_FUTURE_AT,
    ).exclude(change_set_id__in=sets)
    known = OpportunityVersion.objects.filter(  # … nor what was put back with its first act.
        opportunity=OuterRef("opportunity"), change_set=OuterRef("change_set"), recorded_at__lte=since
    )
    later = standing.filter(Q(change_set__at__gt=since) | Q(recorded_at__gt=since) & ~Exists(known))
    created = [pk for pk, action, _ in effects if action == "CREATED"]
    shared = OpportunitySplit.objects.filter(opportunity_id__in=created, valid_to=FAR_FUTURE_AT)
    return {row for rows in (later, shared) for row in rows.values_list("opportunity_id", flat=True)}


def _homeless(batch: ImportBatch, ids: list[int], sets: list[int]) -> set[int]:
    """Deals whose stage of before the import has got another meaning since."""
    since = batch.applied_at
    if since is None:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_LAST_PRIOR, {"ids": ids, "sets": sets, "stamp": since})
        prior = cursor.fetchall()
    meanings = hold({stage for _, stage, _ in prior})
    others = [(pk, stage) for pk, stage, status in prior if meanings.get(stage, status) != status]
    changed = {s for s in {s for _, s in others} if were_given_another_meaning([s], since)}
    return {pk for pk, stage in others if stage in changed}


def _remove(ids: list[int], undo_set: int) -> None:
    """Deals the import created: no version of theirs is true any more, at any instant."""
    OpportunityVersion.objects.filter(opportunity_id__in=ids, superseded_at=FAR_FUTURE_AT).update(
        superseded_at=timezone.now()
    )
    OpportunityLine.objects.filter(opportunity_id__in=ids).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE opportunities_opportunity SET is_deleted = true, version = version + 1, content_hash = "
            "NULL, change_set_id = %s, "
            "owner_id = NULL, account_id = NULL, product_id = NULL, territory_id = NULL, stage_id = NULL, "
            "process_id = NULL, "
            "subcategory_id = NULL WHERE id = ANY(%s)",
            [undo_set, ids],
        )


_KNOWN_BEFORE = """v.opportunity_id = ANY(%(ids)s) AND v.change_set_id <> ALL(%(sets)s)
  AND v.superseded_at >= %(stamp)s AND v.recorded_at <= %(stamp)s"""
_LAST_PRIOR = f"""
SELECT opportunity_id, stage_id, status
FROM (SELECT DISTINCT ON (v.opportunity_id) v.opportunity_id, v.stage_id, v.status
      FROM opportunities_opportunityversion v WHERE {_KNOWN_BEFORE}
      ORDER BY v.opportunity_id, v.valid_from DESC, v.seq DESC) x
WHERE stage_id IS NOT NULL
"""  # noqa: S608
_PRIOR = f"""
CREATE TEMPORARY TABLE import_prior ON COMMIT DROP AS
SELECT v.*, row_number() OVER w AS place, lead(v.valid_from) OVER w AS following,
       (SELECT max(seq) FROM opportunities_opportunityversion l WHERE l.opportunity_id = v.opportunity_id) AS last_seq
FROM opportunities_opportunityversion v
WHERE {_KNOWN_BEFORE}
WINDOW w AS (PARTITION BY v.opportunity_id ORDER BY v.valid_from, v.seq)
"""  # noqa: S608
_END = """
UPDATE opportunities_opportunityversion v SET superseded_at = %(now)s
WHERE v.opportunity_id = ANY(%(ids)s) AND v.superseded_at = %(far)s
"""
_RESTORE_VERSIONS = f"""
INSERT INTO opportunities_opportunityversion
  (opportunity_id, seq, valid_from, valid_to, recorded_at, superseded_at, change_set_id, source_row, origin, {COLUMNS})
SELECT opportunity_id, last_seq + place, valid_from, coalesce(following, %(far)s), %(now)s, %(far)s,
change_set_id, source_row, origin,
       {COLUMNS}
FROM import_prior
"""  # noqa: S608
_RESTORE_ROWS = f"""
UPDATE opportunities_opportunity o
SET version = v.seq, changed_at = v.valid_from, source_row = v.source_row, change_set_id = v.change_set_id,
    push_count = (b.before->>'push_count')::smallint,
    stage_entered_at = (b.before->>'stage_entered_at')::timestamptz,
    {", ".join(f"{name} = v.{name}" for name in TRACKED_FIELDS)}
FROM opportunities_opportunityversion v, opportunities_importeffect b
WHERE o.id = ANY(%(ids)s) AND v.opportunity_id = o.id AND v.superseded_at = %(far)s AND v.valid_to = %(far)s
  AND b.batch_id = %(batch)s AND b.kind = 'OPPORTUNITY' AND b.object_id = o.id
"""  # noqa: S608


_RESTORE_FACTS = """
UPDATE opportunities_opportunity o
SET content_hash = (b.before->>'content_hash')::bigint,
    created_at = coalesce((b.before->>'created_at')::timestamptz, o.created_at)
FROM opportunities_importeffect b
WHERE b.batch_id = %s AND b.kind = 'OPPORTUNITY' AND b.object_id = o.id AND o.id = ANY(%s)
"""


def _restore(batch: ImportBatch, updated: Mapping[int, dict[str, Any]], sets: list[int]) -> None:
    """Deals the import changed: the history known before is recorded again, as known from now on."""
    if not updated:
        return
    _restore_lines(updated)
    _restore_facts(batch, list(updated))
    touched = set(
        OpportunityVersion.objects.filter(opportunity_id__in=updated, change_set_id__in=sets).values_list(
            "opportunity_id", flat=True
        )
    )
    values = {
        "ids": sorted(touched), "sets": sets, "stamp": batch.applied_at, "now": timezone.now(), "far": FAR_FUTURE_AT,
        "batch": batch.pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS import_prior")
        for statement in (_PRIOR, _END, _RESTORE_VERSIONS):
            cursor.execute(statement, values)
        cursor.execute(_RESTORE_ROWS, values)


def _restore_facts(batch: ImportBatch, ids: list[int]) -> None:
    """What no version tells: the row last read, and when the deal was created."""
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_RESTORE_FACTS, [batch.pk, ids])


def _restore_lines(updated: Mapping[int, dict[str, Any]]) -> None:
    """Lines have no history: they are noted with the effect, in columns `LINE`."""
    noted = {pk: before["lines"] for pk, before in updated.items() if "lines" in before}
    OpportunityLine.objects.filter(opportunity_id__in=noted).delete()
    OpportunityLine.objects.bulk_create(
        [
            OpportunityLine(opportunity_id=pk, **dict(zip(LINE, line, strict=True)))
            for pk, lines in noted.items()
            for line in lines
        ],
        batch_size=5000,
    )
