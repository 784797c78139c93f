"""What one reading of a whole file shows: number and date forms, values referred to, stages, columns that
identify."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations

from opportunities.domain.import_mapping import (
    DEAL_ROLES,
    FIELDS,
    LONGEST_KEY,
    NUMERIC,
    TEMPORAL,
    Answers,
    FileMapping,
    Kind,
    Role,
)
from opportunities.domain.import_refs import id_key
from opportunities.domain.import_typing import Evidence, kinds_of
from salesops.kernel.tabular import Gatherer, Row, Table


@dataclass(slots=True)
class FileProfile:
    """What one reading of a whole file showed."""

    name: str
    header: tuple[str, ...]
    rows: int = 0
    broken: int = 0
    """Lines that could not be split into cells: rows too, but rejected ones."""
    evidence: dict[str, Evidence] = field(default_factory=dict)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(process text, stage text) with counts."""
    flags: dict[str, Counter[tuple[str, ...]]] = field(default_factory=dict)
    """Stage text -> counts of what its rows say of outcome, forecast category and probability."""
    unique: tuple[str, ...] = ()
    """Columns that are filled and distinct in every row, when no identity column is mapped."""
    sample: list[list[str]] = field(default_factory=list)
    is_history: bool = False
    """Its stages are those of deals of other files, in whatever process these are."""


MOST_STAGES = 1_000
"""Different stages that are looked at in a file, and different things told of one; columns with more hold something
else."""
MOST_PAIRS = 20_000
"""Different stages of sales processes, where the file states these."""
MOST_HELD = 500_000
"""Values held to find the columns that are distinct in every row, beside those of one column."""
PAIRED = 30
"""Columns of which two together may identify a row."""
_FLAG_FIELDS = ("is_closed", "is_won", "forecast_category", "probability")


def profile_file(table: Table, mapping: FileMapping, gather: Gatherer, deal_keys: set[str]) -> FileProfile:
    """Read a file once for evidence: number and date forms, referred values, stage facts, unique columns.

    A deal file adds its identities to `deal_keys`; a history file only counts stages of deals in it, so
    that a stage nobody needs is not asked about.
    """
    header = mapping.columns or table.header
    profile = FileProfile(table.name, header)
    profile.is_history = not any(part.role in DEAL_ROLES for part in mapping.extracts)
    look = _Look.at(mapping, header, profile)
    for row in table.rows(gather):
        profile.rows += 1
        look.values(row)
        look.deals(row.cells, deal_keys)
        if len(profile.sample) < 5:
            profile.sample.append(row.cells)
    profile.broken = gather.total
    if look.uniques is not None:
        profile.unique = look.uniques.found(mapping)
    return profile


@dataclass(slots=True)
class _Look:
    """What is looked at in every row of a file, by column index."""

    profile: FileProfile
    typed: list[tuple[int, Evidence]]
    referring: list[tuple[int, Evidence, list[tuple[int, frozenset[str]]]]]
    blanks: dict[int, set[str]]
    stages: _StageColumns | None
    uniques: _Uniques | None
    identity: int | None
    history_deal: int | None

    @staticmethod
    def at(mapping: FileMapping, header: tuple[str, ...], profile: FileProfile) -> _Look:
        """Find the columns worth looking at."""
        at = {name: index for index, name in enumerate(header)}
        evidence = profile.evidence
        return _Look(
            profile,
            [
                (at[name], evidence.setdefault(name, Evidence(kind)))
                for name, kind in kinds_of(mapping).items()
                if name in at and kind in NUMERIC | TEMPORAL
            ],
            [
                (
                    at[name],
                    evidence.setdefault(name, Evidence(Kind.KEY)),
                    [(at[column], frozenset(values)) for column, values in where],
                )
                for name, where in _referring(mapping).items()
                if name in at
            ],
            {
                at[column.column]: set(column.blanks)
                for part in mapping.extracts
                for column in part.columns.values()
                if column.column in at and column.blanks
            },
            _StageColumns.of(mapping, at),
            _Uniques(header, mapping) if _needs_identity(mapping) else None,
            _identity_index(mapping, at),
            _deal_index(mapping, at),
        )

    def values(self, row: Row) -> None:
        """Numbers, dates and referred values of a row."""
        cells, blanks = row.cells, self.blanks
        for index, evidence in self.typed:
            text = cells[index].strip()
            if text and text not in blanks.get(index, ()):
                evidence.see(text, row.line)
            else:
                evidence.blank += 1
        for index, evidence, where in self.referring:
            text = cells[index].strip()
            if where and any(cells[column].strip() not in wanted for column, wanted in where):
                continue
            if text and text not in blanks.get(index, ()):
                evidence.see_reference(text, row.line)

    def deals(self, cells: list[str], deal_keys: set[str]) -> None:
        """Identity, stage and distinctness of a row."""
        if self.identity is not None:
            key = cells[self.identity].strip()
            if len(key) <= LONGEST_KEY:
                deal_keys.add(id_key(key))
        named = self.history_deal
        if self.stages is not None and (named is None or id_key(cells[named].strip()) in deal_keys):
            self.stages.see(cells, self.profile)
        if self.uniques is not None:
            self.uniques.see(cells)


def _identity_index(mapping: FileMapping, at: dict[str, int]) -> int | None:
    """Where a deal file keeps its identities."""
    for part in mapping.extracts:
        column = part.columns.get("external_id")
        if part.role in DEAL_ROLES and column is not None:
            return at.get(column.column)
    return None


def _deal_index(mapping: FileMapping, at: dict[str, int]) -> int | None:
    """Where a history file names its deal."""
    for part in mapping.extracts:
        if part.role is Role.STAGE_HISTORY and "deal" in part.columns:
            return at.get(part.columns["deal"].column)
    return None


def _referring(mapping: FileMapping) -> dict[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    """Columns that refer to records, with the rule that says which rows count."""
    names: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {}
    for part in mapping.extracts:
        for name, column in part.columns.items():
            spec = FIELDS[part.role].get(name)
            if column.column and spec and spec.refers_to not in (None, Role.OPPORTUNITY):
                names.setdefault(column.column, part.where)
    return names


def _needs_identity(mapping: FileMapping) -> bool:
    return any(
        part.role is Role.OPPORTUNITY and "external_id" not in part.columns and not part.identity
        for part in mapping.extracts
    )


@dataclass(slots=True)
class _StageColumns:
    """Where the stage facts of a deal or history file stand."""

    stage: int
    process: int | None
    flags: tuple[int | None, ...]
    where: list[tuple[int, frozenset[str]]]

    @staticmethod
    def of(mapping: FileMapping, at: dict[str, int]) -> _StageColumns | None:
        for part in mapping.extracts:
            stage = part.columns.get("stage")
            if (
                part.role not in {Role.OPPORTUNITY, Role.STAGE_HISTORY}
                or stage is None
                or stage.column not in at
            ):
                continue
            process = part.columns.get("process")
            flags = tuple(
                at.get(part.columns[name].column) if name in part.columns else None for name in _FLAG_FIELDS
            )
            where = [(at[name], frozenset(values)) for name, values in part.where if name in at]
            return _StageColumns(at[stage.column], at.get(process.column) if process else None, flags, where)
        return None

    def see(self, cells: list[str], profile: FileProfile) -> None:
        stage = cells[self.stage].strip()
        if not stage or any(cells[index].strip() not in wanted for index, wanted in self.where):
            return
        process = cells[self.process].strip() if self.process is not None else ""
        if max(len(stage), len(process)) > LONGEST_KEY:
            return  # its row is rejected
        if len(profile.flags) >= MOST_STAGES and stage not in profile.flags:
            return
        if len(profile.pairs) >= MOST_PAIRS and (process, stage) not in profile.pairs:
            return
        profile.pairs[process, stage] += 1
        facts = tuple(
            "" if index is None else cells[index].strip()[:LONGEST_KEY].casefold() for index in self.flags
        )
        told = profile.flags.setdefault(stage, Counter())
        if len(told) < MOST_STAGES or facts in told:
            told[facts] += 1


class _Uniques:
    """Which columns are filled and distinct in every row; a column is given up at its first blank, repetition or text
    too long for an identity, and the last ones where so many are distinct that they cannot all be held."""

    def __init__(self, header: tuple[str, ...], mapping: FileMapping) -> None:
        self._header = header
        kinds = kinds_of(mapping)
        texts = [i for i, name in enumerate(header) if kinds.get(name, Kind.TEXT) in {Kind.TEXT, Kind.KEY}]
        self._seen: dict[int, set[int]] = {index: set() for index in texts}
        self._rows: list[list[int]] = []
        self._count = 0

    def see(self, cells: list[str]) -> None:
        for index in list(self._seen):
            text = cells[index].strip()
            if not text or len(text) > LONGEST_KEY or hash(text) in self._seen[index]:
                del self._seen[index]
            else:
                self._seen[index].add(hash(text))
        self._count += 1
        while len(self._seen) > 1 and self._count * len(self._seen) > MOST_HELD:
            self._seen.popitem()
        if len(self._rows) < 20_000:
            self._rows.append([hash(cell) for cell in cells[:PAIRED]])

    def found(self, mapping: FileMapping) -> tuple[str, ...]:
        named = [
            column.column
            for part in mapping.extracts
            if part.role is Role.OPPORTUNITY
            for name, column in part.columns.items()
            if name in {"name", "account"}
        ]
        usable = [name for index, name in enumerate(self._header) if index in self._seen]
        usable.sort(key=lambda name: (name not in named, self._header.index(name)))
        return tuple(usable) or self._pairs(named)

    def _pairs(self, named: list[str]) -> tuple[str, ...]:
        """No single column will do: two columns, one of them naming the deal, that together are distinct."""
        for first, second in combinations(range(min(len(self._header), PAIRED)), 2):
            if self._header[first] not in named and self._header[second] not in named:
                continue
            if len({(row[first], row[second]) for row in self._rows}) == len(self._rows):
                return (f"{self._header[first]}+{self._header[second]}",)
        return ()


def with_stages_repaired(profile: FileProfile, mapping: FileMapping, answers: Answers) -> FileProfile:
    """The profile with misspelt stages counted under the names they are replaced by: those are not asked about."""
    columns = [part.columns["stage"].column for part in mapping.extracts if "stage" in part.columns]

    def name(stage: str) -> str:
        found = (answers.repair(column, stage) for column in (*columns, "stage"))
        return next((new for new in found if new is not None), stage)

    pairs: Counter[tuple[str, str]] = Counter()
    flags: dict[str, Counter[tuple[str, ...]]] = {}
    for (process, stage), count in profile.pairs.items():
        pairs[process, name(stage)] += count
    for stage, seen in profile.flags.items():
        flags.setdefault(name(stage), Counter()).update(seen)
    profile.pairs, profile.flags = pairs, flags
    return profile
