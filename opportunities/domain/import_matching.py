"""A file's mapping as the wizard shows and changes it: one line per column, one list of fields per role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opportunities.domain.import_mapping import (
    FIELDS,
    ROLE_LABEL,
    ColumnMap,
    Extract,
    FileMapping,
    ImportMapping,
    Policy,
    Role,
    StageRule,
    signature_of,
)
from opportunities.domain.import_refs import fold
from salesops.kernel.said import Said

MAIN_ROLES = (
    Role.OPPORTUNITY, Role.STAGE_HISTORY, Role.ACCOUNT, Role.PERSON, Role.PRODUCT, Role.TERRITORY,
    Role.MEMBERSHIP, Role.ORDER_LINE, Role.QUOTA, Role.CURRENCY_RATE, Role.STAGE, Role.PROCESS, Role.MERGED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """A column of a file: samples, the field it fills, and what else is read from it."""

    index: int
    name: str
    samples: tuple[str, ...]
    field: str
    policy: str
    confidence: int
    """Percent; 0 = not mapped."""
    also: tuple[Said, ...]


def main_extract(file: FileMapping | None) -> Extract | None:
    """The extract a file is mainly about: deals before anything else, else the last declared."""
    if file is None or not file.extracts:
        return None
    deals = [part for part in file.extracts if part.role in {Role.OPPORTUNITY, Role.ORDER_LINE}]
    return deals[0] if deals else file.extracts[-1]


def column_lines(
    header: Sequence[str],
    sample: Sequence[Sequence[str]],
    file: FileMapping | None,
    confidences: Mapping[str, float],
) -> list[ColumnLine]:
    """The lines of the match table."""
    main = main_extract(file)
    by_column = {column.column: (name, column) for name, column in main.columns.items()} if main else {}
    lines = []
    for index, name in enumerate(header):
        field, column = by_column.get(name, ("", ColumnMap()))
        samples = tuple(
            dict.fromkeys(row[index] for row in sample if index < len(row) and row[index].strip())
        )[:3]
        also = tuple(
            Said("%(list)s: %(field)s", list=ROLE_LABEL[part.role], field=FIELDS[part.role][other].label)
            for part in (file.extracts if file else ())
            if part is not main
            for other, used in part.columns.items()
            if used.column == name and other in FIELDS[part.role]
        )
        confidence = round(100 * confidences.get(name, 1.0)) if field else 0
        lines.append(ColumnLine(index, name, samples, field, column.policy.value, confidence, also))
    return lines


def field_choices(role: Role) -> list[tuple[str, Said]]:
    """Fields of a role for a select."""
    return [(spec.name, spec.label) for spec in FIELDS[role].values()]


def with_choices(
    mapping: ImportMapping,
    name: str,
    header: tuple[str, ...],
    role: str,
    fields: Mapping[int, str],
    policies: Mapping[int, str],
) -> ImportMapping:
    """The mapping after a person chose role and fields for a file; what was not touched keeps its finer
    settings."""
    if not role:
        return replace(mapping, files=tuple(file for file in mapping.files if file.name != name))
    file = mapping.file(name)
    former = main_extract(file)
    is_same = former is not None and former.role == Role(role)
    columns: dict[str, ColumnMap] = {}
    for index, field in sorted(fields.items()):
        if not field or index >= len(header) or field in columns or field not in FIELDS[Role(role)]:
            continue
        kept = former.columns.get(field) if is_same and former else None
        column = kept if kept is not None and kept.column == header[index] else ColumnMap(header[index])
        columns[field] = replace(column, policy=Policy(policies.get(index) or column.policy))
    if is_same and former:
        columns.update(
            {
                field: column
                for field, column in former.columns.items()
                if column.constant and field not in columns
            }
        )
        part = replace(former, columns=columns, identity=() if "external_id" in columns else former.identity)
        others = tuple(other if other is not former else part for other in file.extracts) if file else (part,)
    else:
        others = (Extract(Role(role), columns),)
    mapped = FileMapping(name, signature_of(header), others, file.columns if file else ())
    return mapping.with_file(mapped)


def with_stages(mapping: ImportMapping, meanings: Mapping[str, str]) -> ImportMapping:
    """The mapping with other meanings of stages (`WON`, `LOST`, or an open category); blank leaves one as it is."""
    chosen = {fold(name): (name, meaning) for name, meaning in meanings.items() if meaning}

    def changed(rule: StageRule) -> StageRule:
        _, meaning = chosen.pop(fold(rule.name), ("", ""))
        if not meaning:
            return rule
        return replace(rule, status=_status(meaning), category=meaning)

    stages = [changed(rule) for rule in mapping.stages]
    stages += [StageRule(name, _status(meaning), meaning) for name, meaning in chosen.values()]
    return replace(mapping, stages=tuple(stages))


def _status(meaning: str) -> str:
    return meaning if meaning in {"WON", "LOST"} else "OPEN"


def overlooked(
    lines: Sequence[ColumnLine], likely: Mapping[str, str], role: Role | None
) -> list[tuple[str, Said]]:
    """Columns nothing is read from though their very name is that of a field no other column fills, with its label.
    `likely` are fields by column, of names that leave no doubt."""
    if role is None:
        return []
    taken = {line.field for line in lines}
    return [
        (line.name, FIELDS[role][likely[line.name]].label)
        for line in lines
        if not line.field and not line.also and likely.get(line.name, "") not in taken | {""}
    ]


@dataclass(frozen=True, slots=True)
class StageLine:
    """A stage text of the files: how many rows have it, and what it means (`""`: known here, or asked later)."""

    name: str
    count: int
    meaning: str


def stage_lines(mapping: ImportMapping, counts: Mapping[str, int]) -> list[StageLine]:
    """The stages the files have, in the order of the mapping, the most frequent of the others first."""
    rules = {fold(rule.name): (place, rule) for place, rule in enumerate(mapping.stages)}
    found = []
    for name, count in counts.items():
        place, rule = rules.get(fold(name), (len(rules), None))
        meaning = "" if rule is None else rule.category if rule.status == "OPEN" else rule.status
        found.append(((place, -count, name), StageLine(name, count, meaning)))
    return [line for _, line in sorted(found, key=lambda pair: pair[0])]


def missing_fields(part: Extract | None) -> list[Said]:
    """Labels of fields without which a deal says little."""
    if part is None or part.role is not Role.OPPORTUNITY:
        return []
    wanted = [("stage", "outcome"), ("amount",), ("close_date", "expected_close_date"), ("owner",)]
    return [
        FIELDS[Role.OPPORTUNITY][names[0]].label
        for names in wanted
        if not any(name in part.columns for name in names)
    ]


_MARKS = {
    ",": Said("comma"), ";": Said("semicolon"), "\t": Said("tab"), "|": Said("pipe"), "+|": Said("plus and pipe"),
}  # fmt: skip


def shape_words(shape: Mapping[str, Any]) -> Said:
    """How a file was read, in words."""
    found = shape.get("chosen") or shape.get("found") or {}
    if found.get("encoding") == "xlsx":
        return Said("sheet “%(name)s”", name=str(found.get("sheet", "")))
    encoding, delimiter = str(found.get("encoding", "")).upper(), str(found.get("delimiter", ","))
    return Said("%(encoding)s, %(mark)s", encoding=encoding, mark=_MARKS.get(delimiter, delimiter))
