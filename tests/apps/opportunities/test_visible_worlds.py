"""Random companies: the deals a login finds in the API and on the list page are those a few plain rules name.

The rules work on dictionaries and know neither a closure nor a query. `make worlds` tries 10,000 companies.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from opportunities.models import Opportunity, OpportunitySplit
from organization.domain.roles import Role
from organization.domain.tokens import TokenScope
from organization.models import Person, Territory, User
from organization.scope import scope_for
from organization.selectors import now_date
from organization.services import LineWanted, OrganizationError, create_token, set_active, set_managers
from tests.factories.organization import TEST, make_company, make_territory, make_user, signed_in
from tests.factories.pipeline import START, change_set

WORLDS = int(os.environ.get("WORLDS", "0"))
NO_SHRINK = (Phase.explicit, Phase.reuse, Phase.generate)
"""A company is small as it is, and making it smaller takes minutes."""
PEOPLE = range(8)
DAYS = (-900, -400, 0, 30)
"""When somebody moves, in days from today."""
READS_ALL = {"OPS", "EXECUTIVE", "AUDITOR"}
LOGINS: dict[str, tuple[Role, ...]] = {
    **{role.value: (role,) for role in Role},
    "REP and FINANCE": (Role.REP, Role.FINANCE),
    "MANAGER and FINANCE": (Role.MANAGER, Role.FINANCE),
    "MANAGER and REP": (Role.MANAGER, Role.REP),
    "ADMIN and REP": (Role.ADMIN, Role.REP),
    "no role any more": (Role.EXECUTIVE,),
    "one that waits": (Role.OPS,),
    "deactivated": (Role.MANAGER, Role.OPS),
}

_person = st.sampled_from(PEOPLE)
_move = st.tuples(_person, st.none() | _person, st.sampled_from(DAYS))


@dataclass(frozen=True)
class Deal:
    """A deal in a plan of a company."""

    owner: int | None
    status: str
    territory: int
    shared_with: int | None
    is_deleted: bool


@dataclass(frozen=True)
class Company:
    """All there is to know to say who sees what: people by number, and who each login is."""

    moves: list[tuple[int, int | None, int]]
    leavers: set[int]
    territories: list[int]
    deals: list[Deal]
    persons: list[int | None]
    """By login: the person they are."""


_deal = st.builds(
    Deal, st.none() | _person, st.sampled_from(("OPEN", "OPEN", "WON", "LOST")), st.integers(0, 2),
    st.none() | _person, st.sampled_from((False,) * 5 + (True,)),
)  # fmt: skip


@st.composite
def companies(draw: st.DrawFn) -> Company:
    """A tree of several levels, then moves on four days, some of them impossible."""
    tree = [(p, draw(st.none() | st.sampled_from(range(p))), DAYS[0]) for p in PEOPLE if p]
    persons = draw(st.permutations([*PEOPLE, *([None] * len(LOGINS))]))[: len(LOGINS)]
    return Company(
        [*tree, *draw(st.lists(_move, max_size=4))],
        draw(st.sets(_person, max_size=3)),
        draw(st.lists(st.integers(0, 2), min_size=len(PEOPLE), max_size=len(PEOPLE))),
        draw(st.lists(_deal, min_size=4, max_size=9)),
        persons,
    )


Managers = dict[int, dict[int, int | None]]
"""By person, since which day whom they report to."""


def manager_on(managers: Managers, person: int, day: int) -> int | None:
    """The last one said to be from that day or before."""
    since = max((d for d in managers.get(person, {}) if d <= day), default=None)
    return None if since is None else managers[person][since]


def ends(managers: Managers) -> bool:
    """Whether on every day the way up from everybody ends."""
    for person in PEOPLE:
        for day in DAYS:
            passed, above = {person}, manager_on(managers, person, day)
            while above is not None:
                if above in passed:
                    return False
                passed.add(above)
                above = manager_on(managers, above, day)
    return True


def below(managers: Managers, person: int) -> set[int]:
    """The person and everybody who today reaches them on the way up."""
    found = set()
    for other in PEOPLE:
        on_the_way: int | None = other
        while on_the_way is not None and on_the_way != person:
            on_the_way = manager_on(managers, on_the_way, 0)
        if on_the_way == person:
            found.add(other)
    return found


def seen_by(company: Company, managers: Managers, roles: set[str], person: int | None) -> set[int] | None:
    """Numbers of the deals these roles of this person may see; None: no deals at all, not even an empty list.

    Neither a territory one shares nor a share of the deal opens it, nor does it matter whether its owner has left.
    """
    if not roles - {"ADMIN"}:
        return None
    found = set()
    for number, deal in enumerate(company.deals):
        is_own = person is not None and deal.owner == person and bool(roles & {"REP", "MANAGER"})
        is_below = person is not None and "MANAGER" in roles and deal.owner in below(managers, person)
        is_won = "FINANCE" in roles and deal.status == "WON"
        if not deal.is_deleted and (roles & READS_ALL or is_own or is_below or is_won):
            found.add(number)
    return found


class Worlds(TestCase):
    """Whatever the company looks like."""

    people: list[Person]
    territories: list[Territory]
    users: dict[str, User]
    browsers: dict[str, Client]
    token: str

    @classmethod
    def setUpTestData(cls) -> None:
        """People without places yet, and logins that are nobody yet."""
        make_company(first_year=2026, last_year=2026)
        cls.people = Person.objects.bulk_create(Person(name=f"P{i}") for i in PEOPLE)
        cls.territories = [make_territory(f"T{i}") for i in range(3)]
        cls.users = {name: make_user(*roles, name=name) for name, roles in LOGINS.items()}
        cls.browsers = {name: signed_in(user) for name, user in cls.users.items()}
        manager = cls.users["MANAGER"]
        _, cls.token = create_token(
            user_id=manager.pk, name="t", scopes=list(TokenScope), days=9, scope=scope_for(manager)
        )
        cls.users["no role any more"].role_grants.update(revoked_at=timezone.now())
        cls.users["one that waits"].role_grants.update(is_pending=True)
        set_active(user_id=cls.users["deactivated"].pk, is_active=False, scope=TEST)

    @given(companies(), st.sampled_from(list(LOGINS)))
    @settings(
        max_examples=WORLDS or 15,
        deadline=None,
        phases=NO_SHRINK,
        suppress_health_check=[HealthCheck.too_slow],
    )
    def test_each_login_finds_the_deals_the_rules_name(self, company: Company, paged: str) -> None:
        managers, deals = self._moved(company), self._deals(company)
        for (name, roles), person in zip(LOGINS.items(), company.persons, strict=True):
            Person.objects.filter(user=self.users[name]).update(user=None)
            if person is not None:
                Person.objects.filter(pk=self.people[person].pk).update(user=self.users[name])
            held = set() if name in {"no role any more", "one that waits"} else {role.value for role in roles}
            seen = seen_by(company, managers, held, person)
            wanted = seen if seen is None else {deals[number] for number in seen}
            if name == "deactivated":
                assert self.browsers[name].get("/api/v1/deals").status_code == 401
                assert self.browsers[name].get("/deals/").status_code == 302
                continue
            assert self._of_api(self.browsers[name]) == wanted, name
            if name == paged:
                event(
                    f"{name} sees {'nothing' if not wanted else 'all' if len(wanted) == len(deals) else 'some'}"
                )
                assert self._of_page(self.browsers[name]) == wanted, name
            if name == "MANAGER":
                assert self._of_api(Client(headers={"Authorization": f"Bearer {self.token}"})) == wanted

    def _moved(self, company: Company) -> Managers:
        """Makes the moves, of which the impossible ones are refused; who reported to whom since when."""
        managers: Managers = {}
        for person, manager, day in company.moves:
            if manager_on(managers, person, day) == manager:
                continue  # says nothing new
            moved = {**managers, person: {**managers.get(person, {}), day: manager}}
            on = now_date() + dt.timedelta(days=day)
            above = None if manager is None else self.people[manager].pk
            try:
                set_managers(lines=[LineWanted(self.people[person].pk, above, on)], scope=TEST)
            except OrganizationError:
                assert not ends(moved), f"{person} may report to {manager} since {day}: {managers}"
            else:
                assert ends(moved), f"{person} cannot report to {manager} since {day}: {managers}"
                managers = moved
        Person.objects.filter(pk__in=[self.people[p].pk for p in company.leavers]).update(
            is_active=False, left_on=now_date()
        )
        for person, territory in zip(self.people, company.territories, strict=True):
            Person.objects.filter(pk=person.pk).update(territory=self.territories[territory])
        return managers

    def _deals(self, company: Company) -> list[int]:
        """Writes the deals down; their ids."""
        act = change_set()
        rows = Opportunity.objects.bulk_create(
            Opportunity(
                name=f"D{number}", source="test", external_id=str(number), change_set=act, changed_at=START,
                created_at=START, currency_id="USD", status=deal.status, is_deleted=deal.is_deleted,
                category="PIPELINE" if deal.status == "OPEN" else deal.status,
                owner=None if deal.owner is None else self.people[deal.owner],
                territory=self.territories[deal.territory],
            )
            for number, deal in enumerate(company.deals)
        )  # fmt: skip
        OpportunitySplit.objects.bulk_create(
            OpportunitySplit(
                opportunity=row, person=self.people[deal.shared_with], share=100, valid_from=START,
                recorded_at=START, change_set=act,
            )
            for row, deal in zip(rows, company.deals, strict=True) if deal.shared_with is not None
        )  # fmt: skip
        return [row.pk for row in rows]

    def _of_api(self, client: Client) -> set[int] | None:
        answer = client.get("/api/v1/deals?state=all")
        return _ids(answer, lambda: {row["id"] for row in answer.json()["results"]})

    def _of_page(self, client: Client) -> set[int] | None:
        answer = client.get("/deals/?state=all&view=list")
        return _ids(
            answer, lambda: set(map(int, re.findall(r'<tr id="deal-(\d+)"', answer.content.decode())))
        )


def _ids(answer: Any, read: Any) -> set[int] | None:
    """The ids an answer tells; None when it tells nothing at all."""
    if answer.status_code == 403:
        return None
    assert answer.status_code == 200
    return set(read())
