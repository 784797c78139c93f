"""The stages a run needs, from the export's own stage table or from the mapping's rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from opportunities.domain.import_mapping import ImportMapping, Role, StageRule
from opportunities.domain.import_refs import AMBIGUOUS, RefBook, fold


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A stage to have: where it stands and what it means."""

    key: str
    process: str
    name: str
    external_id: str
    status: str
    category: str
    position: int
    probability: Decimal | None

    @staticmethod
    def stated(process: str, external_id: str, values: dict[str, Any]) -> StageSpec:
        """From a row of the export's stage table."""
        is_closed, is_won = bool(values.get("is_closed")), bool(values.get("is_won"))
        status = "WON" if is_won else "LOST" if is_closed else "OPEN"
        category = status if status != "OPEN" else "PIPELINE"
        name = str(values.get("name") or external_id)[:100]
        position = int(values.get("position", 0)) % 32_000
        return StageSpec(
            stage_key(process, external_id),
            process,
            name,
            external_id,
            status,
            category,
            position,
            values.get("probability"),
        )


def stage_key(process: str, stage: str) -> str:
    """How a stage is called in staged rows."""
    return f"{process} / {stage}"


def stage_specs(
    mapping: ImportMapping, pairs: set[tuple[str, str]], refs: RefBook, *, only_seen: bool
) -> Iterator[StageSpec]:
    """Stages by rule: the whole ladder in every process the files use, or (beside an own stage table) only
    stages seen."""
    processes: dict[str, set[str]] = {}
    for text, stage in pairs:
        found = refs.of(Role.PROCESS).find(text) if text else refs.of(Role.PROCESS).find(mapping.process)
        process = text or mapping.process if found in (None, AMBIGUOUS) else found
        processes.setdefault(str(process), set()).add(fold(stage))
    for process, seen in sorted(processes.items()):
        for position, rule in enumerate(mapping.stages, start=1):
            if rule.process and fold(rule.process) != fold(process):
                continue
            if not only_seen or (fold(rule.name) in seen and refs.find_stage(process, rule.name) is None):
                yield _by_rule(process, rule, rule.position or position)


def _by_rule(process: str, rule: StageRule, position: int) -> StageSpec:
    probability = Decimal(rule.probability) if rule.probability else None
    return StageSpec(
        stage_key(process, rule.name),
        process,
        rule.name,
        rule.name,
        rule.status,
        rule.category,
        position,
        probability,
    )
