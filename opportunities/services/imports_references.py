"""Writing the look-up records of an import, each with what it was before, so that the import can be
undone."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from opportunities.domain.import_mapping import Role
from opportunities.domain.import_memberships import SINCE_EVER
from opportunities.domain.import_references import ReferencePlan, ReferenceRecord
from opportunities.models import (
    Account,
    ImportRow,
    Product,
    ProductFamily,
    SalesProcess,
    Stage,
)
from opportunities.selectors.imports_known import reference_key
from opportunities.services.families import hold_families, rebuild_family_closure
from opportunities.services.imports_effects import (
    change_records,
    note_created,
    note_reporting_lines,
    set_parents,
)
from opportunities.services.imports_prepare import Prepared
from opportunities.services.imports_processes import processes_wanted
from organization.domain.scope import Scope
from organization.models import Person, Territory, TerritoryMembership
from organization.services import (
    LineWanted,
    ensure_currencies,
    hold_hierarchies,
    rebuild_person_closure,
    rebuild_territory_closure,
    set_managers,
)

Ids = dict[str, int]


class Keys:
    """Row ids by reference key, per role, for one source."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._ids: dict[Role, Ids] = {}

    def load(self, role: Role, model: Any, *, own: str = "external_id") -> Ids:
        """Read (again) the ids of a role's records."""
        rows = model.objects.values_list("pk", "source", own)
        self._ids[role] = {reference_key(self.source, origin, ext, pk): pk for pk, origin, ext in rows}
        return self._ids[role]

    def put(self, role: Role, ids: Ids) -> None:
        self._ids[role] = ids

    def of(self, role: Role, key: str | None) -> int | None:
        """The row id for a key; a key that is gone (undone meanwhile) finds none."""
        if key is None:
            return None
        if key.startswith("#") and key[1:].isdigit():
            return int(key[1:])
        return self._ids.get(role, {}).get(key)


class KeysToCome(Keys):
    """For a preview: what the import will create gets an id below zero, which no deal has yet."""

    def of(self, role: Role, key: str | None) -> int | None:
        """The row id for a key, or the number of one to come."""
        found = super().of(role, key)
        if found is None and key is not None:
            ids = self._ids.setdefault(role, {})
            found = ids[key] = -1 - len(ids)
        return found


def load_keys(source: str, *, are_to_come: bool = False) -> Keys:
    """Ids of everything deals refer to; in a preview also of what is to come."""
    keys = KeysToCome(source) if are_to_come else Keys(source)
    for role, model in (
        (Role.TERRITORY, Territory),
        (Role.PERSON, Person),
        (Role.PRODUCT, Product),
        (Role.ACCOUNT, Account),
    ):
        keys.load(role, model)
    keys.load(Role.FAMILY, ProductFamily, own="name")
    keys.load(Role.PROCESS, SalesProcess)
    processes = {pk: key for key, pk in keys._ids[Role.PROCESS].items()}
    stages = Stage.objects.filter(process__source=source).values_list(
        "pk", "process_id", "external_id", "name"
    )
    keys.put(Role.STAGE, {f"{processes[process]} / {ext or name}": pk for pk, process, ext, name in stages})
    return keys


def apply_references(prepared: Prepared) -> None:
    """Create and change the records the export brings, in the order in which they refer to each other."""
    hold_hierarchies()
    hold_families()
    source = prepared.mapping.source
    ensure_currencies(_currencies(prepared))
    _territories(prepared, source)
    _people(prepared, source)
    _memberships(prepared, source)
    _families(prepared, source)
    _products(prepared, source)
    _accounts(prepared, source)
    _processes(prepared, source)


def _currencies(prepared: Prepared) -> set[str]:
    staged = ImportRow.objects.filter(batch_id=prepared.batch.pk, role="D").values_list(
        "payload__state__currency", flat=True
    )
    plan = _plan(prepared, Role.PRODUCT)
    priced = [*plan.created.values(), *plan.updated.values()]
    return (
        {code for code in staged.distinct() if code}
        | {str(record.values["currency"]) for record in priced if "currency" in record.values}
        | {prepared.mapping.currency or prepared.known.corporate_currency}
    )


def _plan(prepared: Prepared, role: Role) -> ReferencePlan:
    return prepared.references.get(role) or ReferencePlan(role)


def _created(prepared: Prepared, kind: str, rows: list[Any]) -> None:
    note_created(batch_id=prepared.batch.pk, kind=kind, rows=rows)


def _updated(prepared: Prepared, kind: str, model: Any, changes: dict[int, dict[str, Any]]) -> None:
    change_records(batch_id=prepared.batch.pk, kind=kind, model=model, changes=changes)


def _parents(plan: ReferencePlan, keys: Keys) -> dict[int, int | None]:
    """The parent each new record names, when all of them have ids."""
    named = {
        key: record.values["parent"] for key, record in plan.created.items() if "parent" in record.values
    }
    ids = {key: keys.of(plan.role, key) for key in named}
    return {pk: keys.of(plan.role, named[key]) for key, pk in ids.items() if pk is not None}


def _simple(record: ReferenceRecord, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: record.values[name] for name in names if name in record.values}


def _territories(prepared: Prepared, source: str) -> None:
    plan, keys = _plan(prepared, Role.TERRITORY), Keys(source)
    rows = [
        Territory(source=source, external_id=key, **_simple(record, ("name", "kind")))
        for key, record in plan.created.items()
    ]
    Territory.objects.bulk_create(rows)
    ids = keys.load(Role.TERRITORY, Territory)
    set_parents(Territory, _parents(plan, keys))
    _created(prepared, "TERRITORY", rows)
    changes: dict[int, dict[str, Any]] = {}
    for key, record in plan.updated.items():
        change = _simple(record, ("name", "kind"))
        if "parent" in record.values:
            change["parent_id"] = keys.of(Role.TERRITORY, record.values["parent"])
        changes[ids[key]] = change
    _updated(prepared, "TERRITORY", Territory, changes)
    if rows or changes:
        rebuild_territory_closure()


def _people(prepared: Prepared, source: str) -> None:
    plan, keys = _plan(prepared, Role.PERSON), Keys(source)
    keys.load(Role.TERRITORY, Territory)
    rows = [
        Person(source=source, external_id=key, **_person(record, keys))
        for key, record in plan.created.items()
    ]
    _created(prepared, "PERSON", Person.objects.bulk_create(rows, batch_size=5000))
    keys.load(Role.PERSON, Person)
    changes: dict[int, dict[str, Any]] = {}
    for key, record in plan.updated.items():
        pk = keys.of(Role.PERSON, key)
        change = _person(record, keys)
        if pk is not None and change:
            changes[pk] = change
    _updated(prepared, "PERSON", Person, changes)
    _managers(prepared, plan, keys)
    if rows:
        rebuild_person_closure()


def _person(record: ReferenceRecord, keys: Keys) -> dict[str, Any]:
    change = _simple(record, ("name", "title", "is_active", "started_on"))
    email = record.values.get("email", "")
    if "@" in email:
        change["email"] = email
    if "territory" in record.values:
        change["territory_id"] = keys.of(Role.TERRITORY, record.values["territory"])
    return change


def _managers(prepared: Prepared, plan: ReferencePlan, keys: Keys) -> None:
    """New people report to their manager since ever; a known person changes manager on the day of the
    import."""
    lines = []
    today = prepared.now.astimezone(prepared.business_zone).date()
    for records, from_date in ((plan.created, SINCE_EVER), (plan.updated, today)):
        for key, record in records.items():
            person, manager = keys.of(Role.PERSON, key), keys.of(Role.PERSON, record.values.get("manager"))
            if person is not None and manager is not None:
                lines.append(LineWanted(person, manager, from_date))
    if not lines:
        return
    people = sorted({line.person_id for line in lines})
    note_reporting_lines(batch_id=prepared.batch.pk, people=people, are_written=False)
    set_managers(lines=lines, scope=Scope.system("CRM import"))
    note_reporting_lines(batch_id=prepared.batch.pk, people=people, are_written=True)


def _memberships(prepared: Prepared, source: str) -> None:
    plan, keys = _plan(prepared, Role.MEMBERSHIP), Keys(source)
    keys.load(Role.PERSON, Person)
    keys.load(Role.TERRITORY, Territory)
    rows = []
    for record in plan.created.values():
        person = keys.of(Role.PERSON, record.values["person"])
        territory = keys.of(Role.TERRITORY, record.values["territory"])
        if person is not None and territory is not None:
            days = _simple(record, ("from_date", "to_date"))
            rows.append(TerritoryMembership(person_id=person, territory_id=territory, **days))
    _created(prepared, "MEMBERSHIP", TerritoryMembership.objects.bulk_create(rows, batch_size=5000))
    known = prepared.known.records.get(Role.MEMBERSHIP, {})
    ended = {known[key].pk: _simple(record, ("to_date",)) for key, record in plan.updated.items()}
    _updated(prepared, "MEMBERSHIP", TerritoryMembership, ended)


def _families(prepared: Prepared, source: str) -> None:
    plan, keys = _plan(prepared, Role.FAMILY), Keys(source)
    rows = [ProductFamily(source=source, name=key) for key in plan.created]
    ProductFamily.objects.bulk_create(rows)
    ids = keys.load(Role.FAMILY, ProductFamily, own="name")
    set_parents(ProductFamily, _parents(plan, keys))
    _created(prepared, "FAMILY", rows)
    changes = {
        ids[key]: {"parent_id": keys.of(Role.FAMILY, record.values["parent"])}
        for key, record in plan.updated.items()
        if "parent" in record.values and key in ids
    }
    _updated(prepared, "FAMILY", ProductFamily, changes)
    if rows or changes:
        rebuild_family_closure()


def _products(prepared: Prepared, source: str) -> None:
    plan, keys = _plan(prepared, Role.PRODUCT), Keys(source)
    keys.load(Role.FAMILY, ProductFamily, own="name")
    currency = prepared.mapping.currency or prepared.known.corporate_currency
    rows = []
    for key, record in plan.created.items():
        values = _product(record, keys)
        if values.get("list_price") is not None:
            values.setdefault("currency_id", currency)
        rows.append(Product(source=source, external_id=key, **values))
    _created(prepared, "PRODUCT", Product.objects.bulk_create(rows, batch_size=5000))
    ids = keys.load(Role.PRODUCT, Product)
    _updated(
        prepared,
        "PRODUCT",
        Product,
        {ids[key]: _product(record, keys) for key, record in plan.updated.items()},
    )


def _product(record: ReferenceRecord, keys: Keys) -> dict[str, Any]:
    change = _simple(record, ("name", "list_price", "is_active"))
    if "currency" in record.values:
        change["currency_id"] = record.values["currency"]
    if "family" in record.values:
        change["family_id"] = keys.of(Role.FAMILY, record.values["family"])
    return change


_ACCOUNT = ("name", "industry", "country", "region", "city", "postal_code", "employees", "annual_revenue")


def _accounts(prepared: Prepared, source: str) -> None:
    plan, keys = _plan(prepared, Role.ACCOUNT), Keys(source)
    for role, model in ((Role.PERSON, Person), (Role.TERRITORY, Territory)):
        keys.load(role, model)
    rows = [
        Account(source=source, external_id=key, **_account(record, keys, {}))
        for key, record in plan.created.items()
    ]
    Account.objects.bulk_create(rows, batch_size=5000)
    ids = keys.load(Role.ACCOUNT, Account)
    set_parents(Account, _parents(plan, keys))
    _created(prepared, "ACCOUNT", rows)
    changes: dict[int, dict[str, Any]] = {}
    known = dict(
        Account.objects.filter(pk__in=[ids[key] for key in plan.updated if key in ids]).values_list(
            "pk", "attributes"
        )
    )
    for key, record in plan.updated.items():
        pk = keys.of(Role.ACCOUNT, key)
        if pk is not None:
            change = _account(record, keys, known.get(pk, {}))
            if "parent" in record.values:
                change["parent_id"] = keys.of(Role.ACCOUNT, record.values["parent"])
            changes[pk] = change
    _updated(prepared, "ACCOUNT", Account, changes)


def _account(record: ReferenceRecord, keys: Keys, attributes: dict[str, Any]) -> dict[str, Any]:
    change = _simple(record, _ACCOUNT)
    if "employees" in change:
        change["employees"] = int(change["employees"])
    for name, role in (("owner", Role.PERSON), ("territory", Role.TERRITORY)):
        if name in record.values:
            change[f"{name}_id"] = keys.of(role, record.values[name])
    more = _simple(record, ("size", "domain", "kind"))
    if more:
        change["attributes"] = {**attributes, **more}
    return change


def _own_name(name: str, taken: set[str]) -> str:
    """The name, numbered where another has it already: two of one name are still two. Then it is taken."""
    own, number = name[:100], 1
    while own in taken:
        number += 1
        own = f"{name[:90]} ({number})"
    taken.add(own)
    return own


def _processes(prepared: Prepared, source: str) -> None:
    """Processes the deals use, then the stages in them."""
    keys, wanted = Keys(source), processes_wanted(prepared)
    ids = keys.load(Role.PROCESS, SalesProcess)
    taken = set(SalesProcess.objects.filter(source=source).values_list("name", flat=True))
    rows = [
        SalesProcess(source=source, external_id=key, name=_own_name(name, taken))
        for key, name in sorted(wanted.items())
        if key not in ids
    ]
    _created(prepared, "PROCESS", SalesProcess.objects.bulk_create(rows))
    ids = keys.load(Role.PROCESS, SalesProcess)
    have: dict[int, set[str]] = defaultdict(set)
    for process_id, name in Stage.objects.filter(process_id__in=ids.values()).values_list(
        "process_id", "name"
    ):
        have[process_id].add(name)
    known = {process_id: frozenset(names) for process_id, names in have.items()}
    stages = [
        Stage(
            process_id=ids[spec.process], name=_own_name(spec.name, have[ids[spec.process]]),
            external_id=spec.external_id, position=spec.position, status=spec.status, category=spec.category,
            probability=spec.probability_given,
        )
        for spec in prepared.stages.values()
        if spec.process in ids and spec.name[:100] not in known.get(ids[spec.process], ())
    ]  # fmt: skip
    _created(prepared, "STAGE", Stage.objects.bulk_create(stages))
    needed = [known.pk for known in prepared.known.records.get(Role.STAGE, {}).values()]
    asleep = Stage.objects.filter(pk__in=needed, is_active=False).values_list("pk", flat=True)
    _updated(prepared, "STAGE", Stage, {pk: {"is_active": True} for pk in asleep})
