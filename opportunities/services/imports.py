"""CRM imports: plan, preview, apply, undo. The browser's wizard and `import_crm` call these functions and
no others."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from opportunities.domain.import_json import mapping_from_json, mapping_to_json
from opportunities.domain.import_mapping import Answers, ImportMapping
from opportunities.domain.import_plan import Plan
from opportunities.domain.import_repairs import NoSuchColumn, Repairs, columns_meant, with_later
from opportunities.domain.import_typing import Question
from opportunities.models import ImportBatch, ImportFile, RememberedMapping
from opportunities.services.imports_again import records_state, same_again
from opportunities.services.imports_plan import make_plan, plan_again, save_plan
from opportunities.services.imports_prepare import Tell, prepare, silent
from opportunities.services.imports_reading import (
    LIMITS,
    answers_of,
    combine,
    has_broken_rows,
    mapping_for,
    open_tables,
    remembered_answers,
)
from opportunities.services.imports_stage_values import note_stage_values
from organization.domain.scope import Scope
from salesops.audit.record import record
from salesops.kernel.archive import SourceFile, find_files
from salesops.kernel.delimited import digest_of
from salesops.kernel.said import Said
from salesops.kernel.tabular import AT_ONCE, Gatherer, Problem, UnreadableFile
from salesops.wall.context import saving

State = ImportBatch.State


class ImportRefused(Exception):
    """The import cannot go on; `why` says the reason and what to do."""

    def __init__(self, why: Said) -> None:
        super().__init__(why)
        self.why = why


def import_folder(batch_id: int) -> Path:
    """Where the files of a batch are kept."""
    return Path(settings.VAR_DIR) / "imports" / str(batch_id)


@saving()
def start_import(
    *, path: Path, scope: Scope, actor_name: str = "", name: str = "", keep_in: Path | None = None
) -> int:
    """Take a file, folder or zip into a new batch; the files are copied and kept (in `keep_in`, else where all
    imports are kept). Raises `UnreadableFile`."""
    batch = ImportBatch.objects.create(
        created_at=timezone.now(), actor_id=scope.user_id, actor_name=actor_name[:200]
    )
    folder = keep_in or import_folder(batch.pk)
    folder.mkdir(parents=True, exist_ok=True)
    batch.folder = str(folder)
    found = find_files(path, unpack_to=folder / "unpacked", limits=LIMITS)
    if len(found) == 1 and name:
        found = [SourceFile(found[0].path, name)]
    _keep(batch, found, folder)
    return batch.pk


def _keep(batch: ImportBatch, found: list[SourceFile], folder: Path) -> None:
    digests = []
    for position, source in enumerate(found):
        if source.path.stat().st_size > LIMITS.file_bytes:
            message, cure = Said("is too large"), Said("Export fewer rows per file.")
            raise UnreadableFile(Problem(source.name, None, "", "", message, cure, "TOO_LARGE"))
        kept = folder / f"{position:03d}{source.path.suffix.lower()}"
        shutil.copyfile(source.path, kept)
        digest = digest_of(kept)
        digests.append(f"{source.name}:{digest}")
        ImportFile.objects.create(
            batch=batch,
            position=position,
            name=source.name[:255],
            path=str(kept),
            digest=digest,
            size=kept.stat().st_size,
        )
    batch.digest = hashlib.sha256("\n".join(digests).encode()).hexdigest()
    batch.save(update_fields=["folder", "digest"])


@saving()
def recognise_import(
    *,
    batch_id: int,
    preset: str = "",
    source: str = "",
    mapping: ImportMapping | None = None,
    time_zone: str = "",
) -> ImportMapping:
    """Find out what the files are (or take the given mapping) and store the mapping with the batch.

    Raises `ImportRefused` when the time zone does not exist.
    """
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    tables, problems = open_tables(batch, limits=AT_ONCE)
    if not tables and problems:
        raise UnreadableFile(problems[0])
    found = mapping if mapping is not None else mapping_for(tables, preset=preset, source=source)
    if source:
        found = replace(found, source=source)
    if time_zone:
        _check_zone(time_zone)
        found = replace(found, business_zone=time_zone, time_zone=found.time_zone or time_zone)
    for file in batch.files.all():
        table = tables.get(file.name)
        if table is not None:
            file.header, file.shape = list(table.header), {**file.shape, "found": asdict(table.shape)}
            file.sample = [row.cells for _, row in zip(range(5), table.rows(Gatherer()), strict=False)]
            file.save(update_fields=["header", "shape", "sample"])
    remembered = remembered_answers(tables, found.source)
    merged = combine(
        remembered, Answers(dict(batch.answers), {(column, old): new for column, old, new in batch.repairs})
    )
    _store(batch, found, merged)
    note_stage_values(batch, found, tables)
    return found


def receive_import(*, path: Path, scope: Scope, actor_name: str, preset: str = "") -> int:
    """Take files and find out what they are; nothing of them is kept when they cannot be read at all."""
    batch_id = None
    try:
        with saving():
            batch_id = start_import(path=path, scope=scope, actor_name=actor_name)
            recognise_import(batch_id=batch_id, preset=preset)
            _refuse_without_rows(batch_id)
    except Exception:
        if batch_id is not None:
            shutil.rmtree(import_folder(batch_id), ignore_errors=True)
        raise
    return batch_id


def _refuse_without_rows(batch_id: int) -> None:
    """Files none of which has a row to read are refused at once, with the reason, not after all the questions."""
    files = list(ImportFile.objects.filter(batch_id=batch_id).order_by("position"))
    if any(len(file.header) > 1 and file.sample for file in files):
        return
    told = Said("Export the rows as CSV or XLSX and choose that file.")
    for file in reversed(files[:5]):
        told = Said("%(this)s %(others)s", this=_without_rows(file), others=told)
    raise ImportRefused(told)


def _without_rows(file: ImportFile) -> Said:
    if len(file.header) < 2:
        return Said("“%(name)s” is no table: it has a single column.", name=file.name)
    if has_broken_rows(file):
        return Said(
            "“%(name)s” is no table: no row has as many cells as the first one names columns.", name=file.name
        )
    return Said("“%(name)s” has column names but no rows.", name=file.name)


@contextmanager
def trial() -> Iterator[Path]:
    """Whatever is done with an import in here leaves nothing behind: neither rows nor, in the folder given, files."""
    with tempfile.TemporaryDirectory(prefix="import-") as folder, saving():
        try:
            yield Path(folder)
        finally:
            transaction.set_rollback(True)


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ImportRefused(
            Said("“%(name)s” is not a time zone. Use a name such as Europe/Amsterdam.", name=name)
        ) from None


def _store(batch: ImportBatch, mapping: ImportMapping, answers: Answers) -> None:
    batch.mapping = mapping_to_json(mapping)
    batch.preset, batch.source = mapping.preset, mapping.source
    batch.answers = answers.given
    batch.repairs = [[column, old, new] for (column, old), new in answers.repairs.items()]
    batch.save(update_fields=["mapping", "preset", "source", "answers", "repairs"])


@saving()
def change_mapping(*, batch_id: int, mapping: ImportMapping) -> None:
    """Store a mapping a person edited; the plan is made anew from it."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    _refuse_unless(batch, {State.UPLOADED, State.ASKING, State.READY, State.FAILED})
    batch.mapping, batch.source, batch.preset = mapping_to_json(mapping), mapping.source, mapping.preset
    batch.state = State.UPLOADED
    batch.save(update_fields=["mapping", "source", "preset", "state"])
    note_stage_values(batch, mapping)


@saving()
def answer_import(*, batch_id: int, answers: dict[str, str], repairs: dict[tuple[str, str], str]) -> None:
    """Add answers and repairs to a batch; an answer to a repair question (`repair:COLUMN:VALUE`) is a
    repair."""
    repairs = dict(repairs)
    for key in [key for key in answers if key.startswith("repair:")]:
        _question, column, old = key.split(":", 2)
        repairs[column, old] = answers[key]
    answers = {key: value for key, value in answers.items() if not key.startswith("repair:")}
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    _refuse_unless(batch, {State.UPLOADED, State.ASKING, State.READY, State.FAILED})
    merged = with_later(answers_of(batch).repairs, _columns_meant(batch, repairs))
    batch.answers = {**batch.answers, **answers}
    batch.repairs = [[column, old, new] for (column, old), new in merged.items()]
    batch.save(update_fields=["answers", "repairs"])


def _columns_meant(batch: ImportBatch, repairs: Repairs) -> Repairs:
    headers = [name for file in batch.files.all() for name in file.header]
    try:
        return columns_meant(repairs, headers, mapping_from_json(batch.mapping))
    except NoSuchColumn as unknown:
        raise ImportRefused(
            Said(
                "No column is called “%(column)s”, so nothing was replaced. The columns are: %(columns)s.",
                column=str(unknown), columns=", ".join(headers),
            )
        ) from None  # fmt: skip


@saving()
def take_back_repair(*, batch_id: int, column: str, old: str) -> None:
    """Take a replacement back: the rows are read with the value the file has."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    _refuse_unless(batch, {State.UPLOADED, State.ASKING, State.READY, State.FAILED})
    batch.repairs = [repair for repair in batch.repairs if repair[:2] != [column, old]]
    batch.save(update_fields=["repairs"])


def _refuse_unless(batch: ImportBatch, states: set[State]) -> None:
    if batch.state not in states:
        raise ImportRefused(Said("This import can no longer be changed."))


def reason_of(error: ImportRefused | UnreadableFile) -> Said:
    """Why files or an import were refused, as a person reads it."""
    if isinstance(error, ImportRefused):
        return error.why
    found = error.problem
    return Said("“%(file)s” %(why)s. %(cure)s", file=found.file, why=found.message, cure=found.cure)


def plan_import(*, batch_id: int, tell: Tell = silent) -> Plan:
    """Read, type, resolve, stage and classify everything; store plan, questions and problems. Writes no
    deal. Files that were imported before, and would say nothing new, are not read."""
    batch = ImportBatch.objects.filter(pk=batch_id).first()
    if batch is None:
        raise ImportRefused(Said("This import was discarded."))
    _refuse_unless(batch, {State.UPLOADED, State.ASKING, State.READY, State.FAILED})
    if not batch.mapping.get("files"):
        raise ImportRefused(
            Said(
                "None of these files looks like deals, accounts, products, people or history: "
                "say what its columns mean."
            )
        )
    now = timezone.now()
    with saving():
        former = same_again(batch)
        if former is not None:
            return plan_again(batch, former, now)
        records = records_state()
        prepared = prepare(batch, mapping_from_json(batch.mapping), now=now, tell=tell)
        plan = make_plan(prepared, tell=tell)
        save_plan(prepared, plan)
        batch.plan["records"] = records
        batch.save(update_fields=["plan"])
    return plan


def accept_suggestions(questions: list[Question]) -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """Answers and repairs that follow every suggestion made; used only where a person asks for it."""
    answers = {
        question.key: question.suggestion
        for question in questions
        if question.suggestion and question.kind != "REPAIR"
    }
    repairs = {
        (question.column, question.value): question.suggestion
        for question in questions
        if question.kind == "REPAIR" and question.suggestion
    }
    return answers, repairs


def remember(*, batch: ImportBatch, mapping: ImportMapping) -> None:
    """Keep mapping, answers and the repairs that were of use for the next file with these headers."""
    useful = batch.plan.get("repairs_of_use")
    if useful is not None:
        batch.repairs = [repair for repair in batch.repairs if repair[:2] in useful]
    run = {"stages": mapping_to_json(mapping).get("stages", [])}
    for file in mapping.files:
        data = mapping_to_json(replace(ImportMapping(), files=(_without_readings(file),)))["files"][0]
        answers = {
            key: value
            for key, value in batch.answers.items()
            if not key.startswith(("date-order", "decimal"))
        }
        RememberedMapping.objects.update_or_create(
            signature=file.signature,
            defaults={
                "source": mapping.source,
                "file_mapping": data,
                "run_mapping": run,
                "answers": answers,
                "repairs": batch.repairs,
                "used_at": timezone.now(),
            },
        )


def _without_readings(file: Any) -> Any:
    """How this file wrote dates and decimals is evidence of this file only; the next one is looked at
    anew."""
    extracts = tuple(
        replace(
            part,
            columns={name: replace(column, order=None, style=None) for name, column in part.columns.items()},
        )
        for part in file.extracts
    )
    return replace(file, extracts=extracts)


def audit_import(
    *, batch: ImportBatch, verb: str, after: dict[str, Any], actor: tuple[int | None, str] | None = None
) -> None:
    """One line of the audit trail for an import as a whole; by who brought it unless another `actor` did this."""
    actor_id, actor_name = actor or (batch.actor_id, batch.actor_name)
    names = batch.files.order_by("position").values_list("name", flat=True)
    label = f"{batch.source}: {', '.join(names[:5])}"
    record(
        actor_id=actor_id, actor_name=actor_name, verb=verb, object_type="import",
        object_id=batch.pk, label=label[:300], before=None, after=after,
    )  # fmt: skip


Progress = Callable[[str, int, int | None], None]
