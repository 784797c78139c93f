"""The plan of an import: made by reading the files, or taken from an import of the same files; kept with its batch."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import connection

from opportunities.domain.import_json import question_from_json, question_to_json
from opportunities.domain.import_mapping import Role
from opportunities.domain.import_plan import Plan
from opportunities.domain.import_references import ReferencePlan
from opportunities.domain.import_refs import FOUND_ELSEWHERE
from opportunities.domain.import_repairs import of_use
from opportunities.models import ImportBatch, ImportProblem
from opportunities.services.imports_again import repeated_plan
from opportunities.services.imports_prepare import Prepared, Tell, silent
from opportunities.services.imports_processes import new_processes
from opportunities.services.imports_staging import clear, stage
from salesops.kernel.tabular import Problem

State = ImportBatch.State


def make_plan(prepared: Prepared, *, tell: Tell = silent) -> Plan:
    """What applying will do, with its rows staged unless a question stands against that."""
    plan = Plan(questions=list(prepared.questions), statements=prepared.mapping.statements)
    plan.ignored_files = tuple(name for name in prepared.tables if prepared.mapping.file(name) is None)
    if not prepared.is_blocked:
        stage(prepared, plan, tell=tell)
    plan.references = {
        str(role): part.counts() for role, part in prepared.references.items() if part.rows or part.created
    }
    if prepared.stages:
        plan.references["STAGE"] = _stages(prepared)
    plan.new_processes = new_processes(prepared)
    if prepared.known.refs.of(Role.PERSON).is_found_elsewhere:
        plan.statements = (*plan.statements, FOUND_ELSEWHERE)
    plan.statements = (*plan.statements, *sorted(prepared.statements))
    plan.problem_counts = dict(prepared.gather.counts)
    plan.repairs_of_use = of_use(prepared.answers, prepared.gather.seen)
    return plan


def _stages(prepared: Prepared) -> dict[str, int]:
    """What becomes of the stages: those of a list of stages, and those that only deals name."""
    known = prepared.known.records.get(Role.STAGE, {})
    listed = prepared.references.get(Role.STAGE, ReferencePlan(Role.STAGE))
    new = sum(1 for key in prepared.stages if key not in known)
    return {
        "rows": len(prepared.stages) + listed.rejected + listed.repeated, "created": new, "updated": 0,
        "unchanged": len(prepared.stages) - new, "rejected": listed.rejected, "repeated": listed.repeated,
    }  # fmt: skip


def save_plan(prepared: Prepared, plan: Plan) -> None:
    """Keep the plan with its batch, and the problems found."""
    batch = prepared.batch
    batch.problems.all().delete()
    ImportProblem.objects.bulk_create(
        [problem_row(batch.pk, problem) for problem in prepared.gather.problems], batch_size=2000
    )
    for name, profile in prepared.profiles.items():
        batch.files.filter(name=name).update(rows=profile.rows + profile.broken)
    batch.questions = [question_to_json(question) for question in plan.questions]
    batch.state = State.ASKING if plan.is_blocked else State.READY
    _save(batch, plan_to_json(plan), prepared.now)


def _save(batch: ImportBatch, plan: dict[str, Any], now: datetime) -> None:
    batch.plan = {**plan, "generation": int(batch.plan.get("generation", 0)) + 1}
    batch.as_of, batch.error = now, ""
    batch.save()


_PROBLEMS = """
INSERT INTO opportunities_importproblem (batch_id, file, "row", "column", value, message, cure, code, severity)
SELECT %s, file, "row", "column", value, message, cure, code, severity FROM opportunities_importproblem
WHERE batch_id = %s ORDER BY id
"""


def plan_again(batch: ImportBatch, former: ImportBatch, now: datetime) -> Plan:
    """The plan that reading the files once more would make, taken from the import they came with."""
    clear(batch.pk)
    batch.problems.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(_PROBLEMS, [batch.pk, former.pk])
    for file in former.files.all():
        batch.files.filter(position=file.position).update(rows=file.rows)
    batch.questions, batch.state, batch.staged_rows = former.questions, State.READY, 0
    _save(batch, repeated_plan(former), now)
    fields = {name: value for name, value in batch.plan.items() if name in Plan.__dataclass_fields__}
    return Plan(
        **{**fields, "largest_changes": [], "questions": list(map(question_from_json, batch.questions))}
    )


def problem_row(batch_id: int, problem: Problem) -> ImportProblem:
    """A problem as a row to keep."""
    return ImportProblem(
        batch_id=batch_id, file=problem.file[:255], row=problem.row, column=problem.column[:255],
        value=problem.value[:200].replace("\0", "␀"), message=problem.message, cure=problem.cure,
        code=problem.code[:32], severity=problem.severity,
    )  # fmt: skip


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-ready data; amounts as text."""
    data = asdict(plan)
    data.pop("questions")
    data["largest_changes"] = [
        {**change, "before": _text(change["before"]), "after": _text(change["after"])}
        for change in data["largest_changes"]
    ]
    return data


def _text(value: object) -> str | None:
    return None if value is None else str(value)
