"""People and their reporting lines: dated, never two managers at a time, never a cycle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection

from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.models import Person, ReportingLine
from organization.models.people import FAR_FUTURE
from organization.selectors.people import manager_of
from organization.services.closures import rebuild_person_closure
from organization.services.trail import PEOPLE_LOCK, OrganizationError, demand, lock, note
from salesops.ui.meanwhile import Seen, unchanged
from salesops.wall.context import saving

EDITABLE = ("name", "title", "email", "territory_id", "is_active", "started_on", "left_on")


@dataclass(frozen=True)
class LineWanted:
    """`person` reports to `manager` (None: to nobody) from a day on."""

    person_id: int
    manager_id: int | None
    from_date: dt.date


@saving()
def create_person(
    *,
    name: str,
    email: str = "",
    title: str = "",
    territory_id: int | None = None,
    manager_id: int | None = None,
    from_date: dt.date | None = None,
    started_on: dt.date | None = None,
    source: str = "local",
    external_id: str = "",
    scope: Scope,
) -> int:
    """Add somebody, with a manager from a day on if given; returns the id."""
    demand(scope, Capability.MANAGE_ORGANIZATION)
    if not name.strip():
        raise OrganizationError("name", "Give the person a name.")
    lock(PEOPLE_LOCK)
    person = Person.objects.create(
        name=name.strip(), email=email.strip().lower(), title=title.strip(), territory_id=territory_id,
        started_on=started_on, source=source, external_id=external_id,
    )  # fmt: skip
    note(scope, "CREATE", "person", person.pk, person.name, None, _facts(person))
    if manager_id is not None:
        if from_date is None:
            raise OrganizationError("from_date", "Say from which day the manager is in charge.")
        set_manager(person_id=person.pk, manager_id=manager_id, from_date=from_date, scope=scope)
    return person.pk


@saving()
def change_person(*, person_id: int, changes: dict[str, Any], seen: Seen | None = None, scope: Scope) -> None:
    """Change a person's own facts (see `EDITABLE`); the reporting line has its own service."""
    demand(scope, Capability.MANAGE_ORGANIZATION)
    unknown = set(changes) - set(EDITABLE)
    if unknown:
        raise OrganizationError("", f"Not a field of a person: {', '.join(sorted(unknown))}.")
    person = Person.objects.select_for_update().filter(pk=person_id).first()
    if person is None:
        raise OrganizationError("person", "There is no such person.")
    if not str(changes.get("name", person.name)).strip():
        raise OrganizationError("name", "A person needs a name.")
    before = _facts(person)
    unchanged(seen, before, changes)
    for field, value in changes.items():
        setattr(person, field, value.strip() if isinstance(value, str) else value)
    person.save(update_fields=list(changes))
    after = _facts(person)
    if before != after:
        note(scope, "UPDATE", "person", person.pk, person.name, before, after)


def _facts(person: Person) -> dict[str, Any]:
    return {field: getattr(person, field) for field in EDITABLE}


@saving()
def set_manager(
    *,
    person_id: int,
    manager_id: int | None,
    from_date: dt.date,
    seen: Seen | None = None,
    scope: Scope,
) -> None:
    """From this day on the person reports to the manager (None: to nobody), until the next planned change, if any.

    Raises `OrganizationError` when the person would report, at any time, to themselves through others.
    """
    if seen is not None:
        lock(PEOPLE_LOCK)
        unchanged(seen, {"manager_id": manager_of(person_id, from_date)}, {"manager_id": manager_id})
    set_managers(lines=[LineWanted(person_id, manager_id, from_date)], scope=scope)


@saving()
def set_managers(*, lines: Sequence[LineWanted], scope: Scope) -> int:
    """Several moves as one, checked together; the closure is rebuilt once. Returns how many changed anything."""
    demand(scope, Capability.MANAGE_ORGANIZATION)
    lock(PEOPLE_LOCK)
    involved = {line.person_id for line in lines} | {line.manager_id for line in lines if line.manager_id}
    names = dict(Person.objects.filter(pk__in=involved).values_list("id", "name"))
    unknown = involved - set(names)
    if unknown:
        raise OrganizationError("manager", "There is no such person.")
    with _cycles_told(names), connection.cursor() as cursor:
        # Judged by how it ends: on the way to a chain turned round somebody is above those still above them.
        cursor.execute("SET CONSTRAINTS reporting_line_no_cycle DEFERRED")
        changed = sum(_set_one(line, names, scope) for line in sorted(lines, key=lambda line: line.from_date))
        cursor.execute("SET CONSTRAINTS reporting_line_no_cycle IMMEDIATE")
    if changed:
        rebuild_person_closure()
    return changed


class _cycles_told:  # noqa: N801
    """Turns the database's refusal of a cycle into a sentence."""

    def __init__(self, names: dict[int, str]) -> None:
        self.savepoint = saving()
        self.names = names

    def __enter__(self) -> None:
        self.savepoint.__enter__()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.savepoint.__exit__(kind, error, trace)
        if isinstance(error, IntegrityError) and "to themselves" in str(error):
            words = str(error).split()
            who = self.names.get(int(words[1]), "This person") if words[1].isdigit() else "This person"
            raise OrganizationError(
                "manager", f"{who} would report, through others, to themselves. Choose somebody not below."
            ) from error


def _set_one(line: LineWanted, names: dict[int, str], scope: Scope) -> bool:
    """Close the line in force on the day, open one up to the next planned change; False when nothing changes."""
    if line.manager_id == line.person_id:
        raise OrganizationError("manager", "Nobody reports to themselves.")
    lines = ReportingLine.objects.filter(person_id=line.person_id)
    current = lines.filter(from_date__lte=line.from_date, to_date__gt=line.from_date).first()
    if (current.manager_id if current else None) == line.manager_id:
        return False
    following = lines.filter(from_date__gt=line.from_date).order_by("from_date").first()
    until = current.to_date if current else following.from_date if following else FAR_FUTURE
    if current and current.from_date == line.from_date:
        current.delete()
    elif current:
        current.to_date = line.from_date
        current.save(update_fields=["to_date"])
    if line.manager_id is not None:
        ReportingLine.objects.create(
            person_id=line.person_id, manager_id=line.manager_id, from_date=line.from_date, to_date=until
        )
    former = names.get(current.manager_id) or current.manager.name if current else None
    manager = names[line.manager_id] if line.manager_id else None
    note(
        scope, "MOVE", "person", line.person_id, names[line.person_id],
        {"manager": former, "manager_id": current.manager_id if current else None},
        {"manager": manager, "manager_id": line.manager_id, "from_date": line.from_date},
    )  # fmt: skip
    return True
