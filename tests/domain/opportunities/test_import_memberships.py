"""Rows of who works where, against what is known: dated, several at once, the same pair never twice on one day."""

from __future__ import annotations

import datetime as dt

from opportunities.domain.import_mapping import Role
from opportunities.domain.import_memberships import (
    SINCE_EVER,
    UNTIL_FURTHER,
    MembershipReader,
    contradictions,
    membership_key,
)
from opportunities.domain.import_references import KnownReference, ReferencePlan, ReferenceRecord
from opportunities.domain.import_refs import RefBook
from opportunities.domain.import_rows import Record
from salesops.kernel.tabular import Gatherer

D = dt.date
TODAY = D(2026, 6, 1)


def reader(*known: tuple[str, str, dt.date, dt.date]) -> MembershipReader:
    refs = RefBook()
    for role, names in ((Role.PERSON, ("Ann", "Bo")), (Role.TERRITORY, ("North", "South"))):
        for name in names:
            refs.of(role).add(name.lower(), name=name)
    stays = {
        membership_key(who, where, since): KnownReference(
            pk, {"person": who, "territory": where, "from_date": since, "to_date": until}
        )
        for pk, (who, where, since, until) in enumerate(known, start=1)
    }
    return MembershipReader(
        known=stays, refs=refs, gather=Gatherer(), plan=ReferencePlan(Role.MEMBERSHIP), today=TODAY
    )


def read(found: MembershipReader, *rows: dict[str, object]) -> MembershipReader:
    found.read(
        ("members.csv", Record(Role.MEMBERSHIP, line, dict(row)), False)
        for line, row in enumerate(rows, start=2)
    )
    return found


def row(
    person: str, territory: str, since: dt.date | None = None, last: dt.date | None = None
) -> dict[str, object]:
    values = {"person": person, "territory": territory, "from_date": since, "last_date": last}
    return {name: value for name, value in values.items() if value is not None}


def made(found: MembershipReader) -> list[tuple[str, str, dt.date, dt.date]]:
    return [tuple(record.values.values()) for record in found.plan.created.values()]  # type: ignore[misc]


def codes(found: MembershipReader) -> list[tuple[int | None, str]]:
    return [(problem.row, problem.code) for problem in found.gather.problems]


def test_undated_rows_hold_since_ever_and_several_at_once() -> None:
    found = read(reader(), row("Ann", "North"), row("Ann", "South"), row("Bo", "North"))
    assert made(found) == [
        ("ann", "north", SINCE_EVER, UNTIL_FURTHER),
        ("ann", "south", SINCE_EVER, UNTIL_FURTHER),
        ("bo", "north", SINCE_EVER, UNTIL_FURTHER),
    ]
    assert found.open_on("ann", TODAY) == ["north", "south"]


def test_undated_rows_of_somebody_known_say_something_new_from_today_on() -> None:
    found = read(
        reader(("ann", "north", SINCE_EVER, UNTIL_FURTHER)), row("Ann", "North"), row("Ann", "South")
    )
    assert len(found.plan.unchanged) == 1
    assert made(found) == [("ann", "south", TODAY, UNTIL_FURTHER)]


def test_the_last_day_is_the_last_day() -> None:
    found = read(
        reader(),
        row("Ann", "North", D(2024, 1, 1), D(2024, 12, 31)),
        row("Ann", "North", dt.datetime(2025, 1, 1)),
    )
    assert made(found) == [
        ("ann", "north", D(2024, 1, 1), D(2025, 1, 1)), ("ann", "north", D(2025, 1, 1), UNTIL_FURTHER),
    ]  # fmt: skip
    assert codes(found) == []


def test_an_end_learnt_later_makes_room_for_what_follows_whatever_the_order_of_rows() -> None:
    found = read(
        reader(("ann", "north", D(2024, 1, 1), UNTIL_FURTHER)),
        row("Ann", "North", D(2026, 1, 1)),
        row("Ann", "North", D(2024, 1, 1), D(2024, 12, 31)),
    )
    ended = [record.values["to_date"] for record in found.plan.updated.values()]
    assert (ended, made(found)) == ([D(2025, 1, 1)], [("ann", "north", D(2026, 1, 1), UNTIL_FURTHER)])
    assert codes(found) == []


def test_what_cannot_be_is_refused_row_by_row() -> None:
    found = read(
        reader(("bo", "south", D(2020, 1, 1), D(2030, 1, 1))),
        row("Ann", "North", D(2024, 1, 1), D(2023, 12, 31)),
        row("Ann", "North", D(2024, 1, 1)),
        row("Ann", "North", D(2025, 1, 1)),
        row("Bo", "South", D(2021, 1, 1), D(2021, 1, 1)),
        row("Nobody", "North"),
        row("Ann", "Nowhere"),
        row("Ann", "North", D(2024, 1, 1), D(2024, 5, 5)),
        row("Ann", "North", D(2024, 1, 1)),
    )
    assert sorted(codes(found)) == [
        (2, "BAD_INTERVAL"), (4, "OVERLAP"), (5, "OVERLAP"), (6, "MISSING_PERSON"), (7, "MISSING_TERRITORY"),
        (8, "DUPLICATE"),
    ]  # fmt: skip
    assert found.plan.counts() == {
        "rows": 8, "created": 1, "updated": 0, "unchanged": 0, "rejected": 5, "repeated": 2,
    }  # fmt: skip


def test_a_home_that_is_none_of_the_territories_of_today_is_told() -> None:
    found = read(
        reader(), row("Ann", "North", D(2024, 1, 1), D(2024, 12, 31)), row("Ann", "South", D(2025, 1, 1)),
        row("Bo", "North", D(2024, 1, 1)),
    )  # fmt: skip
    people = {
        who: ReferenceRecord(who, {"name": who, "territory": home}, line, "people.csv")
        for line, (who, home) in enumerate((("ann", "north"), ("bo", "north")), start=2)
    }
    told = list(contradictions(found, people))
    assert [(problem.file, problem.row, problem.value) for problem in told] == [("people.csv", 2, "North")]
    assert "Ann, who by the dated list works in South today" in told[0].message
