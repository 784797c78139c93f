"""Whoever an export puts above themselves is told, and the circle is opened where it was closed."""

from __future__ import annotations

import pytest

from opportunities.domain.import_circles import circles_of, open_circles
from opportunities.domain.import_mapping import Role
from opportunities.domain.import_references import (
    KnownReference,
    ReferencePlan,
    gather_records,
    resolve_inside,
)
from opportunities.domain.import_refs import RefBook
from opportunities.domain.import_rows import Record
from salesops.kernel.tabular import Gatherer, Problem, Severity

NAMES = {letter: f"{letter} Smith" for letter in "ABCDE"}


def read(
    stated: dict[str, str],
    known: dict[str, str] | None = None,
    role: Role = Role.PERSON,
    field: str = "manager",
) -> tuple[dict[str, str], list[Problem]]:
    """Who is above whom by the file, one row a record from row 2 on, and what is told of it."""
    gather, book = Gatherer(), RefBook()
    before = {
        key: KnownReference(n, {field: above} if above else {})
        for n, (key, above) in enumerate((known or {}).items())
    }
    for key in before:
        book.of(role).add(key, name=NAMES[key], ids=(key,))
    rows = [
        ("users.csv", Record(role, line, {"external_id": key, "name": NAMES[key], **({field: above} if above else {})},
                             columns={field: "Reports to"}), False)
        for line, (key, above) in enumerate(stated.items(), start=2)
    ]  # fmt: skip
    found = gather_records(role, rows, book, gather, ReferencePlan(role))
    resolve_inside(role, found, book, gather, missing={})
    open_circles(role, found, before, book, gather)
    return {
        key: record.values[field] for key, record in found.items() if field in record.values
    }, gather.problems


def told(problems: list[Problem]) -> list[tuple[int | None, str, str, Severity]]:
    assert {(p.file, p.column, p.code) for p in problems} <= {("users.csv", "Reports to", "CIRCLE")}
    assert all(p.message and p.cure for p in problems)
    return sorted((p.row, p.value, str(p.message), p.severity) for p in problems)


def test_whoever_is_their_own_manager_is_told_so_and_has_none() -> None:
    above, problems = read({"A": "A", "B": "A Smith"})
    assert above == {"B": "A"}
    assert told(problems) == [(2, "A", "Manager is the record itself; left out", Severity.WARNING)]


def test_of_a_circle_of_two_the_later_manager_is_left_out() -> None:
    above, problems = read({"A": "B Smith", "B": "A"})
    assert above == {"A": "B"}
    circle = "B Smith → A Smith → B Smith"
    assert told(problems) == [
        (2, "B Smith", f"Manager is part of a circle: {circle}; it is taken, that of row 3 in “users.csv” is left out", Severity.NOTE),
        (3, "A", f"Manager closes a circle: {circle}; left out", Severity.WARNING),
    ]  # fmt: skip


def test_everybody_of_a_longer_circle_is_told_and_nobody_beside_it() -> None:
    above, problems = read({"D": "A", "A": "B", "B": "C", "C": "A", "E": "D"})
    assert above == {"D": "A", "A": "B", "B": "C", "E": "D"}
    assert [(row, value, severity) for row, value, _, severity in told(problems)] == [
        (3, "B", Severity.NOTE), (4, "C", Severity.NOTE), (5, "A", Severity.WARNING),
    ]  # fmt: skip


def test_a_circle_may_close_through_people_who_are_known_and_not_in_the_file() -> None:
    above, problems = read({"C": "A"}, known={"A": "B", "B": "C", "C": ""})
    assert above == {}
    assert told(problems) == [
        (2, "A", "Manager closes a circle: C Smith → A Smith → B Smith → C Smith; left out", Severity.WARNING)
    ]


def test_what_is_known_already_is_not_what_is_left_out() -> None:
    """The row that says nothing new stands; the new one gives way, wherever it is in the file."""
    above, problems = read({"B": "A", "A": "B"}, known={"A": "B", "B": ""})
    assert above == {"A": "B"}
    assert [(row, severity) for row, _, _, severity in told(problems)] == [
        (2, Severity.WARNING), (3, Severity.NOTE),
    ]  # fmt: skip


def test_who_is_left_out_stays_below_the_known_manager_and_that_may_close_another_circle() -> None:
    above, _ = read({"A": "D", "D": "A", "E": "D"}, known={"D": "E", "E": "", "A": ""})
    assert above == {"A": "D"}, "left out: D below A; then D stays below E, and E below D is left out too"


def test_a_chain_that_is_turned_round_is_no_circle() -> None:
    assert read({"C": "B", "B": "A", "A": ""}, known={"A": "B", "B": "C", "C": ""})[1] != [], (
        "a blank says nothing"
    )
    above, problems = read({"C": "B", "B": "A", "A": "D"}, known={"A": "B", "B": "C", "C": "", "D": ""})
    assert (above, problems) == ({"C": "B", "B": "A", "A": "D"}, [])


@pytest.mark.parametrize("role", [Role.ACCOUNT, Role.TERRITORY, Role.FAMILY])
def test_parents_make_no_circles_either(role: Role) -> None:
    above, problems = read({"A": "B Smith", "B": "C Smith", "C": "A Smith"}, role=role, field="parent")
    assert len(above) == 2
    assert [p.code for p in problems] == ["CIRCLE"] * 3


def test_circles_of_a_hundred_thousand_are_found_in_one_walk() -> None:
    chain = {str(n): str(n + 1) for n in range(100_000)}
    assert circles_of(chain) == []
    [circle] = circles_of({**chain, "100000": "99990", "tail": "5"})
    assert circle == [str(n) for n in range(99_990, 100_001)]


def test_a_long_circle_is_told_cut() -> None:
    names = [f"P{n}" for n in range(40)]
    NAMES.update({name: name for name in names})
    _, problems = read(dict(zip(names, [*names[1:], names[0]], strict=True)))
    assert len(problems) == 40
    assert "circle: P39 → P0 → P1 → P2 → P3 → … → P39" in problems[-1].message
