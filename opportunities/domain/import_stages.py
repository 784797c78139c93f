"""The stages a run needs, from the export's own stage table or from the mapping's rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from opportunities.domain.import_mapping import ImportMapping, Role, StageRule
from opportunities.domain.import_profile import FileProfile
from opportunities.domain.import_refs import AMBIGUOUS, RefBook, fold
from salesops.kernel.said import Said
from salesops.kernel.tabular import Problem, Severity

USUAL_PROBABILITY = {
    "PIPELINE": Decimal(20), "UPSIDE": Decimal(50), "COMMIT": Decimal(80), "OMITTED": Decimal(0), "WON": Decimal(100),
    "LOST": Decimal(0),
}  # fmt: skip
"""What a new stage of a category gets where nothing states its probability; shown before it is created."""


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

    @property
    def probability_given(self) -> Decimal:
        """The stated probability, else the usual one of its category."""
        return USUAL_PROBABILITY[self.category] if self.probability is None else self.probability

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


def repeated_stage(file: str, line: int, column: str, name: str) -> Problem:
    """Two stages of one name in one sales process cannot be told apart by the deals that name them."""
    message = Said("is the name of another stage of this sales process; both are taken as that one")
    cure = Said("Give the two stages different names if they are two.")
    return Problem(file, line, column, name[:120], message, cure, "REPEATED_STAGE", Severity.WARNING)


def stage_key(process: str, stage: str) -> str:
    """How a stage is called in staged rows."""
    return f"{process} / {stage}"


def stage_pairs(profiles: Iterable[FileProfile], refs: RefBook) -> set[tuple[str, str]]:
    """Every (process text, stage text) for which there must be a stage.

    Lines of history name no process: theirs is that of their deals. Where the deals name none either, all of them
    are in the process of the run.
    """
    deals: set[tuple[str, str]] = set()
    history: set[tuple[str, str]] = set()
    for profile in profiles:
        (history if profile.is_history else deals).update(profile.pairs)
    if deals and not any(process for process, _ in deals):
        return deals | history
    return deals | {pair for pair in history if refs.find_stage("", pair[1]) is None}


def process_meant(text: str, mapping: ImportMapping, refs: RefBook) -> str:
    """The key of the process a text names; a blank one means that of the run."""
    found = refs.of(Role.PROCESS).find(text or mapping.process)
    return str(text or mapping.process if found in (None, AMBIGUOUS) else found)


def is_settled(process: str, stage: str, refs: RefBook) -> bool:
    """Whether a stage text in a process means one known stage."""
    return refs.find_stage(process, stage) not in (None, AMBIGUOUS)


def stage_specs(
    mapping: ImportMapping, pairs: set[tuple[str, str]], refs: RefBook, *, only_seen: bool
) -> Iterator[StageSpec]:
    """Stages by rule: the whole ladder in every process the files use, or (beside known stages) only stages seen.

    A process that lacks one of the stages seen, or has it only under a name that several other processes use, gets
    all that were seen: the deals of one process must not stand in stages of others.
    """
    processes: dict[str, set[str]] = {}
    for text, stage in pairs:
        processes.setdefault(process_meant(text, mapping, refs), set()).add(fold(stage))
    for process, seen in sorted(processes.items()):
        is_whole = all(is_settled(process, stage, refs) for stage in seen)
        for position, rule in enumerate(mapping.stages, start=1):
            if rule.process and fold(rule.process) != fold(process):
                continue
            is_wanted = not is_whole and fold(rule.name) in seen and not refs.has_stage(process, rule.name)
            if not only_seen or is_wanted:
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
