"""A small company in its first quarter of FY27, with deals in every corner of the forecast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from opportunities.domain.deal import Category
from opportunities.models import Subcategory
from organization.domain.roles import Role
from organization.domain.scope import Scope
from organization.models import Person, User
from organization.scope import scope_for
from territories.models import Quota
from tests.factories.organization import make_user, period
from tests.factories.pipeline import World, change, deal, make_world

NOW = dt.datetime(2026, 4, 10, 9, 0, tzinfo=dt.UTC)
EARLY = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
LATELY = dt.datetime(2026, 4, 6, 9, 0, tzinfo=dt.UTC)
IN_Q1, IN_Q2 = dt.date(2026, 4, 20), dt.date(2026, 5, 20)


@dataclass
class Company:
    """The world, with logins and what the tests ask for by name."""

    world: World
    at_risk: Subcategory
    executive: User
    manager: User
    rep: User
    finance: User
    admin: User

    @property
    def ada(self) -> Person:
        """The top of the tree."""
        return self.world.people[0]

    @property
    def ben(self) -> Person:
        """A manager with two reports."""
        return self.world.people[1]

    @property
    def dee(self) -> Person:
        """A rep of Ben's."""
        return self.world.people[3]


def scope_of(user: User) -> Scope:
    """The reach of a login, afresh."""
    return scope_for(user)


@pytest.fixture
def clock() -> Iterator[Any]:
    """The forecast is read on 10 April 2026, at 9 o'clock."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def company(db: None, clock: Any) -> Company:
    """People, deals, quotas."""
    world = make_world()
    at_risk = Subcategory.objects.create(category="COMMIT", code="at-risk", name="At risk")
    _deals(world, at_risk)
    _quotas(world)
    ada, ben, _cy, dee, *_ = world.people
    return Company(
        world,
        at_risk,
        executive=make_user(Role.EXECUTIVE, person=ada),
        manager=make_user(Role.MANAGER, person=ben),
        rep=make_user(Role.REP, person=dee),
        finance=make_user(Role.FINANCE),
        admin=make_user(Role.ADMIN),
    )


def _deals(world: World, at_risk: Subcategory) -> None:
    ada, ben, cy, dee, eli, fay = world.people
    north, south, patch, _ = world.territories
    box, code, advice = world.products
    common = {"close_date": IN_Q1, "category": "COMMIT"}
    deal(EARLY, owner=dee, amount=Decimal("1000.50"), territory=patch, product=box, **common)
    deal(
        EARLY, owner=dee, amount=Decimal("333.33"), currency_id="EUR", territory=north, product=code, **common
    )
    deal(EARLY, owner=eli, amount=Decimal(700), subcategory=at_risk, product=advice, **common)
    deal(EARLY, owner=ben, amount=Decimal(250), territory=south, **common)
    deal(EARLY, owner=fay, amount=Decimal(4000), close_date=IN_Q1, category="UPSIDE", product=box)
    deal(EARLY, owner=ada, amount=Decimal(90), close_date=IN_Q1, category="PIPELINE")
    deal(EARLY, owner=fay, amount=None, close_date=IN_Q1, category="PIPELINE")
    deal(EARLY, owner=None, amount=Decimal(60), close_date=IN_Q1, category="UPSIDE")
    deal(EARLY, owner=cy, amount=Decimal(5), close_date=IN_Q2, category="COMMIT")
    deal(EARLY, owner=eli, amount=Decimal(11), close_date=IN_Q1, category="OMITTED")
    won = deal(
        EARLY,
        owner=dee,
        amount=Decimal(2000),
        close_date=dt.date(2026, 4, 1),
        category="PIPELINE",
        product=code,
    )
    change(won.pk, dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC), status="WON", category="WON")
    lost = deal(EARLY, owner=eli, amount=Decimal(800), close_date=IN_Q1, category="COMMIT")
    change(lost.pk, LATELY, status="LOST", category="LOST")
    pulled = deal(EARLY, owner=fay, amount=Decimal(450), close_date=IN_Q2, category="COMMIT")
    change(pulled.pk, LATELY, close_date=IN_Q1)
    moved = deal(EARLY, owner=dee, amount=Decimal(120), close_date=IN_Q1, category="UPSIDE")
    change(moved.pk, LATELY, owner=fay, amount=Decimal(140), category="COMMIT")


def _quotas(world: World) -> None:
    ada, ben, cy, dee, eli, fay = world.people
    q1, months = period("FY27-Q1"), [period(f"FY27-M{n:02}") for n in (1, 2, 3)]
    start = dt.datetime(2026, 1, 15, tzinfo=dt.UTC)

    def give(person: Person, where: Any, amount: int) -> None:
        Quota.objects.create(person=person, period=where, amount=amount, currency_id="USD", recorded_at=start)

    give(ada, q1, 10_000)
    give(dee, q1, 3_000)
    for month in months:
        give(eli, month, 1_000)
    give(fay, q1, 5_000)


ALL_CATEGORIES = tuple(Category)
