"""A company, people, logins and territories for tests; few years, so that each costs little."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from django.test import Client

from organization.domain.facts import CompanyFacts
from organization.domain.roles import Role
from organization.domain.scope import Scope
from organization.models import FiscalCalendar, FiscalPeriod, Person, Territory, User
from organization.scope import scope_for
from organization.selectors import company
from organization.services import (
    create_login,
    define_calendar,
    place_territory,
    record_rates,
    set_manager,
    set_up_company,
)

_numbers = itertools.count(1)
TEST = Scope.system("test")
PASSWORD = "correct-horse-battery-9"


def make_company(
    *,
    name: str = "Testers Ltd",
    currency: str = "USD",
    time_zone: str = "UTC",
    start_month: int = 2,
    kind: str = "MONTHS",
    first_year: int = 2015,
    last_year: int = 2030,
    rates: tuple[tuple[str, dt.date, object], ...] = (),
) -> CompanyFacts:
    """A company whose fiscal year starts in February (FY27 = February 2026 to January 2027), in US dollars."""
    label = f"{kind} from {start_month} #{next(_numbers)}"
    calendar_id = define_calendar(
        kind=kind, start_month=start_month, name=label, first_year=first_year, last_year=last_year
    )
    set_up_company(name=name, corporate_currency=currency, time_zone=time_zone, calendar_id=calendar_id)
    if rates:
        record_rates(list(rates))
    return company()


def make_person(
    name: str = "",
    *,
    manager: Person | None = None,
    since: dt.date = dt.date(2015, 1, 1),
    user: User | None = None,
    territory: Territory | None = None,
    **fields: object,
) -> Person:
    """A person, reporting to `manager` since a day, with their line in the closure."""
    number = next(_numbers)
    person = Person.objects.create(
        name=name or f"Person {number}", user=user, territory=territory, **{"title": "", **fields}
    )
    if manager is not None:
        set_manager(person_id=person.pk, manager_id=manager.pk, from_date=since, scope=TEST)
    return person


def make_user(*roles: Role, email: str = "", name: str = "", person: Person | None = None) -> User:
    """A login with these roles (granted by the system) and the password `PASSWORD`."""
    number = next(_numbers)
    label = name or (person.name if person else f"User {number}")
    user_id = create_login(
        email=email or f"user{number}@example.com", name=label, password=PASSWORD, roles=roles,
        person_id=person.pk if person else None, scope=TEST,
    )  # fmt: skip
    return User.objects.get(pk=user_id)


def make_rep(name: str = "", manager: Person | None = None) -> tuple[Person, User, Scope]:
    """A person with a rep's login, and its scope."""
    person = make_person(name, manager=manager)
    user = make_user(Role.REP, person=person)
    return person, user, scope_for(user)


def make_manager(name: str = "", manager: Person | None = None) -> tuple[Person, User, Scope]:
    """A person with a manager's login, and its scope (nobody below yet: ask `scope_for` again later)."""
    person = make_person(name, manager=manager)
    user = make_user(Role.MANAGER, person=person)
    return person, user, scope_for(user)


def signed_in(user: User, **more: Any) -> Client:
    """A browser in which this login is signed in already."""
    client = Client(**more)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def make_territory(name: str = "", parent: Territory | None = None) -> Territory:
    """A territory under `parent`."""
    territory_id = place_territory(
        name=name or f"Territory {next(_numbers)}", parent_id=parent.pk if parent else None, scope=TEST
    )
    return Territory.objects.get(pk=territory_id)


def current_calendar() -> FiscalCalendar:
    """The company's calendar."""
    return FiscalCalendar.objects.get(pk=company().calendar_id)


def period(name: str) -> FiscalPeriod:
    """The period of the company's calendar with this name."""
    return FiscalPeriod.objects.get(calendar_id=company().calendar_id, name=name)
