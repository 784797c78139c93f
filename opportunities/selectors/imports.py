"""Reading imports: their history, counts, questions, problems and the line a version came from."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, IntegerField, Min, QuerySet, Value, When
from django.utils.translation import gettext as _

from opportunities.domain.import_cures import is_replaceable, suggested
from opportunities.domain.import_json import question_from_json
from opportunities.domain.import_repairs import ANY_COLUMN
from opportunities.models import ImportBatch, ImportEffect, ImportFile, ImportProblem
from organization.domain.roles import Capability
from salesops.kernel.said import Said

if TYPE_CHECKING:
    from organization.domain.scope import Scope


@dataclass(frozen=True)
class ProblemFacts:
    """A problem of a row."""

    file: str
    row: int | None
    column: str
    value: str
    message: Said
    cure: Said
    code: str
    severity: str


@dataclass(frozen=True)
class BatchFacts:
    """A line of the import history."""

    id: int
    state: str
    state_label: str
    source: str
    preset: str
    files: tuple[str, ...]
    created_at: datetime
    applied_at: datetime | None
    undone_at: datetime | None
    actor_name: str
    digest: str
    plan: dict[str, Any]
    can_undo: bool
    job_id: int | None
    error: str

    @property
    def can_discard(self) -> bool:
        """Whether it is a draft: nothing of it was written."""
        return self.state in {"UPLOADED", "ASKING", "READY", "FAILED"} and self.applied_at is None


class NotVisible(Exception):
    """There is no such import for this viewer."""


def _may_see(scope: Scope) -> bool:
    return bool(scope.reason) or scope.can(Capability.VIEW_IMPORTS) or scope.can(Capability.IMPORT_CRM)


def batches(scope: Scope, limit: int = 100) -> list[BatchFacts]:
    """The newest imports first; empty for those who may not see imports."""
    if not _may_see(scope):
        return []
    rows = ImportBatch.objects.prefetch_related("files").order_by("-created_at")[:limit]
    newest: set[str] = set()
    found = []
    for row in rows:
        is_newest = row.state == ImportBatch.State.DONE and row.source not in newest
        if row.state == ImportBatch.State.DONE:
            newest.add(row.source)
        found.append(_facts(row, can_undo=is_newest))
    return found


def batch(scope: Scope, batch_id: int) -> BatchFacts:
    """One import. Raises `NotVisible`."""
    row = (
        ImportBatch.objects.prefetch_related("files").filter(pk=batch_id).first() if _may_see(scope) else None
    )
    if row is None:
        raise NotVisible
    later = (
        ImportBatch.objects.filter(
            source=row.source, applied_at__gt=row.applied_at, state=ImportBatch.State.DONE
        )
        if row.applied_at
        else None
    )
    return _facts(row, can_undo=row.state == ImportBatch.State.DONE and not (later and later.exists()))


def _facts(row: ImportBatch, *, can_undo: bool) -> BatchFacts:
    label = _("Refused") if row.state == ImportBatch.State.FAILED else row.get_state_display()
    return BatchFacts(
        row.pk, row.state, label, row.source, row.preset, tuple(file.name for file in
        row.files.all()), row.created_at, row.applied_at, row.undone_at, row.actor_name, row.digest,
        row.plan, can_undo, row.job_id, row.error,
    )  # fmt: skip


def undo_counts(scope: Scope, batch_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """How many deals undoing each of the imports removes and puts back as they were."""
    if not batch_ids or not _may_see(scope):
        return {}
    found: dict[int, list[int]] = {batch_id: [0, 0] for batch_id in batch_ids}
    rows = ImportEffect.objects.filter(batch_id__in=batch_ids, kind="OPPORTUNITY")
    for batch_id, action, count in rows.values_list("batch_id", "action").annotate(n=Count("pk")):
        if action != ImportEffect.Action.NOTED:
            found[batch_id][action == ImportEffect.Action.UPDATED] += count
    return {batch_id: (created, updated) for batch_id, (created, updated) in found.items()}


def files_of(scope: Scope, batch_id: int) -> list[ImportFile]:
    """The files of an import in order."""
    return list(ImportFile.objects.filter(batch_id=batch_id).order_by("position")) if _may_see(scope) else []


def mapping_json(scope: Scope, batch_id: int) -> dict[str, Any]:
    """The stored mapping of an import."""
    return ImportBatch.objects.values_list("mapping", flat=True).get(pk=batch_id) if _may_see(scope) else {}


_COUNTS = (
    "rows",
    "created",
    "updated",
    "unchanged",
    "rejected",
    "set_aside",
    "repeats",
    "history_rows",
    "history_orphans",
    "history_set_aside",
    "absent_open",
)


def batch_summary(scope: Scope, batch_id: int) -> dict[str, Any]:
    """Counts and statements of an import's plan, as shown by page and command."""
    facts = batch(scope, batch_id)
    plan = facts.plan
    summary: dict[str, Any] = {
        "batch": facts.id,
        "state": facts.state,
        "preset": facts.preset,
        "source": facts.source,
    }
    summary.update({name: plan.get(name, 0) for name in _COUNTS})
    summary.update(
        {name: plan.get(name, {}) for name in ("references", "quotas", "rates", "problem_counts", "deals")}
    )
    summary["statements"] = plan.get("statements", [])
    summary["ignored_files"] = plan.get("ignored_files", [])
    summary["largest_changes"] = plan.get("largest_changes", [])
    summary["new_processes"] = plan.get("new_processes", [])
    summary["undone"] = plan.get("undone", {})
    summary["same_as"] = plan.get("same_as")
    return summary


def questions_of(scope: Scope, batch_id: int) -> list[dict[str, Any]]:
    """The questions an import still has."""
    if not _may_see(scope):
        return []
    kept = ImportBatch.objects.values_list("questions", flat=True).get(pk=batch_id)
    return [asdict(question_from_json(data)) for data in kept]


def _ordered(batch_id: int) -> QuerySet[ImportProblem]:
    gravity = Case(
        When(severity="ERROR", then=Value(0)),
        When(severity="WARNING", then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return ImportProblem.objects.filter(batch_id=batch_id).order_by(gravity, "code", "file", "row")


def problems_of(
    scope: Scope, batch_id: int, *, code: str = "", errors_only: bool = False, limit: int = 0
) -> list[ProblemFacts]:
    """Problems, gravest first."""
    if not _may_see(scope):
        return []
    rows = _ordered(batch_id)
    if code:
        rows = rows.filter(code=code)
    if errors_only:
        rows = rows.filter(severity="ERROR")
    fields = ("file", "row", "column", "value", "message", "cure", "code", "severity")
    return [ProblemFacts(*row) for row in rows.values_list(*fields)[: limit or None]]


@dataclass(frozen=True)
class ProblemGroup:
    """Problems alike but for their row: fixed once."""

    code: str
    severity: str
    file: str
    column: str
    value: str
    message: Said
    cure: Said
    count: int
    first_row: int | None
    replacement: str | None = None
    """What the value is replaced by so far, which did not mend it."""

    @property
    def is_replaceable(self) -> bool:
        """Whether writing another value mends it."""
        return is_replaceable(self.code, self.column, self.value)

    @property
    def suggestion(self) -> str:
        """What is likely meant, or what was said so far; blank leaves the value out."""
        return suggested(self.code, self.value) if self.replacement is None else self.replacement


def problem_groups(
    scope: Scope, batch_id: int, *, errors_only: bool = False, limit: int = 200
) -> list[ProblemGroup]:
    """Problems by cause and value with counts, gravest and most frequent first."""
    if not _may_see(scope):
        return []
    rows = ImportProblem.objects.filter(batch_id=batch_id)
    if errors_only:
        rows = rows.filter(severity="ERROR")
    fields = ("code", "severity", "file", "column", "value", "message", "cure")
    found = rows.values_list(*fields).annotate(count=Count("pk"), first=Min("row"))
    gravity = {"ERROR": 0, "WARNING": 1, "NOTE": 2}
    repairs = {(column, old): new for column, old, new in _repairs(batch_id)}
    groups = [ProblemGroup(*row) for row in found]
    groups = [
        replace(
            group,
            replacement=repairs.get((group.column, group.value), repairs.get((ANY_COLUMN, group.value))),
        )
        for group in groups
    ]
    groups.sort(key=lambda group: (gravity.get(group.severity, 3), -group.count, group.first_row or 0))
    return groups[:limit]


def _repairs(batch_id: int) -> list[list[str]]:
    return ImportBatch.objects.values_list("repairs", flat=True).get(pk=batch_id)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Replacement:
    """A value replaced wherever it is written; `is_of_use` is None until the rows were read with it."""

    column: str
    old: str
    new: str
    is_of_use: bool | None


def replacements_of(scope: Scope, batch_id: int) -> list[Replacement]:
    """The values replaced so far; the column is blank where any is meant."""
    if not _may_see(scope):
        return []
    row = ImportBatch.objects.only("repairs", "plan", "state").get(pk=batch_id)
    useful = row.plan.get("repairs_of_use") if row.state == ImportBatch.State.READY else None
    return [
        Replacement(column, old, new, None if useful is None else [column, old] in useful)
        for column, old, new in row.repairs
    ]


def raw_row(scope: Scope, change_set_id: int, line: int) -> dict[str, str]:
    """The cells of the line a version came from, by column: the end of the chain from figure to source."""
    file = ImportFile.objects.filter(change_set_id=change_set_id).first()
    if file is None or not scope.roles:
        return {}
    for number, cells in _lines(file):
        if number == line:
            return dict(zip(file.header, cells, strict=False))
    return {}


def _lines(file: ImportFile) -> Iterator[tuple[int, list[str]]]:
    from salesops.kernel.archive import SourceFile, open_table
    from salesops.kernel.tabular import Gatherer, Shape, UnreadableFile

    found = file.shape.get("chosen") or file.shape.get("found") or {}
    try:
        table = open_table(
            SourceFile(_path(file), file.name),
            shape=Shape(**{**found, "sheets": tuple(found.get("sheets", ()))}) if found else None,
        )
    except (OSError, csv.Error, UnreadableFile):
        return
    for row in table.rows(Gatherer()):
        yield row.line, row.cells


def _path(file: ImportFile) -> Any:
    from pathlib import Path

    return Path(file.path)
