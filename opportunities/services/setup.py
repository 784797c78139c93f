"""How the company sells: processes, stages and subcategories. What a deal already has is never changed by it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import IntegrityError
from django.db.models import Max, QuerySet
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opportunities.domain.deal import OPEN_CATEGORIES, Category, Status
from opportunities.models import Opportunity, SalesProcess, Stage, Subcategory
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.domain.sources import UNDONE
from organization.services.removal import remove_unused
from salesops.audit.record import record
from salesops.ui.form_page import RefusedError
from salesops.ui.formats import number
from salesops.ui.meanwhile import Seen, unchanged
from salesops.wall.context import saving

CLOSED: dict[Status, tuple[Category, Decimal]] = {
    Status.WON: (Category.WON, Decimal(100)),
    Status.LOST: (Category.LOST, Decimal(0)),
}
"""What a closing stage forces."""


class SetupError(RefusedError):
    """A set-up the rules refuse."""

    def __init__(self, field: str, message: str, *, is_forbidden: bool = False) -> None:
        super().__init__(message)
        self.field, self.message, self.is_forbidden = field, message, is_forbidden


def _demand(scope: Scope) -> None:
    if not scope.reason and not scope.can(Capability.CONFIGURE_PROCESS):
        raise SetupError("", "You do not have the right to change how the company sells.", is_forbidden=True)


def _note(
    scope: Scope, kind: str, row: Any, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    if before != after:
        record(
            actor_id=scope.user_id, actor_name=scope.actor_name, verb="UPDATE" if before else "CREATE",
            object_type=kind, object_id=row.pk, label=str(row), before=before, after=after,
        )  # fmt: skip


def _store(row: Any, values: dict[str, Any], message: str) -> None:
    """Save, turning the database's "already there" into a sentence about the name."""
    for field, value in values.items():
        setattr(row, field, value)
    try:
        with saving():
            row.save()
    except IntegrityError as error:
        raise SetupError("name", message) from error


@saving()
def save_process(
    *,
    name: str,
    is_active: bool = True,
    process_id: int | None = None,
    seen: Seen | None = None,
    scope: Scope,
) -> int:
    """Add a process, or rename and (de)activate one; returns its id."""
    _demand(scope)
    name = name.strip()
    if not name:
        raise SetupError("name", "Give the process a name.")
    row = _held(SalesProcess.objects.all(), process_id) if process_id else SalesProcess(source="local")
    if row is None:
        raise SetupError("", "There is no such process.")
    before = {"name": row.name, "is_active": row.is_active} if process_id else None
    after = {"name": name, "is_active": is_active}
    unchanged(seen, before, after)
    taken = _("There is a process named %(name)s already.") % {"name": name}
    if is_active and before != after and _is_taken(name, process_id):
        raise SetupError("name", taken)
    _store(row, after, taken)
    _note(scope, "process", row, before, after)
    return int(row.pk)


def _is_taken(name: str, process_id: int | None) -> bool:
    """Whether another process in use has the name. Imports of several sources may bring one twice; people do not."""
    others = SalesProcess.objects.exclude(source__startswith=UNDONE).exclude(pk=process_id or 0)
    return others.filter(is_active=True, name__iexact=name).exists()


@saving()
def save_stage(
    *,
    process_id: int,
    name: str,
    status: str,
    category: str,
    probability: Decimal,
    guidance: str = "",
    is_active: bool = True,
    stage_id: int | None = None,
    seen: Seen | None = None,
    scope: Scope,
) -> int:
    """Add a stage at the end of its process, or change one; returns its id.

    A won stage suggests Won and 100 percent, a lost one Lost and 0; an open one any open category. Deals in the
    stage keep what they have, so what it means stays while it holds any that say otherwise.
    """
    _demand(scope)
    name = name.strip()
    if not name:
        raise SetupError("name", "Give the stage a name.")
    process = SalesProcess.objects.filter(pk=process_id).first()
    row = _held(Stage.objects.filter(process=process), stage_id) if stage_id else Stage(process=process)
    if process is None or row is None:
        raise SetupError("", "There is no such stage.")
    if stage_id:
        _keep_meaning(row, Status(status))
    if Status(status) in CLOSED:
        category, probability = CLOSED[Status(status)]
    elif Category(category) not in OPEN_CATEGORIES:
        raise SetupError("category", "An open stage suggests Commit, Upside, Pipeline or Omitted.")
    if not 0 <= probability <= 100:
        raise SetupError("probability", "A probability is 0 to 100 percent.")
    after = {
        "name": name, "status": str(status), "category": str(category), "probability": probability,
        "guidance": guidance.strip(), "is_active": is_active,
    }  # fmt: skip
    before = {field: getattr(row, field) for field in after} if stage_id else None
    unchanged(seen, before, after)
    if not stage_id:
        row.position = (process.stages.aggregate(top=Max("position"))["top"] or 0) + 1
    _store(row, after, f"{process.name} has a stage named {name} already.")
    _note(scope, "stage", row, before, after)
    return int(row.pk)


def _held(rows: QuerySet[Any], pk: int) -> Any:
    """The row, not to be changed by two at once: the second would write back what it had read before the first."""
    return rows.select_for_update(no_key=True).filter(pk=pk).first()


def _keep_meaning(stage: Stage, status: Status) -> None:
    """Refuse to make a stage of open deals a closing one, or one of closed deals another."""
    if stage.status == status:
        return
    # What is being written into it is waited for, and counted; what comes after reads the meaning anew (`entering`).
    Stage.objects.select_for_update().get(pk=stage.pk)
    count = Opportunity.objects.filter(stage=stage, status=stage.status, is_deleted=False).count()
    if not count:
        return
    if stage.status == Status.OPEN:
        told = ngettext(
            "%(n)s open deal stands in this stage. Move it to another stage first, or add a new stage with the other "
            "meaning.",
            "%(n)s open deals stand in this stage. Move them to another stage first, or add a new stage with the other "
            "meaning.",
            count,
        )
    else:
        told = ngettext(
            "%(n)s closed deal stands in this stage. Add a new stage with the other meaning.",
            "%(n)s closed deals stand in this stage. Add a new stage with the other meaning.",
            count,
        )
    raise SetupError("status", told % {"n": number(count)})


@saving()
def move_stage(*, stage_id: int, step: int, scope: Scope) -> None:
    """Move a stage one place up (-1) or down (1) in its process."""
    _demand(scope)
    row = Stage.objects.filter(pk=stage_id).first()
    if row is None:
        raise SetupError("", "There is no such stage.")
    # Deals may enter meanwhile: what a stage means stays.
    held = Stage.objects.select_for_update(no_key=True).filter(process=row.process_id).order_by("id")
    siblings = sorted(
        held, key=lambda stage: (stage.position, stage.pk)
    )  # held in the order everybody holds them in
    before = [stage.name for stage in siblings]
    _shift(siblings, row.pk, step)
    Stage.objects.bulk_update(siblings, ["position"])
    _note(scope, "process", row.process, {"order": before}, {"order": [stage.name for stage in siblings]})


def _shift(rows: list[Any], pk: int, step: int) -> None:
    """Reorder in place and number from 1."""
    at = next(i for i, row in enumerate(rows) if row.pk == pk)
    to = min(max(at + (1 if step > 0 else -1), 0), len(rows) - 1)
    rows.insert(to, rows.pop(at))
    for position, row in enumerate(rows, start=1):
        row.position = position


@saving()
def save_subcategory(
    *,
    category: str,
    name: str,
    description: str = "",
    is_active: bool = True,
    subcategory_id: int | None = None,
    seen: Seen | None = None,
    scope: Scope,
) -> int:
    """Add a subcategory, or rename and (de)activate one; its category and code stay. Returns its id."""
    _demand(scope)
    name = name.strip()
    if not slugify(name):
        raise SetupError("name", "Give the subcategory a name with letters or digits.")
    if subcategory_id:
        row = _held(Subcategory.objects.all(), subcategory_id)
    else:
        top = Subcategory.objects.filter(category=category).aggregate(top=Max("position"))["top"] or 0
        row = Subcategory(category=Category(category), code=slugify(name)[:32], position=top + 1)
    if row is None:
        raise SetupError("", "There is no such subcategory.")
    after = {"name": name, "description": description.strip(), "is_active": is_active}
    before = {field: getattr(row, field) for field in after} if subcategory_id else None
    unchanged(seen, before, after)
    _store(row, after, f"{Category(row.category).title()} has a subcategory like {name} already.")
    _note(scope, "subcategory", row, before, after)
    return int(row.pk)


@saving()
def move_subcategory(*, subcategory_id: int, step: int, scope: Scope) -> None:
    """Move a subcategory one place up (-1) or down (1) within its category."""
    _demand(scope)
    row = Subcategory.objects.filter(pk=subcategory_id).first()
    if row is None:
        raise SetupError("", "There is no such subcategory.")
    siblings = list(
        Subcategory.objects.select_for_update().filter(category=row.category).order_by("position", "id")
    )
    before = [s.name for s in siblings]
    _shift(siblings, row.pk, step)
    Subcategory.objects.bulk_update(siblings, ["position"])
    _note(scope, "subcategory", row, {"order": before}, {"order": [s.name for s in siblings]})


_REMOVABLE: dict[str, tuple[Any, tuple[str, ...]]] = {
    "process": (SalesProcess, ("name",)),
    "stage": (Stage, ("process_id", "name", "status", "category", "probability", "guidance")),
    "subcategory": (Subcategory, ("category", "code", "name", "description")),
}


@saving()
def remove(*, kind: str, row_id: int, scope: Scope) -> None:
    """Delete a process, stage or subcategory that nothing uses or ever used. Raises `RefusedError` saying what does."""
    model, fields = _REMOVABLE[kind]
    row = model.objects.select_for_update().filter(pk=row_id).first()
    before = {field: getattr(row, field) for field in fields} if row else {}
    remove_unused(row, kind=kind, before=before, capability=Capability.CONFIGURE_PROCESS, scope=scope)
