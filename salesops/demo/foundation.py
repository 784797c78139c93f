"""Writes what deals stand on: company, calendar, rates, people, territories, market, process, products, quotas."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from opportunities.models import (
    Account,
    Product,
    ProductFamily,
    ProductFamilyClosure,
    SalesProcess,
    Stage,
    Subcategory,
)
from organization.domain.scope import Scope
from organization.models import FiscalPeriod, Person
from organization.services import (
    LineWanted,
    create_person,
    define_calendar,
    ensure_currencies,
    place_territory,
    rebuild_territory_closure,
    record_rates,
    set_managers,
    set_up_company,
)
from salesops.demo.blueprint import (
    COMPANY_NAME,
    FAMILIES,
    PROCESSES,
    PRODUCTS,
    SOURCE,
    SUBCATEGORIES,
    TIME_ZONE,
)
from salesops.demo.copying import Ids
from salesops.demo.people import FOREVER, Workforce
from salesops.demo.quarters import START_MONTH
from salesops.demo.world import World
from territories.models import Quota


def write_company(world: World, scope: Scope) -> int:
    """Company, currencies, a fiscal calendar that starts in February, and the dated rates; returns the calendar."""
    ensure_currencies(["USD", "EUR", "GBP"])
    calendar = define_calendar(
        kind="MONTHS", start_month=START_MONTH, name="Fiscal year from February",
        first_year=world.today.year - 5, last_year=world.today.year + 4, scope=scope,
    )  # fmt: skip
    set_up_company(
        name=COMPANY_NAME, corporate_currency="USD", time_zone=TIME_ZONE, calendar_id=calendar,
        currencies=["USD", "EUR", "GBP"], is_demo=True, scope=scope,
    )  # fmt: skip
    record_rates(
        [(code, month, rate) for code, months in world.rates.items() for month, rate in months.items()],
        scope=scope,
    )
    return calendar


def write_territories(world: World, scope: Scope) -> list[int]:
    """The territory tree; returns the ids by key."""
    ids: list[int] = []
    for node in world.territories:
        ids.append(
            place_territory(
                name=node.name,
                kind=node.kind,
                parent_id=None if node.parent is None else ids[node.parent],
                source=SOURCE,
                external_id=f"T{node.key:03d}",
                rebuild=False,
                scope=scope,
            )
        )
    rebuild_territory_closure()
    return ids


def write_people(world: World, territories: list[int], scope: Scope) -> list[int]:
    """Everybody, with their dated reporting lines; returns the ids by key."""
    patches = {node.name: territories[node.key] for node in world.territories}
    ids = [
        create_person(
            name=person.name,
            email=person.email,
            title=person.title,
            territory_id=patches.get(person.patch),
            started_on=dt.date.fromordinal(person.started),
            source=SOURCE,
            external_id=f"U{person.key:03d}",
            scope=scope,
        )
        for person in world.force.people
    ]
    set_managers(lines=_wanted(world.force, ids), scope=scope)
    for person in world.force.people:
        if person.left != FOREVER and person.left < world.today.toordinal():
            left = dt.date.fromordinal(person.left)
            Person.objects.filter(pk=ids[person.key]).update(left_on=left, is_active=False)
    return ids


def _wanted(force: Workforce, ids: list[int]) -> list[LineWanted]:
    """The lines; who leaves keeps the last one, so that what they won stays in the manager's numbers."""
    lines = (
        LineWanted(ids[line.person], ids[line.manager], dt.date.fromordinal(line.from_day))
        for line in force.lines
    )
    return sorted(lines, key=lambda line: line.from_date)


def write_process() -> tuple[list[int], list[list[int]], dict[tuple[str, str], int]]:
    """Processes, their stages with guidance, and subcategories; returns the ids of each."""
    processes, stages = [], []
    for spec in PROCESSES:
        process = SalesProcess.objects.create(source=SOURCE, external_id=spec.key, name=spec.name)
        processes.append(process.pk)
        rows = Stage.objects.bulk_create(
            Stage(
                process=process, name=stage.name, position=position, status=stage.status, category=stage.category,
                probability=stage.probability, guidance=stage.guidance,
            )
            for position, stage in enumerate(spec.stages)
        )  # fmt: skip
        stages.append([row.pk for row in rows])
    subcategories = Subcategory.objects.bulk_create(
        Subcategory(category=category, code=code, name=name, description=text, position=position)
        for position, (category, code, name, text) in enumerate(SUBCATEGORIES)
    )
    return processes, stages, {(row.category, row.code): row.pk for row in subcategories}


def write_products() -> list[int]:
    """Two levels of families and the products with list prices; returns the products' ids."""
    families: dict[str, ProductFamily] = {}
    for parent, children in FAMILIES.items():
        families[parent] = ProductFamily.objects.create(name=parent, source=SOURCE)
        for child in children:
            families[child] = ProductFamily.objects.create(name=child, source=SOURCE, parent=families[parent])
    _write_family_closure(list(families.values()))
    rows = Product.objects.bulk_create(
        Product(
            source=SOURCE, external_id=f"P{position:02d}", name=name, family=families[family],
            list_price=Decimal(price), currency_id="USD",
        )
        for position, (name, family, price, _share, _size) in enumerate(PRODUCTS)
    )  # fmt: skip
    return [row.pk for row in rows]


def _write_family_closure(families: list[ProductFamily]) -> None:
    ProductFamilyClosure.objects.bulk_create(
        [ProductFamilyClosure(ancestor=family, descendant=family, depth=0) for family in families]
        + [
            ProductFamilyClosure(ancestor_id=family.parent_id, descendant=family, depth=1)
            for family in families
            if family.parent_id
        ]
    )


def write_accounts(world: World, people: list[int], territories: list[int]) -> list[int]:
    """The accounts, each with the owner of today; returns the ids by key."""
    today = world.today.toordinal() - 1
    rows = Account.objects.bulk_create(
        [
            Account(
                source=SOURCE, external_id=f"A{plan.key:05d}", name=plan.name, industry=plan.industry,
                country=plan.country, region=plan.region, city=plan.city, employees=plan.employees,
                annual_revenue=Decimal(plan.revenue), territory_id=territories[plan.territory],
                owner_id=people[world.force.seats[plan.seat].holder(today)],
            )
            for plan in world.accounts
        ],
        batch_size=1000,
    )  # fmt: skip
    return [row.pk for row in rows]


def write_quotas(world: World, calendar: int, people: list[int]) -> int:
    """Quarterly quotas, each known a fortnight before its quarter began; returns how many."""
    periods = dict(
        FiscalPeriod.objects.filter(calendar_id=calendar, kind="QUARTER").values_list("from_date", "id")
    )
    rows = [
        Quota(
            person_id=people[plan.person], period_id=periods[plan.quarter.from_date], amount=Decimal(plan.amount),
            currency_id="USD", source="demo",
            recorded_at=_known(plan.quarter.from_date, world.today),
        )
        for plan in world.quotas
    ]  # fmt: skip
    Quota.objects.bulk_create(rows, batch_size=1000)
    return len(rows)


def _known(start: dt.date, today: dt.date) -> dt.datetime:
    day = min(start - dt.timedelta(days=14), today - dt.timedelta(days=20))
    return dt.datetime.combine(day, dt.time(15), tzinfo=dt.UTC)


def gather_ids(world: World, scope: Scope) -> tuple[Ids, int]:
    """Writes all of the above; returns the ids and the calendar."""
    calendar = write_company(world, scope)
    territories = write_territories(world, scope)
    people = write_people(world, territories, scope)
    processes, stages, subcategories = write_process()
    ids = Ids(
        people=people,
        names=[person.name for person in world.force.people],
        accounts=write_accounts(world, people, territories),
        territories=territories,
        products=write_products(),
        processes=processes,
        stages=stages,
        subcategories=subcategories,
        account_territory=[territories[plan.territory] for plan in world.accounts],
    )
    return ids, calendar
