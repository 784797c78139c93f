"""Processes, stages and categories as the set-up pages show them, with how many deals stand in each."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q

from opportunities.models import Opportunity, SalesProcess, Stage, Subcategory
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.domain.sources import UNDONE
from organization.selectors.uses import Use, uses_by_row, uses_of
from salesops.wall import context as wall


@dataclass(frozen=True)
class StageFacts:
    """A stage and what reaching it suggests; `probability` in percent."""

    id: int
    process_id: int
    name: str
    position: int
    status: str
    category: str
    probability: Decimal
    guidance: str
    is_active: bool
    open_deals: int = 0
    deals: int = 0


@dataclass(frozen=True)
class ProcessFacts:
    """A sales process with its stages in order."""

    id: int
    name: str
    source: str
    is_active: bool
    stages: tuple[StageFacts, ...]

    @property
    def open_deals(self) -> int:
        """Open deals in any of its stages."""
        return sum(stage.open_deals for stage in self.stages)

    @property
    def deals(self) -> int:
        """Deals in any of its stages, closed ones included."""
        return sum(stage.deals for stage in self.stages)


@dataclass(frozen=True)
class SubcategoryFacts:
    """A finer division of a category."""

    id: int
    category: str
    code: str
    name: str
    description: str
    position: int
    is_active: bool
    open_deals: int = 0
    deals: int = 0


_DEALS = {"deals": "opportunities.opportunity"}
_MODELS = {"process": SalesProcess, "stage": Stage, "subcategory": Subcategory}


def setup_uses(scope: Scope, kind: str, row_id: int) -> tuple[Use, ...]:
    """What hangs on a process, a stage or a subcategory, so that it cannot be deleted."""
    row = _MODELS[kind]._default_manager.filter(pk=row_id).first()
    return uses_of(row) if row is not None and scope.can(Capability.CONFIGURE_PROCESS) else ()


@wall.system("counts without names, asked by who sets the thing up")
def processes_for_setup(scope: Scope) -> list[ProcessFacts]:
    """Every process with its stages; none for whoever may not configure them."""
    if not scope.can(Capability.CONFIGURE_PROCESS):
        return []
    counts = dict(
        Opportunity.objects.filter(status="OPEN", is_deleted=False, stage__isnull=False)
        .values_list("stage_id")
        .annotate(n=Count("id"))
    )
    every = uses_by_row(Stage, _DEALS)
    stages: dict[int, list[StageFacts]] = {}
    for stage in Stage.objects.order_by("process_id", "position", "id"):
        stages.setdefault(stage.process_id, []).append(
            StageFacts(
                stage.pk, stage.process_id, stage.name, stage.position, stage.status, stage.category,
                stage.probability, stage.guidance, stage.is_active, counts.get(stage.pk, 0),
                every.get(stage.pk, {}).get("deals", 0),
            )
        )  # fmt: skip
    return [
        ProcessFacts(
            process.pk, process.name, process.source, process.is_active, tuple(stages.get(process.pk, ()))
        )
        for process in SalesProcess.objects.exclude(source__startswith=UNDONE).order_by(
            "-is_active", "name", "id"
        )
    ]


def stage_for_setup(scope: Scope, stage_id: int) -> StageFacts | None:
    """One stage, or None."""
    every = (stage for process in processes_for_setup(scope) for stage in process.stages)
    return next((stage for stage in every if stage.id == stage_id), None)


@wall.system("counts without names, asked by who sets the thing up")
def subcategories_for_setup(scope: Scope) -> list[SubcategoryFacts]:
    """Every subcategory by category and place, with its open and all its deals."""
    if not scope.can(Capability.CONFIGURE_PROCESS):
        return []
    counts = dict(
        Opportunity.objects.filter(Q(subcategory__isnull=False), is_deleted=False, status="OPEN")
        .values_list("subcategory_id")
        .annotate(n=Count("id"))
    )
    every = uses_by_row(Subcategory, _DEALS)
    return [
        SubcategoryFacts(
            row.pk, row.category, row.code, row.name, row.description, row.position, row.is_active,
            counts.get(row.pk, 0), every.get(row.pk, {}).get("deals", 0),
        )
        for row in Subcategory.objects.order_by("category", "position", "id")
    ]  # fmt: skip
