"""Mappings and questions as JSON: stored with a batch; mappings also remembered, printed, read by `import_crm`."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Any

from opportunities.domain.import_mapping import (
    FIELDS,
    ColumnMap,
    Extract,
    FileMapping,
    ImportMapping,
    Policy,
    Role,
    StageRule,
)
from opportunities.domain.import_typing import Option, Question, QuestionKind
from salesops.kernel.dates import DateOrder
from salesops.kernel.numbers import NumberStyle
from salesops.kernel.said import Said


def mapping_to_json(mapping: ImportMapping) -> dict[str, Any]:
    """The mapping as JSON-ready data, without what is empty."""
    return _plain(mapping)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        named = {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
        return {name: part for name, part in named.items() if part not in ("", None, [], {}, False)}
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, StrEnum) else value


class MappingError(ValueError):
    """A mapping file is not what it should be; the message names the place."""


def mapping_from_json(data: Any) -> ImportMapping:
    """Read a mapping written by `mapping_to_json` or by hand. Raises `MappingError` naming what is wrong."""
    if not isinstance(data, dict):
        raise MappingError("A mapping is a JSON object.")
    known = ImportMapping.__dataclass_fields__
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise MappingError(f"Unknown keys in the mapping: {', '.join(unknown)}.")
    plain = {key: value for key, value in data.items() if key not in {"files", "stages", "statements"}}
    try:
        return ImportMapping(
            **plain,
            files=tuple(_file(file) for file in data.get("files", ())),
            stages=tuple(StageRule(**stage) for stage in data.get("stages", ())),
            statements=tuple(data.get("statements", ())),
        )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise MappingError(f"The mapping cannot be read: {error}") from None


def _file(data: dict[str, Any]) -> FileMapping:
    extracts = tuple(_extract(part) for part in data.get("extracts", ()))
    plain = {key: data.get(key, "") for key in ("name", "signature", "encoding", "delimiter")}
    return FileMapping(**plain, extracts=extracts, columns=tuple(data.get("columns", ())))


def _extract(data: dict[str, Any]) -> Extract:
    role = Role(data["role"])
    columns = {}
    for name, part in data.get("columns", {}).items():
        if name not in FIELDS[role] and not name.startswith("attribute:"):
            raise MappingError(f"{role} has no field '{name}'.")
        columns[name] = _column({"column": part} if isinstance(part, str) else dict(part))
    where = tuple((column, tuple(values)) for column, values in data.get("where", ()))
    return Extract(role, columns, where, tuple(data.get("identity", ())), bool(data.get("optional", False)))


def _column(data: dict[str, Any]) -> ColumnMap:
    data["blanks"] = tuple(data.get("blanks", ()))
    data["values"] = tuple((old, new) for old, new in data.get("values", ()))
    for key, enum in (("order", DateOrder), ("style", NumberStyle), ("policy", Policy)):
        if data.get(key):
            data[key] = enum(data[key])
    return ColumnMap(**data)


def question_to_json(question: Question) -> dict[str, Any]:
    """The question as JSON-ready data, what it says with its parts."""
    options = [{"value": option.value, "label": option.label.kept()} for option in question.options]
    return {**asdict(question), "text": question.text.kept(), "options": options}


def question_from_json(data: dict[str, Any]) -> Question:
    """Read a question written by `question_to_json`."""
    options = tuple(Option(option["value"], Said.again(option["label"])) for option in data["options"])
    kind, samples, text = QuestionKind(data["kind"]), tuple(data["samples"]), Said.again(data["text"])
    return Question(**{**data, "kind": kind, "text": text, "options": options, "samples": samples})
