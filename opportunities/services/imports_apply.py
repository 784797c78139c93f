"""Applying a planned import, step by step, each step once however often it is tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_noop

from opportunities.domain.import_json import mapping_from_json, mapping_to_json
from opportunities.domain.import_mapping import Role
from opportunities.domain.import_plan import Plan
from opportunities.models import ChangeSet, ImportBatch, ImportRow
from opportunities.services.imports import ImportRefused, audit_import, reason_of, remember
from opportunities.services.imports_again import note_records_left, remember_result, same_again, watch_records
from opportunities.services.imports_deals import CHUNK, chunk_count, write_chunk
from opportunities.services.imports_plan import make_plan, problem_row, save_plan
from opportunities.services.imports_prepare import Prepared, prepare
from opportunities.services.imports_rates import write_rates
from opportunities.services.imports_references import apply_references, load_keys
from opportunities.services.imports_sinks import sink_for
from opportunities.services.imports_staging import stage
from opportunities.services.imports_writer import writer_for
from organization.services import OrganizationError
from salesops.kernel.said import Said
from salesops.kernel.tabular import UnreadableFile
from salesops.wall.context import saving

State = ImportBatch.State


class Steps(Protocol):
    """What applying needs of a job: steps that take effect once, and a place to say how far it is."""

    def step(self, name: str) -> AbstractContextManager[bool]:
        """A transaction; True inside when the step is still to do."""
        ...

    def progress(self, done: int | None = None, total: int | None = None, phase: str | None = None) -> None:
        """Say how far the work is; may raise when somebody cancelled."""
        ...


def apply_import(*, batch_id: int, steps: Steps) -> dict[str, Any]:
    """Write what the plan says. Safe to call again after a crash: finished steps are not repeated.

    Raises `ImportRefused` when questions are open, the batch was already applied, or another import of its
    source is running.
    """
    batch = ImportBatch.objects.get(pk=batch_id)
    refusal = ImportRefused(
        Said("This import cannot be applied: it is not ready, or has been applied before.")
    )
    if batch.state == State.DONE:
        with steps.step("finish") as todo:  # done by an earlier attempt, which died before it could say so
            if todo:
                raise refusal
        return dict(batch.plan)
    if batch.state not in {State.READY, State.RUNNING, State.CANCELLED}:
        raise refusal
    with _only_one(batch.source):
        try:
            return _apply(batch, steps)
        except Exception as error:
            _note_end(batch, error)
            raise


def _note_end(batch: ImportBatch, error: Exception) -> None:
    """A cancelled import says so; after anything else the job may try again, and the page shows why it
    stopped."""
    is_cancel = type(error).__name__ == "JobCancelledError"
    state = State.CANCELLED if is_cancel else State.RUNNING
    ImportBatch.objects.filter(pk=batch.pk).update(state=state, error="" if is_cancel else _reason(error))


def _reason(error: Exception) -> str:
    return reason_of(error) if isinstance(error, ImportRefused | UnreadableFile) else str(error)[:2000]


class _only_one:  # noqa: N801
    """One import per source at a time, by an advisory lock of the session; a dead worker's lock goes with
    its connection."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 20261))", [f"import:{self._source}"]
            )
            if not cursor.fetchone()[0]:
                raise ImportRefused(
                    Said(
                        "Another import of “%(source)s” is running. Wait until it has ended.",
                        source=self._source,
                    )
                )

    def __exit__(self, *_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_unlock(hashtextextended(%s, 20261))", [f"import:{self._source}"]
            )


def _apply(batch: ImportBatch, steps: Steps) -> dict[str, Any]:
    steps.progress(done=0, total=batch.staged_rows or None, phase=gettext_noop("Preparing"))
    with steps.step("begin") as todo:
        if todo:
            batch.applied_at, batch.state = timezone.now(), State.RUNNING
            batch.save(update_fields=["applied_at", "state"])
            _change_sets(batch)
    batch.refresh_from_db()
    ImportBatch.objects.filter(pk=batch.pk).update(state=State.RUNNING)
    assert batch.as_of is not None
    assert batch.applied_at is not None
    if former := _still_the_same(batch):
        with steps.step("finish") as todo:
            if todo:
                _finish_again(batch, former)
        return dict(batch.plan)
    prepared = prepare(batch, mapping_from_json(batch.mapping), now=batch.as_of)
    _stage_again_if_lost(batch, prepared)
    with steps.step("references") as todo:
        if todo:
            steps.progress(phase=gettext_noop("Writing people, accounts, products and stages"))
            before = watch_records()
            _write_references(prepared)
            note_records_left(batch, before)
    _write_deals(batch, prepared, steps)
    with steps.step("quotas and rates") as todo:
        if todo:
            _write_others(batch, prepared)
    with steps.step("finish") as todo:
        if todo:
            _finish(batch, prepared)
    return dict(batch.plan)


def _write_references(prepared: Prepared) -> None:
    """What the organisation refuses (a circle through a move that is planned for a later day) ends the run in words."""
    try:
        apply_references(prepared)
    except OrganizationError as refused:
        why = Said(
            "%(reason)s Correct the managers in the file or in Set-up, then import the file again.",
            reason=refused.message,
        )
        raise ImportRefused(why) from refused


def _change_sets(batch: ImportBatch) -> None:
    """One change set per file: a version's change set and row number lead back to the line it came from."""
    for file in batch.files.order_by("position"):
        change_set = ChangeSet.objects.create(
            kind=ChangeSet.Kind.IMPORT, at=stamp_of(batch), actor_id=batch.actor_id,
            actor_name=batch.actor_name, note=file.name, import_batch_id=batch.pk,
        )  # fmt: skip
        file.change_set_id = change_set.pk
        file.save(update_fields=["change_set_id"])


def _still_the_same(batch: ImportBatch) -> ImportBatch | None:
    """The import that was planned to be repeated, if its result still stands."""
    former = same_again(batch) if "same_as" in batch.plan else None
    return former if former is not None and former.pk == batch.plan["same_as"] else None


def _finish_again(batch: ImportBatch, former: ImportBatch) -> None:
    """Nothing is written: every row is unchanged."""
    batch.mapping = former.mapping
    remember(batch=batch, mapping=mapping_from_json(former.mapping))
    _end(batch)


def _stage_again_if_lost(batch: ImportBatch, prepared: Prepared) -> None:
    """Staged rows are unlogged: a database crash empties them. They are staged again, and chunks get new
    names."""
    if "same_as" in batch.plan:
        _plan_after_all(batch, prepared)
        return
    if ImportRow.objects.filter(batch_id=batch.pk).count() == batch.staged_rows:
        return
    with saving():
        stage(prepared, Plan())
        batch.plan["generation"] = int(batch.plan.get("generation", 0)) + 1
        batch.save(update_fields=["plan", "staged_rows"])


def _plan_after_all(batch: ImportBatch, prepared: Prepared) -> None:
    """What was to be repeated has changed since the preview: the files are read in full."""
    with saving():
        plan = make_plan(prepared)
        save_plan(prepared, plan)
        if plan.is_blocked:
            raise ImportRefused(
                Said("What these files refer to has changed since the preview. Import them anew.")
            )
        ImportBatch.objects.filter(pk=batch.pk).update(state=State.RUNNING)


def _write_deals(batch: ImportBatch, prepared: Prepared, steps: Steps) -> None:
    writer = writer_for(prepared, load_keys(batch.source))
    total, generation = chunk_count(batch.pk), batch.plan.get("generation", 1)
    for number in range(total):
        steps.progress(done=number * CHUNK, total=total * CHUNK, phase=gettext_noop("Writing deals"))
        with steps.step(f"deals {generation}-{number:05d}") as todo:
            if todo:
                _count(batch, write_chunk(replace(writer), number))


def _count(batch: ImportBatch, written: Mapping[str, int]) -> None:
    """Add up what was written, in the transaction that wrote it."""
    batch.plan["written"] = dict(Counter(batch.plan.get("written", {})) + Counter(written))
    batch.save(update_fields=["plan"])


def _write_others(batch: ImportBatch, prepared: Prepared) -> None:
    """Quotas and rates: handed to the app that keeps them."""
    for role, letter in ((Role.QUOTA, "Q"), (Role.CURRENCY_RATE, "X")):
        rows = list(
            ImportRow.objects.filter(batch_id=batch.pk, role=letter)
            .order_by("file", "line")
            .values_list("line", "payload")
        )
        if not rows:
            continue
        sink = write_rates if role is Role.CURRENCY_RATE else sink_for(role)
        part = "quotas" if role is Role.QUOTA else "rates"
        counts: dict[str, Any] = {"left": len(rows)}
        if sink is not None:
            counts = sink(batch=batch, mapping=prepared.mapping, rows=rows, keys=load_keys(batch.source))
        for problem in counts.pop("problems", ()):
            problem_row(batch.pk, problem).save()
        planned = batch.plan.get(part, {})
        if "rejected" in planned:
            counts["rejected"] = counts.get("rejected", 0) + planned["rejected"]
        batch.plan[part] = {**planned, **counts}
    batch.save(update_fields=["plan"])


def _tell_what_was_written(batch: ImportBatch) -> None:
    """The counts are those of the preview, unless somebody changed deals in between: then what was done counts."""
    plan, written = batch.plan, batch.plan.pop("written", {})
    left = plan["created"] + plan["updated"] + plan["unchanged"]
    plan["created"], plan["updated"] = written.get("created", 0), written.get("updated", 0)
    plan["unchanged"] = left - plan["created"] - plan["updated"]
    if deals := plan.get("deals"):
        names = ("created", "updated", "unchanged")
        left = sum(deals.get(name, 0) for name in names)
        made, changed = (written.get(f"deals_{name}", 0) for name in names[:2])
        told = dict(zip(names, (made, changed, left - made - changed), strict=True))
        plan["deals"] = {**deals, **told}
        plan["deals"] = {name: count for name, count in plan["deals"].items() if count or name in deals}


def _finish(batch: ImportBatch, prepared: Prepared) -> None:
    read_as, batch.mapping = batch.mapping, mapping_to_json(prepared.mapping)
    _tell_what_was_written(batch)
    remember(batch=batch, mapping=prepared.mapping)
    remember_result(batch, prepared, read_as)
    ImportRow.objects.filter(batch_id=batch.pk).delete()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE opportunities_opportunity")
        cursor.execute("ANALYZE opportunities_opportunityversion")
    _end(batch)


def _end(batch: ImportBatch) -> None:
    batch.state, batch.error = State.DONE, ""
    batch.save(update_fields=["state", "mapping", "repairs", "error", "plan"])
    names = ("rows", "created", "updated", "unchanged", "rejected", "set_aside")
    audit_import(batch=batch, verb="IMPORT", after={name: batch.plan.get(name, 0) for name in names})


def stamp_of(batch: ImportBatch) -> datetime:
    """The instant the batch's knowledge dates from."""
    return batch.applied_at or batch.created_at
