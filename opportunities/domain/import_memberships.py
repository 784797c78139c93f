"""Who works in which territory since when: what an export says of it, against what is known.

A person may work in several territories at once, and a territory has several people; only the same pair may not hold
twice on one day. Pure: what is new, changed, the same or refused comes out, as for every other list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from opportunities.domain.import_deals import NOT_KNOWN
from opportunities.domain.import_mapping import Role
from opportunities.domain.import_references import KnownReference, ReferencePlan, ReferenceRecord
from opportunities.domain.import_refs import AMBIGUOUS, RefBook
from opportunities.domain.import_rows import Record
from salesops.kernel.said import Said
from salesops.kernel.tabular import Gatherer, Problem, Severity

SINCE_EVER = dt.date(1900, 1, 1)
"""Start of what a file dates not at all: it holds for all the history the file brings."""
UNTIL_FURTHER = dt.date(9999, 12, 31)

_MISSING = {Role.PERSON: Said("person is missing"), Role.TERRITORY: Said("territory is missing")}

Stays = dict[dt.date, dt.date]
"""First day -> day after the last."""


def membership_key(person: str, territory: str, from_date: dt.date) -> str:
    """How a membership is told apart: the same pair may begin again on another day."""
    return f"{person} / {territory} / {from_date}"


@dataclass(slots=True)
class MembershipReader:
    """Sorts rows into a plan; `open_on` then says where somebody works by all that is known and read."""

    known: Mapping[str, KnownReference]
    refs: RefBook
    gather: Gatherer
    plan: ReferencePlan
    today: dt.date
    people: set[str] = field(default_factory=set)
    """Those the rows are about."""
    _held: dict[str, dict[str, Stays]] = field(default_factory=dict)
    """By person and territory."""
    _known_people: frozenset[str] = frozenset()
    _read: dict[str, ReferenceRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known_people = frozenset(reference.values["person"] for reference in self.known.values())
        for reference in self.known.values():
            stay = reference.values
            self._of(stay["person"], stay["territory"])[stay["from_date"]] = stay["to_date"]

    def read(self, records: Iterable[tuple[str, Record, bool]]) -> None:
        """Take all rows: those that end or repeat a known one first, so that its successor finds room."""
        found = [wanted for file, record, _ in records if (wanted := self._wanted(file, record)) is not None]
        for wanted in sorted(found, key=lambda wanted: wanted.key not in self.known):
            self._take(wanted)

    def open_on(self, person: str, day: dt.date) -> list[str]:
        """The territories somebody works in on a day."""
        return sorted(
            territory
            for territory, stays in self._held.get(person, {}).items()
            if any(since <= day < until for since, until in stays.items())
        )

    def _of(self, person: str, territory: str) -> Stays:
        return self._held.setdefault(person, {}).setdefault(territory, {})

    def _wanted(self, file: str, record: Record) -> ReferenceRecord | None:
        """The row with person and territory found and its days settled, or None with the problem reported."""
        if record.values.get("is_deleted"):
            return None
        self.plan.rows += 1
        person = self._key(Role.PERSON, "person", file, record)
        territory = self._key(Role.TERRITORY, "territory", file, record)
        if person is None or territory is None or record.is_rejected:
            self.plan.rejected += 1
            return None
        since, until = self._days(record.values, person, territory)
        if since >= until:
            shown = str(record.values.get("last_date", until))
            message = Said("ends before it begins")
            cure = Said("Correct the first or the last day in the CRM.")
            self._refuse(file, record.line, record.column("last_date"), shown, message, cure, "BAD_INTERVAL")
            return None
        self.people.add(person)
        stay = {"person": person, "territory": territory, "from_date": since, "to_date": until}
        key = membership_key(person, territory, since)
        return ReferenceRecord(key, stay, record.line, file, columns=record.columns)

    def _key(self, role: Role, name: str, file: str, record: Record) -> str | None:
        text = str(record.values.get(name, ""))
        key = self.refs.of(role).find(text) if text else None
        if key is not None and key != AMBIGUOUS:
            return key
        message = NOT_KNOWN[role] if text else _MISSING[role]
        cure = Said("Import the list it belongs to as well.")
        where = (file, record.line, record.column(name))
        self.gather.add(Problem(*where, text, message, cure, f"MISSING_{role.value}"))
        return None

    def _days(self, values: Mapping[str, Any], person: str, territory: str) -> tuple[dt.date, dt.date]:
        """`[from, to)`. Without a first day: the stay of today, if there is one; else since ever, or from today on for
        somebody whose territories are known."""
        since, last = _day(values.get("from_date")), _day(values.get("last_date"))
        until = UNTIL_FURTHER if last is None else last + dt.timedelta(days=1)
        if since is not None:
            return since, until
        for begun, ended in self._of(person, territory).items():
            if begun <= self.today < ended:
                return begun, ended if last is None else until
        return (self.today if person in self._known_people else SINCE_EVER), until

    def _take(self, wanted: ReferenceRecord) -> None:
        stay = wanted.values
        held = self._of(stay["person"], stay["territory"])
        since, until = stay["from_date"], stay["to_date"]
        former = self._read.get(wanted.key)
        if former is not None:
            self._repeated(former, wanted)
            return
        clash = next((s for s, u in held.items() if s != since and s < until and since < u), None)
        if clash is not None:
            message = Said("overlaps the stay of the same person there from %(day)s", day=clash)
            cure = Said("Let one stay end before the next begins.")
            begins = wanted.column("from_date")
            self._refuse(wanted.file, wanted.line, begins, str(since), message, cure, "OVERLAP")
            return
        self._read[wanted.key] = wanted
        held[since] = until
        known = self.known.get(wanted.key)
        if known is None:
            self.plan.created[wanted.key] = wanted
        elif known.values["to_date"] != until:
            self.plan.updated[wanted.key] = wanted
        else:
            self.plan.unchanged.add(wanted.key)

    def _repeated(self, former: ReferenceRecord, again: ReferenceRecord) -> None:
        self.plan.repeated += 1
        if former.values != again.values:
            message = Said(
                "repeats row %(row)s with another last day; the first row is taken", row=former.line
            )
            cure = Said("Delete one of the two rows from the export.")
            shown = str(again.values["to_date"] - dt.timedelta(days=1))
            where = (again.file, again.line, again.column("last_date"))
            self.gather.add(Problem(*where, shown, message, cure, "DUPLICATE", Severity.WARNING))

    def _refuse(
        self, file: str, line: int, column: str, value: str, message: Said, cure: Said, code: str
    ) -> None:
        self.plan.rejected += 1
        self.gather.add(Problem(file, line, column, value, message, cure, code))


def _day(value: dt.date | None) -> dt.date | None:
    return value.date() if isinstance(value, dt.datetime) else value


def contradictions(reader: MembershipReader, people: Mapping[str, ReferenceRecord]) -> Iterator[Problem]:
    """People whose home territory, as the same export states it, is none of those they work in today by its
    memberships. Which of the two is right only the CRM knows: both are kept."""
    names, places = reader.refs.of(Role.PERSON).labels, reader.refs.of(Role.TERRITORY).labels
    for person in sorted(reader.people):
        record = people.get(person)
        home = str(record.values.get("territory", "")) if record is not None else ""
        if record is None or not home:
            continue
        now = reader.open_on(person, reader.today)
        if home in now:
            continue
        message = _contradiction(names.get(person, person), [places.get(key, key) for key in now])
        cure = Said("Correct the person or the list of memberships in the CRM.")
        yield Problem(
            record.file, record.line, record.column("territory"), places.get(home, home), message, cure,
            "TERRITORY_CONTRADICTS", Severity.WARNING,
        )  # fmt: skip


def _contradiction(person: str, places: list[str]) -> Said:
    if not places:
        return Said(
            "is stated as the territory of %(person)s, who by the dated list works nowhere today; "
            "both are kept as stated",
            person=person,
        )
    return Said(
        "is stated as the territory of %(person)s, who by the dated list works in %(places)s today; "
        "both are kept as stated",
        person=person, places=", ".join(places),
    )  # fmt: skip
