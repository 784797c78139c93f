"""Replacements of values: which are asked for, and those a person gave: which column is meant, which came last, which
were of use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opportunities.domain.import_cures import is_replaceable
from opportunities.domain.import_mapping import FIELDS, Answers, ImportMapping, Role
from opportunities.domain.import_refs import RefBook, fold
from opportunities.domain.import_typing import Option, Question, QuestionKind
from salesops.kernel.said import Said

ANY_COLUMN = "*"
MOST_COMPARED = 200
"""For how many unknown values of a column a likely one is looked for: each is compared with every name there is."""
Repairs = dict[tuple[str, str], str]
"""(Column, written value) -> value to use instead."""


class NoSuchColumn(ValueError):
    """A replacement names a column that no file has."""


def columns_meant(repairs: Repairs, headers: Iterable[str], mapping: ImportMapping) -> Repairs:
    """The repairs with their columns as the files write them. Raises `NoSuchColumn` with the name of one that no file
    has; fields of the mapping (`owner`, `account`) stand for their columns, as on the command line."""
    roles = {part.role for file in mapping.files for part in file.extracts}
    fields = {name for role in roles for name in FIELDS[role]}
    known = {ANY_COLUMN, *headers, *(name for file in mapping.files for name in file.columns)}
    known |= fields | {role.value.lower() for role in roles} | {
        spec.refers_to.value.lower() for role in roles for spec in FIELDS[role].values() if spec.refers_to
    }  # fmt: skip
    alike = {fold(name): name for name in sorted(known, reverse=True)}
    found: Repairs = {}
    for (column, old), new in repairs.items():
        name = column if column in known else alike.get(fold(column))
        if name is None:
            raise NoSuchColumn(column)
        found[name, old] = new
    return found


def with_later(former: Repairs, later: Repairs) -> Repairs:
    """Both, what came later last; a replacement in any column takes the place of all earlier ones of its value."""
    everywhere = {old for column, old in later if column == ANY_COLUMN}
    kept = {key: new for key, new in former.items() if key not in later and key[1] not in everywhere}
    return kept | later


def of_use(answers: Answers, problems: Iterable[tuple[str, str, str]]) -> list[list[str]]:
    """The repairs (column, written value) that met their value in the files and mended every row they met, or leave
    the value as it is because a person said so. `problems` are (code, column, value) of what was left."""
    unmended = {(column, value) for code, column, value in problems if is_replaceable(code, column, value)}
    mended = {
        (given_for, old)
        for given_for, old, column in answers.met
        if answers.repairs.get((given_for, old)) == old or (column, old) not in unmended
    }
    return sorted([column, old] for column, old in answers.repairs if (column, old) in mended)


def repair_questions(
    role: Role,
    column: str,
    file: str,
    values: Mapping[str, int],
    first_rows: Mapping[str, int],
    refs: RefBook,
    answers: Answers,
) -> list[Question]:
    """One question per value that refers to nothing but resembles something we have: repaired once, for all
    its rows."""
    names, questions, compared = refs.of(role), list[Question](), 0
    for value, count in values.items():
        is_known = names.find(value) is not None
        is_repaired = any(answers.repair(name, value) is not None for name in (column, role.value.lower()))
        if is_known or is_repaired:
            continue
        compared += 1
        suggestion = names.suggest(value) if compared <= MOST_COMPARED else None
        if suggestion is not None:
            questions.append(
                _repair_question(role, column, file, value, count, first_rows.get(value), suggestion)
            )
    return questions


def _repair_question(
    role: Role, column: str, file: str, value: str, count: int, first_row: int | None, suggestion: str
) -> Question:
    options = (
        Option(suggestion, Said("Replace by “%(value)s”", value=suggestion)),
        Option("", Said("Leave blank")),
        Option(value, Said("Keep, and report it as unknown")),
    )
    return Question(
        key=f"repair:{column}:{value}",
        kind=QuestionKind.REPAIR,
        text=_not_known(role, value),
        options=options,
        suggestion=suggestion,
        file=file,
        column=column,
        value=value,
        count=count,
        first_row=first_row,
    )


def _not_known(role: Role, value: str) -> Said:
    if role is Role.PERSON:
        return Said("“%(value)s” is not a known person.", value=value)
    if role is Role.ACCOUNT:
        return Said("“%(value)s” is not a known account.", value=value)
    if role is Role.PRODUCT:
        return Said("“%(value)s” is not a known product.", value=value)
    return Said("“%(value)s” is not a known territory.", value=value)
