"""Deals written the way bulk code writes them, straight through the triggers, and a small world to sum them
in.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection

from opportunities.models import (
    ChangeSet,
    Opportunity,
    OpportunityVersion,
    Product,
    ProductFamily,
    ProductFamilyClosure,
)
from organization.models import Person, Territory
from organization.models.people import FAR_FUTURE
from pipeline.domain.cells import Cell
from tests.factories.organization import make_company, make_person, make_territory

_numbers = itertools.count(1)
START = dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)
USD_EUR = (
    ("EUR", dt.date(2015, 1, 1), Decimal("1.10")),
    ("EUR", dt.date(2026, 6, 1), Decimal("1.20")),
)


def change_set(at: dt.datetime = START) -> ChangeSet:
    """An act of a test."""
    return ChangeSet.objects.create(kind=ChangeSet.Kind.SYSTEM, at=at, actor_name="test")


def deal(at: dt.datetime = START, **fields: Any) -> Opportunity:
    """A new deal whose first state begins at `at`."""
    values: dict[str, Any] = {
        "currency_id": "USD",
        "amount": Decimal(100),
        "probability": Decimal(50),
        **fields,
    }
    number = next(_numbers)
    return Opportunity.objects.create(
        name=values.pop("name", f"Deal {number}"),
        source="test",
        external_id=str(number),
        changed_at=at,
        created_at=at,
        change_set=change_set(at),
        **values,
    )


def many_deals(count: int, world: World) -> list[int]:
    """Deals all over the world, written at once; returns their ids."""
    act = change_set().pk
    rows = Opportunity.objects.bulk_create(
        Opportunity(
            name=f"Deal {n}", source="test", external_id=f"M-{next(_numbers)}", changed_at=START, created_at=START,
            change_set_id=act, currency_id="USD", amount=Decimal(100), probability=Decimal(50),
            owner=world.people[n % 6], territory=world.territories[n % 4], product=world.products[n % 3],
            close_date=dt.date(2026, 1, 1) + dt.timedelta(n % 400),
        )
        for n in range(count)
    )  # fmt: skip
    return [row.pk for row in rows]


def change(opportunity_id: int, at: dt.datetime, **fields: Any) -> None:
    """A new state of a deal from `at` on."""
    row = Opportunity.objects.get(pk=opportunity_id)
    Opportunity.objects.filter(pk=opportunity_id).update(
        version=row.version + 1, changed_at=at, change_set=change_set(at), **fields
    )


def family_closure() -> None:
    """Bring the closure of product families up to date by its difference."""
    parents = dict(ProductFamily.objects.values_list("id", "parent_id"))
    wanted = set()
    for node in parents:
        ancestor, depth = node, 0
        while ancestor is not None:
            wanted.add((ancestor, node, depth))
            ancestor, depth = parents[ancestor], depth + 1
    have = set(ProductFamilyClosure.objects.values_list("ancestor_id", "descendant_id", "depth"))
    for ancestor, node, _ in have - wanted:
        ProductFamilyClosure.objects.filter(ancestor_id=ancestor, descendant_id=node).delete()
    ProductFamilyClosure.objects.bulk_create(
        ProductFamilyClosure(ancestor_id=a, descendant_id=d, depth=n) for a, d, n in wanted - have
    )


@dataclass
class World:
    """Six people in three levels, two regions with a patch each, two families under one, three products."""

    people: list[Person] = field(default_factory=list)
    territories: list[Territory] = field(default_factory=list)
    families: list[ProductFamily] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)


def make_world() -> World:
    """The company, its people, territories and products; US dollars and euros."""
    make_company(rates=USD_EUR)
    boss = make_person("Ada")
    left, right = make_person("Ben", manager=boss), make_person("Cy", manager=boss)
    reps = [
        make_person("Dee", manager=left),
        make_person("Eli", manager=left),
        make_person("Fay", manager=right),
    ]
    north, south = make_territory("North"), make_territory("South")
    patches = [make_territory("North-1", parent=north), make_territory("South-1", parent=south)]
    whole = ProductFamily.objects.create(name="All")
    families = [whole, *(ProductFamily.objects.create(name=name, parent=whole) for name in ("Hard", "Soft"))]
    family_closure()
    products = [
        Product.objects.create(name="Box", family=families[1]),
        Product.objects.create(name="Code", family=families[2]),
        Product.objects.create(name="Advice", family=None),
    ]
    return World([boss, left, right, *reps], [north, south, *patches], families, products)


def _sum(rows: Any, nodes: Sequence[int], above: Callable[[Any], set[int]]) -> list[Cell]:
    sums: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, 0, Decimal(0), Decimal(0)])
    days = _month_of_day({row.close_date for row in rows})
    for row in rows:
        month = days.get(row.close_date, 0) if row.close_date else 0
        for node in above(row):
            cell = sums[(node, month, row.category, row.subcategory_id or 0, row.currency_id)]
            cell[0] += 1
            cell[1] += row.amount is None
            cell[2] += row.amount or 0
            cell[3] += (row.amount or Decimal(0)) * (row.probability or Decimal(0)) / 100
    return [Cell(*key, *values) for key, values in sorted(sums.items()) if key[0] in nodes]


def _month_of_day(days: set[dt.date | None]) -> dict[dt.date, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, month_id FROM organization_fiscalday WHERE day = ANY(%s) AND calendar_id = "
            "(SELECT calendar_id FROM organization_company)",
            [list(days - {None})],
        )
        return dict(cursor.fetchall())


def managers(day: dt.date) -> dict[int, int]:
    """Who reported to whom on a day, read without the code under test."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT person_id, manager_id FROM organization_reportingline WHERE from_date <= %s AND to_date > %s",
            [day, day],
        )
        return dict(cursor.fetchall())


def up(parents: dict[int, Any], node: int | None) -> set[int]:
    """The node and everything above; {0} for none."""
    found = set()
    while node is not None:
        found.add(node)
        node = parents.get(node)
    return found or {0}


def states(at: dt.datetime | None) -> list[Any]:
    """The deals as they stand, or the versions valid at an instant."""
    if at is None:
        return list(Opportunity.objects.filter(is_deleted=False))
    far = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
    return [
        version
        for version in OpportunityVersion.objects.filter(superseded_at=far)
        if version.valid_from <= at < version.valid_to and not version.is_deleted
    ]


def brute(kind: str, node: int, at: dt.datetime | None = None, day: dt.date | None = None) -> list[Cell]:
    """The cells of a node, added up deal by deal in Python: the oracle."""
    return brute_nodes(kind, [node], at, day)


def brute_nodes(
    kind: str, nodes: Sequence[int], at: dt.datetime | None = None, day: dt.date | None = None
) -> list[Cell]:
    """The same of several nodes, in order of their ids."""
    parents: dict[int, Any]
    if kind == "PEOPLE":
        parents = managers(day or dt.datetime.now(dt.UTC).date())
        above = lambda row: up(parents, row.owner_id)  # noqa: E731
    elif kind == "TERRITORY":
        parents = dict(Territory.objects.values_list("id", "parent_id"))
        above = lambda row: up(parents, row.territory_id)  # noqa: E731
    else:
        parents = dict(ProductFamily.objects.values_list("id", "parent_id"))
        product_family = dict(Product.objects.values_list("id", "family_id"))
        above = lambda row: up(parents, product_family.get(row.product_id))  # noqa: E731
    return _sum(states(at), nodes, above)


__all__ = [
    "FAR_FUTURE",
    "START",
    "World",
    "brute",
    "brute_nodes",
    "change",
    "deal",
    "make_world",
    "many_deals",
    "states",
]
