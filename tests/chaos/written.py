"""All tables of the product as text, a file each, so that two runs of the same import can be compared byte for byte.

Equal they cannot be in what is drawn anew each time; there the text says what stands in its place:

- Numbers of rows come from sequences, and an attempt that is rolled back does not give its numbers back: a row's own is
  left out, that of a row it refers to is written as that row's name (in tables, in JSON and in the trail alike).
- Instants read from the clock in the run are `clock`; those an import goes by, which must be one and the same wherever
  they turn up, are written as what they are (`as of`, `applied`).
- The number of an import's job is left out, as are the tables of the work itself (`WORK`): each attempt is counted there.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import models
from django.utils import timezone

from opportunities.models import (
    Account,
    ChangeSet,
    ImportBatch,
    ImportEffect,
    Opportunity,
    Product,
    ProductFamily,
    SalesProcess,
    Stage,
)
from organization.models import FiscalCalendar, FiscalPeriod, Person, Territory, TerritoryMembership
from pipeline.domain.trees import Tree
from pipeline.models import RollupNode
from salesops.audit.models import AuditEvent
from salesops.jobs.models import Job, JobStep, Schedule
from tests.house.product import PACKAGES

Model = type[models.Model]
WORK: tuple[Model, ...] = (Job, JobStep, Schedule)
NAMES: dict[Model, tuple[str, ...]] = {
    Account: ("source", "external_id", "name"),
    ChangeSet: ("kind", "import_batch_id", "note"),
    FiscalCalendar: ("name",),
    FiscalPeriod: ("calendar__name", "name"),
    ImportBatch: ("digest",),
    Opportunity: ("source", "external_id"),
    Person: ("source", "external_id", "name"),
    Product: ("source", "external_id", "name"),
    ProductFamily: ("source", "name"),
    SalesProcess: ("source", "name"),
    Stage: ("process__source", "process__name", "name"),
    Territory: ("source", "external_id", "name"),
    TerritoryMembership: ("person__name", "territory__name", "from_date"),
}
"""What names a row of a table that others refer to."""
KINDS: dict[str, Model] = {
    "ACCOUNT": Account, "FAMILY": ProductFamily, "MEMBERSHIP": TerritoryMembership, "OPPORTUNITY": Opportunity,
    "PERSON": Person, "PROCESS": SalesProcess, "PRODUCT": Product, "REPORTING_LINE": Person, "STAGE": Stage,
    "TERRITORY": Territory,
}  # fmt: skip
"""What an import's effect is of."""
LOOSE: dict[str, Model] = {
    "change_set_id": ChangeSet, "family_id": ProductFamily, "import_batch_id": ImportBatch, "manager_id": Person,
    "month_id": FiscalPeriod, "owner_id": Person, "product_id": Product, "territory_id": Territory,
}  # fmt: skip
"""Columns, and parts of JSON, that hold the number of a row without being a foreign key."""
TREES: dict[int, Model] = {
    Tree.PEOPLE: Person, Tree.OWN: Person, Tree.TERRITORY: Territory, Tree.TERRITORY_OWN: Territory,
    Tree.FAMILY: ProductFamily, Tree.FAMILY_OWN: ProductFamily,
}  # fmt: skip


def write_tables(folder: Path, *, since: dt.datetime) -> Path:
    """Every table of the product, its rows as sorted lines; what the clock said after `since` was said in this run."""
    folder.mkdir()
    told = _Told(since)
    for model in apps.get_models():
        if model.__module__.partition(".")[0] in PACKAGES and model not in WORK:
            lines = sorted(told.line(row) for row in model._default_manager.order_by().iterator(20_000))
            (folder / model._meta.db_table).write_text("".join(f"{line}\n" for line in lines))
    return folder


def differences(one: Path, other: Path) -> list[str]:
    """The first lines of each table that only one of two folders has."""
    found = []
    for name in sorted({path.name for folder in (one, other) for path in folder.iterdir()}):
        here, there = ((folder / name).read_text() for folder in (one, other))
        if here != there:
            lines = [text.splitlines() for text in (here, there)]
            only = [
                [line for line in a if line not in b]
                for a, b in zip(lines, map(set, lines[::-1]), strict=True)
            ]
            counts = f"{name}: {len(lines[0])} and {len(lines[1])} rows"
            found += [counts, *(f"- {line}" for line in only[0][:3]), *(f"+ {line}" for line in only[1][:3])]
    return found


class _Told:
    """Values of rows as they are written."""

    def __init__(self, since: dt.datetime) -> None:
        self._since, self._until = since, timezone.now()
        self._names = {model: _names(model, columns) for model, columns in NAMES.items()}
        self._instants: dict[dt.datetime | None, str] = {}
        for batch in ImportBatch.objects.all():
            self._instants |= {batch.as_of: f"as of {batch.pk}", batch.applied_at: f"applied {batch.pk}"}

    def line(self, row: models.Model) -> str:
        """A row by the names of its columns."""
        model, told = type(row), {}
        for column in row._meta.concrete_fields:
            name, value = column.attname, getattr(row, column.attname)
            if column.primary_key and column.get_internal_type().endswith("AutoField"):
                continue
            if isinstance(row, ImportBatch) and name == "job_id":
                continue
            if isinstance(row, ImportEffect) and name == "object_id":
                told[name] = self._named(KINDS[row.kind], value)
            elif isinstance(row, ImportEffect) and name in ("before", "after"):
                told[name] = self._effect(KINDS[row.kind], value)
            elif isinstance(row, RollupNode) and name == "node_id":
                told[name] = self._named(TREES[row.tree], value)
            elif isinstance(row, AuditEvent) and name == "object_id":
                told[name] = self._subject(row.object_type, value)
            else:
                told[name] = self._value(model, name, value)
        return json.dumps(told, default=str, sort_keys=True, ensure_ascii=False)

    def _value(self, model: Model, name: str, value: Any) -> Any:
        """A column's value: as a name where it is the number of a row."""
        field = next((one for one in model._meta.concrete_fields if one.attname == name), None)
        referred = field.related_model if field is not None and field.is_relation else LOOSE.get(name)
        if isinstance(referred, type) and referred in self._names:
            return self._named(referred, value)
        return self._plain(value)

    def _named(self, model: Model, number: int | None) -> str | int | None:
        return self._names[model][number] if number else number

    def _effect(self, model: Model, columns: Mapping[str, Any]) -> dict[str, Any]:
        """What a record held before or after; of a person's reporting lines, by the names of the managers."""
        told = {name: self._value(model, name, value) for name, value in columns.items() if name != "lines"}
        if "lines" in columns:
            told["lines"] = [[self._named(Person, manager), *days] for manager, *days in columns["lines"]]
        return told

    def _subject(self, kind: str, number: str) -> str:
        """What the trail names by number: deals are shared before, people moved and quotas set by an import."""
        if kind == "quota":
            person, _, period = number.partition(":")
            return f"{self._named(Person, int(person))} {self._named(FiscalPeriod, int(period))}"
        subject = {"deal": Opportunity, "person": Person}.get(kind)
        return str(self._named(subject, int(number))) if subject else number

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: self._named(LOOSE[key], item) if key in LOOSE else self._plain(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if isinstance(value, str) and len(value) > 18 and value[10] == "T":
            return self._instant_in(value)
        return self._instant(value) if isinstance(value, dt.datetime) else value

    def _instant_in(self, text: str) -> str:
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            return text
        return self._instant(moment) if moment.tzinfo else text

    def _instant(self, moment: dt.datetime) -> str:
        known = self._instants.get(moment)
        return known or ("clock" if self._since <= moment <= self._until else moment.isoformat())


def _names(model: Model, columns: Iterable[str]) -> dict[Any, str]:
    rows: Iterator[tuple[Any, ...]] = model._default_manager.values_list("pk", *columns).iterator(20_000)
    names = {number: " / ".join(map(str, parts)) for number, *parts in rows}
    assert len(set(names.values())) == len(names), f"{model.__name__}: two rows of one name"
    return names
