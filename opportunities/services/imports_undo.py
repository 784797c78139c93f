"""Undoing an import: every deal gets the history it had, every record the values it had; what was changed
since stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from opportunities.domain.deal import TRACKED_FIELDS
from opportunities.models import (
    Account,
    ChangeSet,
    ImportBatch,
    ImportEffect,
    Opportunity,
    OpportunityLine,
    OpportunityVersion,
    Product,
    ProductFamily,
    SalesProcess,
    Stage,
)
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.imports_known import UNDONE
from opportunities.services.imports import ImportRefused, audit_import
from opportunities.services.imports_rates import undo_rates
from opportunities.services.imports_sinks import forget_imported
from opportunities.services.imports_updates import LINE
from organization.models import Person, ReportingLine, Territory, TerritoryMembership
from organization.services import hold_hierarchies, rebuild_person_closure, rebuild_territory_closure

COLUMNS = ", ".join(TRACKED_FIELDS)


@dataclass(frozen=True)
class Undone:
    """What undoing did."""

    deals_removed: int
    deals_restored: int
    deals_kept: int
    """Deals somebody changed after the import: left as they are."""
    records: int


@transaction.atomic
def undo_import(*, batch_id: int, actor_id: int | None, actor_name: str) -> Undone:
    """Undo an import, also one that was stopped or given up half-way. Raises `ImportRefused` when it was not
    applied, or when one of its source is running or was applied later."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    if batch.state == ImportBatch.State.UNDONE or batch.applied_at is None:
        raise ImportRefused("Only an import that was applied can be undone.")
    _refuse_beside_others(batch)
    hold_hierarchies()
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
    removed, restored, kept = _deals(batch, sets, undo_set.pk)
    records = _records(batch)
    undo_rates(batch_id=batch.pk)
    forget_imported(plan=batch.plan)
    batch.state, batch.undone_at = ImportBatch.State.UNDONE, now
    batch.save(update_fields=["state", "undone_at"])
    done = Undone(removed, restored, kept, records)
    audit_import(batch=batch, verb="UNDO_IMPORT", after=done.__dict__, actor=(actor_id, actor_name))
    return done


def _refuse_beside_others(batch: ImportBatch) -> None:
    """Not while an import of the source runs, and the latest first: also one that stopped half-way wrote deals."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 20261))", [f"import:{batch.source}"]
        )
        if not cursor.fetchone()[0]:
            raise ImportRefused(f"An import of “{batch.source}” is running. Wait until it has ended.")
    later = ImportBatch.objects.filter(source=batch.source, applied_at__gt=batch.applied_at)
    if later.exclude(state=ImportBatch.State.UNDONE).exists():
        raise ImportRefused("A later import of this source was applied. Undo that one first.")


def _deals(batch: ImportBatch, sets: list[int], undo_set: int) -> tuple[int, int, int]:
    effects = list(
        ImportEffect.objects.filter(batch=batch, kind="OPPORTUNITY").values_list(
            "object_id", "action", "before"
        )
    )
    ids = [pk for pk, _, _ in effects]
    list(Opportunity.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
    foreign = set(
        OpportunityVersion.objects.filter(
            # What a later import did and its undo superseded, or put back with its first act, is no change since.
            opportunity_id__in=ids,
            superseded_at=FAR_FUTURE_AT,
            change_set__at__gt=batch.applied_at,
        )
        .exclude(change_set_id__in=sets)
        .values_list("opportunity_id", flat=True)
    )
    created = [pk for pk, action, _ in effects if action == "CREATED" and pk not in foreign]
    updated = {pk: before for pk, action, before in effects if action == "UPDATED" and pk not in foreign}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL salesops.rewriting = 'on'")
    _remove(created, undo_set)
    _restore(batch, updated, sets, undo_set)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL salesops.rewriting = 'off'")
    return len(created), len(updated), len(foreign)


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


_PRIOR = """
CREATE TEMPORARY TABLE import_prior ON COMMIT DROP AS
SELECT v.*, row_number() OVER w AS place, lead(v.valid_from) OVER w AS following,
       (SELECT max(seq) FROM opportunities_opportunityversion l WHERE l.opportunity_id = v.opportunity_id) AS last_seq
FROM opportunities_opportunityversion v
WHERE v.opportunity_id = ANY(%(ids)s) AND v.change_set_id <> ALL(%(sets)s) AND v.superseded_at >= %(stamp)s
  AND v.recorded_at <= %(stamp)s
WINDOW w AS (PARTITION BY v.opportunity_id ORDER BY v.valid_from, v.seq)
"""
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
    content_hash = (b.before->>'content_hash')::bigint, push_count = (b.before->>'push_count')::smallint,
    stage_entered_at = (b.before->>'stage_entered_at')::timestamptz,
    {", ".join(f"{name} = v.{name}" for name in TRACKED_FIELDS)}
FROM opportunities_opportunityversion v, opportunities_importeffect b
WHERE o.id = ANY(%(ids)s) AND v.opportunity_id = o.id AND v.superseded_at = %(far)s AND v.valid_to = %(far)s
  AND b.batch_id = %(batch)s AND b.kind = 'OPPORTUNITY' AND b.object_id = o.id
"""  # noqa: S608


def _restore(batch: ImportBatch, updated: dict[int, dict[str, Any]], sets: list[int], undo_set: int) -> None:
    """Deals the import changed: the history known before is recorded again, as known from now on."""
    if not updated:
        return
    _restore_lines(updated)
    touched = set(
        OpportunityVersion.objects.filter(opportunity_id__in=updated, change_set_id__in=sets).values_list(
            "opportunity_id", flat=True
        )
    )
    for pk in set(updated) - touched:
        Opportunity.objects.filter(pk=pk).update(content_hash=updated[pk].get("content_hash"))
    values = {
        "ids": sorted(touched), "sets": sets, "stamp": batch.applied_at, "now": timezone.now(), "far": FAR_FUTURE_AT,
        "batch": batch.pk, "undo": undo_set,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS import_prior")
        for statement in (_PRIOR, _END, _RESTORE_VERSIONS):
            cursor.execute(statement, values)
        cursor.execute(_RESTORE_ROWS, values)


def _restore_lines(updated: dict[int, dict[str, Any]]) -> None:
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


_KINDS: dict[str, Any] = {
    "MEMBERSHIP": TerritoryMembership,
    "STAGE": Stage,
    "PROCESS": SalesProcess,
    "ACCOUNT": Account,
    "PRODUCT": Product,
    "FAMILY": ProductFamily,
    "PERSON": Person,
    "TERRITORY": Territory,
}


def _records(batch: ImportBatch) -> int:
    """Look-up records: changed ones get their values back; created ones go, or are put out of sight while
    history names them."""
    count = _reporting_lines(batch)
    for kind, model in _KINDS.items():
        effects = list(
            ImportEffect.objects.filter(batch=batch, kind=kind)
            .order_by("-id")
            .values_list("object_id", "action", "before")
        )
        for pk, action, before in effects:
            if action == "UPDATED":
                model.objects.filter(pk=pk).update(
                    **{name: _value(model, name, value) for name, value in before.items()}
                )
        _drop(model, [pk for pk, action, _ in effects if action == "CREATED"], batch.pk)
        count += len(effects)
    rebuild_person_closure()
    rebuild_territory_closure()
    return count


def _value(model: Any, name: str, value: Any) -> Any:
    if value is None or not isinstance(value, str):
        return value
    field = name.removesuffix("_id") if name.endswith("_id") and name != "external_id" else name
    kind = model._meta.get_field(field).get_internal_type()
    if kind == "DecimalField":
        return Decimal(value)
    return date.fromisoformat(value) if kind == "DateField" else value


def _reporting_lines(batch: ImportBatch) -> int:
    effects = ImportEffect.objects.filter(batch=batch, kind="REPORTING_LINE")
    for person, before in effects.values_list("object_id", "before"):
        lines = ReportingLine.objects.filter(
            person_id=person, manager_id=before["manager_id"], from_date=before["from_date"]
        )
        lines.delete()
        ReportingLine.objects.filter(person_id=person, to_date=before["from_date"]).update(
            to_date="9999-12-31"
        )
    return effects.count()


def _drop(model: Any, ids: Sequence[int], batch_id: int) -> None:
    """Delete what nothing names any more; what superseded history still names is put out of sight and found
    no more."""
    if not ids:
        return
    named = _named(model, ids)
    free = [pk for pk in ids if pk not in named]
    if model is Account:
        Account.objects.filter(parent_id__in=free).update(parent=None)
    if model is Territory:
        Territory.objects.filter(parent_id__in=free).update(parent=None)
    if model is ProductFamily:
        ProductFamily.objects.filter(parent_id__in=free).update(parent=None)
    with connection.cursor() as cursor:
        for closure in _CLOSURES.get(model._meta.db_table, ()):
            cursor.execute(
                f"DELETE FROM {closure} WHERE ancestor_id = ANY(%s) OR descendant_id = ANY(%s)",  # noqa: S608
                [free, free],
            )
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE id = ANY(%s)", [free])  # noqa: S608
    hidden: dict[str, Any] = {}
    fields = {field.name for field in model._meta.get_fields()}
    if "is_active" in fields:
        hidden["is_active"] = False
    if "source" in fields:
        hidden["source"] = f"{UNDONE}{batch_id}"
    model.objects.filter(pk__in=named - _named(model, ids, only=_LIVE)).update(**hidden)


_CLOSURES = {
    "opportunities_productfamily": ("opportunities_productfamilyclosure",),
    "organization_person": ("organization_personclosure",),
    "organization_territory": ("organization_territoryclosure",),
}


_LIVE = frozenset(
    {"opportunities_opportunity", "opportunities_opportunityline", "opportunities_opportunitysplit"}
)
"""What refers to a record as of now: deals the import created and undoing left, because somebody changed them."""


def _named(model: Any, ids: Sequence[int], only: frozenset[str] = frozenset()) -> set[int]:
    """Which of the rows some other row (of these tables `only`) refers to, by any foreign key but the closures'."""
    found: set[int] = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c "
            "JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] "
            "WHERE c.contype = 'f' AND c.confrelid = %s::regclass AND c.conrelid <> c.confrelid",
            [model._meta.db_table],
        )
        for table, column in cursor.fetchall():
            if "closure" in table or (only and table not in only):
                continue
            cursor.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} = ANY(%s)", [list(ids)])  # noqa: S608
            found.update(row[0] for row in cursor.fetchall())
    return found
