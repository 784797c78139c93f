"""What an import must know before it plans: the records files may refer to, and what of them it may
compare."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from babel.numbers import list_currencies
from django.db.models import Q

from opportunities.domain.import_deals import StageInfo
from opportunities.domain.import_mapping import Role
from opportunities.domain.import_memberships import membership_key
from opportunities.domain.import_references import KnownReference
from opportunities.domain.import_refs import RefBook, id_key
from opportunities.models import Account, Opportunity, Product, ProductFamily, SalesProcess, Stage
from organization.domain.sources import UNDONE
from organization.models import Company, Person, ReportingLine, Territory, TerritoryMembership

if TYPE_CHECKING:
    from organization.domain.scope import Scope

LOCAL = "local"
FAR = "9999-12-31"


@dataclass(slots=True)
class Known:
    """The state an import is compared with."""

    refs: RefBook = field(default_factory=RefBook)
    records: dict[Role, dict[str, KnownReference]] = field(default_factory=dict)
    stages: dict[str, StageInfo] = field(default_factory=dict)
    list_prices: dict[str, Decimal] = field(default_factory=dict)
    home: dict[str, str] = field(default_factory=dict)
    """Person key -> home territory key."""
    currencies: frozenset[str] = frozenset()
    corporate_currency: str = "USD"
    time_zone: str = "UTC"


def reference_key(source: str, row_source: str, external_id: str, pk: int) -> str:
    """How records are called in staged rows: by identity in their own source, else by row id."""
    return external_id if row_source == source and external_id else f"#{pk}"


def load_known(scope: Scope, source: str) -> Known:
    """Everything the files of `source` may refer to: that source's own records, and all people."""
    if not scope.everything:
        raise PermissionError("An import is planned with the reach of the system.")
    known = Known()
    company = Company.objects.first()
    if company is not None:
        known.corporate_currency, known.time_zone = company.corporate_currency_id, company.time_zone
    known.currencies = frozenset(list_currencies())
    keys = _territories(known, source)
    people = _people(known, source, keys)
    _memberships(known, people, keys)
    families = _families(known, source)
    _products(known, source, families)
    _accounts(known, source, keys, people)
    _processes(known, source)
    return known


def _mine(source: str) -> Q:
    return Q(source=source) | Q(source=LOCAL)


def _territories(known: Known, source: str) -> dict[int, str]:
    rows = list(
        Territory.objects.filter(_mine(source)).values_list(
            "pk", "source", "external_id", "name", "parent_id", "kind"
        )
    )
    keys = {pk: reference_key(source, origin, ext, pk) for pk, origin, ext, *_ in rows}
    records = known.records.setdefault(Role.TERRITORY, {})
    for pk, _, ext, name, parent, kind in rows:
        records[keys[pk]] = KnownReference(pk, _filled(name=name, parent=keys.get(parent), kind=kind))
        known.refs.of(Role.TERRITORY).add(keys[pk], name=name, ids=(ext, keys[pk]))
    return keys


def _people(known: Known, source: str, territories: dict[int, str]) -> dict[int, str]:
    fields = (
        "pk",
        "source",
        "external_id",
        "name",
        "email",
        "title",
        "territory_id",
        "is_active",
        "started_on",
    )
    rows = list(Person.objects.exclude(source__startswith=UNDONE).values_list(*fields))
    keys = {row[0]: reference_key(source, row[1], row[2], row[0]) for row in rows}
    managers = dict(ReportingLine.objects.filter(to_date=FAR).values_list("person_id", "manager_id"))
    records = known.records.setdefault(Role.PERSON, {})
    for pk, origin, ext, name, email, title, territory, is_active, started in rows:
        key = keys[pk]
        values = _filled(
            name=name, email=email, title=title, territory=territories.get(territory), is_active=is_active,
            manager=keys.get(managers.get(pk, 0)), started_on=started,
        )  # fmt: skip
        records[key] = KnownReference(pk, values)
        known.refs.of(Role.PERSON).add(
            key,
            name=name,
            ids=(ext if origin == source else "", email.lower(), email, key),
            is_elsewhere=origin not in (source, LOCAL),
        )
        if territory in territories:
            known.home[key] = territories[territory]
    return keys


def _memberships(known: Known, people: dict[int, str], territories: dict[int, str]) -> None:
    rows = TerritoryMembership.objects.filter(person_id__in=people, territory_id__in=territories)
    records = known.records.setdefault(Role.MEMBERSHIP, {})
    for pk, person_id, territory_id, since, until in rows.values_list(
        "pk", "person_id", "territory_id", "from_date", "to_date"
    ):
        person, territory = people[person_id], territories[territory_id]
        stay = {"person": person, "territory": territory, "from_date": since, "to_date": until}
        records[membership_key(person, territory, since)] = KnownReference(pk, stay)


def _families(known: Known, source: str) -> dict[int, str]:
    rows = list(ProductFamily.objects.filter(_mine(source)).values_list("pk", "source", "name", "parent_id"))
    keys = {pk: reference_key(source, origin, name, pk) for pk, origin, name, _ in rows}
    records = known.records.setdefault(Role.FAMILY, {})
    for pk, _, name, parent in rows:
        records[keys[pk]] = KnownReference(pk, _filled(name=name, parent=keys.get(parent)))
        known.refs.of(Role.FAMILY).add(keys[pk], name=name, ids=(keys[pk],))
    return keys


def _products(known: Known, source: str, families: dict[int, str]) -> None:
    fields = ("pk", "source", "external_id", "name", "family_id", "list_price", "currency_id", "is_active")
    records = known.records.setdefault(Role.PRODUCT, {})
    for pk, origin, ext, name, family, price, currency, is_active in Product.objects.filter(
        _mine(source)
    ).values_list(*fields):
        key = reference_key(source, origin, ext, pk)
        values = _filled(
            name=name, family=families.get(family), list_price=price, currency=currency, is_active=is_active
        )
        records[key] = KnownReference(pk, values)
        if is_active:
            known.refs.of(Role.PRODUCT).add(key, name=name, ids=(ext, key))
            if price is not None:
                known.list_prices[key] = price


def _accounts(known: Known, source: str, territories: dict[int, str], people: dict[int, str]) -> None:
    fields = (
        "pk", "source", "external_id", "name", "industry", "country", "region", "city", "postal_code", "employees",
        "annual_revenue", "parent_id", "owner_id", "territory_id", "attributes",
    )  # fmt: skip
    rows = list(Account.objects.filter(_mine(source)).values_list(*fields))
    keys = {row[0]: reference_key(source, row[1], row[2], row[0]) for row in rows}
    records = known.records.setdefault(Role.ACCOUNT, {})
    names = known.refs.of(Role.ACCOUNT)
    for row in rows:
        pk, _, ext, name = row[:4]
        plain = dict(zip(fields[3:11], row[3:11], strict=True))
        attributes = {name: row[14].get(name) for name in ("size", "domain", "kind")}
        values = _filled(
            **plain,
            parent=keys.get(row[11]),
            owner=people.get(row[12]),
            territory=territories.get(row[13]),
            **attributes,
        )
        records[keys[pk]] = KnownReference(pk, values)
        names.add(keys[pk], name=name, ids=(ext, keys[pk]))


def _processes(known: Known, source: str) -> None:
    records = known.records.setdefault(Role.PROCESS, {})
    keys: dict[int, str] = {}
    for pk, origin, ext, name in SalesProcess.objects.filter(_mine(source)).values_list(
        "pk", "source", "external_id", "name"
    ):
        keys[pk] = reference_key(source, origin, ext or name, pk)
        records[keys[pk]] = KnownReference(pk, {"name": name})
        known.refs.of(Role.PROCESS).add(keys[pk], name=name, ids=(ext, keys[pk]))
    stages = known.records.setdefault(Role.STAGE, {})
    fields = ("pk", "process_id", "name", "external_id", "status", "category", "probability")
    for pk, process, name, ext, status, category, probability in Stage.objects.filter(
        process__source=source
    ).values_list(*fields):
        key = stage_key(keys[process], ext or name)
        stages[key] = KnownReference(pk, {"name": name})
        known.stages[key] = StageInfo(key, status, category, probability)
        known.refs.add_stage(key, keys[process], (name, ext))


def stage_key(process: str, stage: str) -> str:
    """How a stage is called in staged rows."""
    return f"{process} / {stage}"


def _filled(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def known_deal_processes(scope: Scope, source: str, known: Known) -> dict[str, str]:
    """The process key of each deal of a source, by the identity as files may write it."""
    if not scope.everything:
        raise PermissionError("An import is planned with the reach of the system.")
    keys = {record.pk: key for key, record in known.records[Role.PROCESS].items()}
    rows = Opportunity.objects.filter(source=source, process__isnull=False)
    return {id_key(ext): keys[pk] for ext, pk in rows.values_list("external_id", "process_id") if pk in keys}


def known_deal_currencies(scope: Scope, source: str, usual: str) -> dict[str, str]:
    """Currency of the deals of a source that are in another than the usual one, by identity."""
    if not scope.everything:
        raise PermissionError("An import is planned with the reach of the system.")
    others = Opportunity.objects.filter(source=source).exclude(currency_id=usual)
    return dict(others.values_list("external_id", "currency_id"))


def known_deal_keys(scope: Scope, source: str) -> set[str]:
    """Identities of the deals of a source."""
    if not scope.everything:
        raise PermissionError("An import is planned with the reach of the system.")
    return set(Opportunity.objects.filter(source=source).values_list("external_id", flat=True))
