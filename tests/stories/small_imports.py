"""Small imports of source `crm`, written as rows in the test, and the ways to plan, apply and undo them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from django.db import transaction

from opportunities.domain.import_mapping import ImportMapping, Policy, Role
from opportunities.models import ImportBatch, Opportunity
from opportunities.services.imports import (
    answer_import,
    change_mapping,
    plan_import,
    recognise_import,
    start_import,
)
from opportunities.services.imports_apply import apply_import
from opportunities.services.imports_undo import Undone, undo_import
from organization.domain.scope import Scope

SYSTEM = Scope.system("test")
HEAD = "Deal ID,Deal Name,Account Name,Owner,Stage,Amount,Close Date"
ANSWERS = {
    "stage:Verbal OK": "COMMIT",
    "stage:Prospecting": "PIPELINE",
    "stage:Closed Won": "WON",
    "stage:Closed Lost": "LOST",
    "missing-owners": "create",
}
Files = Mapping[str, str]
"""Text by file name."""


class Steps:
    """Runs every step once, in a transaction; `between` is called before each chunk of deals, as another session would
    act."""

    def __init__(self, between: Callable[[], object] | None = None) -> None:
        self.between = between

    @contextmanager
    def step(self, name: str) -> Iterator[bool]:
        if name.startswith("deals") and self.between is not None:
            self.between()
        with transaction.atomic():
            yield True

    def progress(self, done: int | None = None, total: int | None = None, phase: str | None = None) -> None:
        pass


def deals(*rows: str, head: str = HEAD) -> Files:
    """One file of deals."""
    return {"deals.csv": "\n".join((head, *rows, ""))}


def folder_of(tmp_path: Path, files: Files) -> Path:
    """The files in a folder of their own."""
    folder = tmp_path / f"export-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def planned(
    tmp_path: Path, files: Files, *, source: str = "crm", policies: Mapping[str, str] | None = None
) -> int:
    """A batch with its plan; nothing is open. `policies` are set on columns of the deals."""
    batch_id = start_import(path=folder_of(tmp_path, files), scope=SYSTEM, actor_name="Ada")
    mapping = recognise_import(batch_id=batch_id, source=source)
    if policies:
        change_mapping(batch_id=batch_id, mapping=with_policies(mapping, policies))
    answer_import(batch_id=batch_id, answers=ANSWERS, repairs={})
    plan = plan_import(batch_id=batch_id)
    assert not plan.is_blocked, plan.questions
    assert plan.balances()
    return batch_id


def with_policies(mapping: ImportMapping, policies: Mapping[str, str]) -> ImportMapping:
    """The mapping with a policy on these fields of the deals."""
    files = []
    for file in mapping.files:
        parts = []
        for part in file.extracts:
            columns = {
                name: replace(column, policy=Policy(policies.get(name, column.policy)))
                for name, column in part.columns.items()
            }
            parts.append(replace(part, columns=columns) if part.role is Role.OPPORTUNITY else part)
        files.append(replace(file, extracts=tuple(parts)))
    return replace(mapping, files=tuple(files))


def imported(
    tmp_path: Path, files: Files, *, between: Callable[[], object] | None = None, **how: object
) -> int:
    """Planned and applied."""
    batch_id = planned(tmp_path, files, **how)  # type: ignore[arg-type]
    apply_import(batch_id=batch_id, steps=Steps(between))
    return batch_id


def undone(batch_id: int) -> Undone:
    """Undone by somebody."""
    return undo_import(batch_id=batch_id, actor_id=7, actor_name="Uma")


def deal(key: str = "D-1") -> Opportunity:
    """The deal of this identity."""
    return Opportunity.objects.get(external_id=key)


def counts(batch_id: int) -> dict[str, object]:
    """What a batch says of its rows, now."""
    plan = ImportBatch.objects.get(pk=batch_id).plan
    names = ("rows", "created", "updated", "unchanged", "rejected", "set_aside", "deals", "references")
    return {name: plan[name] for name in names}
