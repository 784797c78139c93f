"""The look-up records an export brings (people, accounts, products, territories …): what is new, changed,
unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opportunities.domain.import_look_alikes import look_alike, plain
from opportunities.domain.import_mapping import FIELDS, Role
from opportunities.domain.import_refs import AMBIGUOUS, Names, RefBook, id_key
from opportunities.domain.import_rows import Record
from salesops.kernel.said import Said
from salesops.kernel.tabular import Gatherer, Problem, Severity

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KnownReference:
    """A record we have: its row id and what the import may compare."""

    pk: int
    values: Values


@dataclass(slots=True)
class ReferenceRecord:
    """A record of the export, references inside it resolved to keys."""

    key: str
    values: Values
    line: int
    file: str
    written: dict[str, str] = field(default_factory=dict)
    """What the file has, by field, where a repair replaced it, or a key of a record like this one."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The file's column of each field."""

    def column(self, name: str) -> str:
        """What the file calls a field; the field's own name where the file has none."""
        return self.columns.get(name, name)


@dataclass(slots=True)
class ReferencePlan:
    """What a run does to one role."""

    role: Role
    created: dict[str, ReferenceRecord] = field(default_factory=dict)
    updated: dict[str, ReferenceRecord] = field(default_factory=dict)
    unchanged: set[str] = field(default_factory=set)
    rejected: int = 0
    rows: int = 0
    repeated: int = 0

    def counts(self) -> dict[str, int]:
        return {
            "rows": self.rows,
            "created": len(self.created),
            "updated": len(self.updated),
            "unchanged": len(self.unchanged),
            "rejected": self.rejected,
            "repeated": self.repeated,
        }


_IDENTITY_FIELDS = frozenset({"external_id", "alias", "first_name", "last_name", "is_deleted"})


def gather_records(
    role: Role,
    records: Iterable[tuple[str, Record, bool]],
    refs: RefBook,
    gather: Gatherer,
    plan: ReferencePlan,
) -> dict[str, ReferenceRecord]:
    """Distinct records by key, made findable in `refs`. `records` are (file, record, is optional extract).

    The same record twice is taken once; two differing rows of a strict extract are a problem of the later
    one.
    """
    found: dict[str, ReferenceRecord] = {}
    for file, record, is_optional in records:
        if record.values.get("is_deleted"):
            continue
        plan.rows += 0 if is_optional else 1
        name = _name(role, record.values)
        if record.is_rejected or not (record.values.get("external_id") or name):
            plan.rejected += 1
            if not record.is_rejected:
                gather.add(_nameless(file, record))
        elif not (is_optional and _looks_mistyped(role, refs, name)):
            # A mistyping is asked as a repair and must not become a record.
            _take(role, found, record, name, file, is_optional, refs, gather, plan)
    return found


def _nameless(file: str, record: Record) -> Problem:
    message, cure = Said("has neither name nor identity"), Said("Give every record a name or an identity.")
    column = record.columns.get("external_id") or record.column("name")
    return Problem(file, record.line, column, "", message, cure, "NO_NAME")


def _take(
    role: Role,
    found: dict[str, ReferenceRecord],
    record: Record,
    name: str,
    file: str,
    is_optional: bool,
    refs: RefBook,
    gather: Gatherer,
    plan: ReferencePlan,
) -> None:
    values = record.values
    key = _known_key(role, refs, values.get("external_id") or name, name, values)
    own = {field: value for field, value in values.items() if field not in _IDENTITY_FIELDS}
    own["name"] = name or key
    if "@" not in own.get("email", "@"):
        own.pop("email")  # hashed or mistyped: no address
    former = found.get(key)
    if former is not None:
        _merge(former, record, own, file, is_optional, gather, plan)
        return
    found[key] = ReferenceRecord(key, own, record.line, file, record.written, record.columns)
    _tell_look_alike(found, found[key], values.get("external_id"), refs.of(role), gather)
    ids = (key, values.get("external_id", ""), values.get("alias", ""), values.get("email", ""))
    refs.of(role).add(key, name=name or "", ids=ids)


def _tell_look_alike(
    found: dict[str, ReferenceRecord],
    record: ReferenceRecord,
    external_id: str | None,
    names: Names,
    gather: Gatherer,
) -> None:
    """A record whose identity looks like another one's; of two that are known, the one in disguise."""
    identity = external_id or record.key
    other = names.look_alike(identity)
    if other is None or (id_key(identity) in names.by_id and plain(identity) == identity):
        return
    key = names.by_id[id_key(other)]
    if key != record.key:
        column = record.column("external_id" if external_id else "name")
        row = found[key].line if key in found else None
        gather.add(look_alike(record.file, record.line, column, identity, other, row))


def _looks_mistyped(role: Role, refs: RefBook, name: str) -> bool:
    """Whether a record merely named in passing resembles, but for spaces and signs, one that is already
    there."""
    names = refs.of(role)
    if not name or names.find(name) is not None:
        return False
    return names.resembles(name)


def _name(role: Role, values: Values) -> str:
    name = values.get("name") or " ".join(filter(None, (values.get("first_name"), values.get("last_name"))))
    return " ".join(str(name).split()) if name else str(values.get("email", ""))


def _known_key(role: Role, refs: RefBook, key: str, name: str, values: Values) -> str:
    """The key of a record we already have under this identity (or, without identity, under this name), else
    the given one."""
    if values.get("external_id"):
        return refs.of(role).by_id.get(key, key)
    # A row of this source never changes a record of another one by its name.
    known = refs.of(role).find_own(name)
    return key if known in (None, AMBIGUOUS) else known


def _merge(
    former: ReferenceRecord,
    record: Record,
    own: Values,
    file: str,
    is_optional: bool,
    gather: Gatherer,
    plan: ReferencePlan,
) -> None:
    differing = [
        field for field, value in own.items() if field in former.values and former.values[field] != value
    ]
    former.values.update({field: value for field, value in own.items() if field not in former.values})
    if is_optional:
        return
    plan.repeated += 1
    if differing:
        first = differing[0]
        message = Said(
            "repeats %(key)s of row %(row)s with another “%(field)s”; the first row is taken",
            key=former.key, row=former.line, field=FIELDS[record.role][first].label,
        )  # fmt: skip
        cure = Said("Delete one of the two rows from the export.")
        where = (file, record.line, record.column(first))
        gather.add(Problem(*where, str(own[first]), message, cure, "DUPLICATE", Severity.WARNING))


def resolve_inside(
    role: Role,
    found: dict[str, ReferenceRecord],
    refs: RefBook,
    gather: Gatherer,
    *,
    missing: dict[tuple[Role, str], int],
) -> None:
    """Replace texts that refer to other records by their keys; what is unknown is reported and left out."""
    specs = [spec for spec in FIELDS[role].values() if spec.refers_to is not None]
    for record in found.values():
        for spec in specs:
            text = record.values.get(spec.name)
            if text is None or spec.refers_to is None:
                continue
            key = refs.of(spec.refers_to).find(text)
            if key is None or key == AMBIGUOUS:
                record.values.pop(spec.name)
                missing[spec.refers_to, text] = missing.get((spec.refers_to, text), 0) + 1
                message = Said("%(field)s is not known; left out", field=spec.label)
                cure = Said("Import the list it belongs to as well.")
                code, written = f"MISSING_{spec.refers_to.value}", record.written.get(spec.name) or str(text)
                where = (record.file, record.line, record.column(spec.name))
                gather.add(Problem(*where, written, message, cure, code, Severity.WARNING))
            else:
                record.values[spec.name] = key
                if spec.refers_to is role:
                    record.written.setdefault(spec.name, str(text))


def classify_references(
    plan: ReferencePlan, found: Mapping[str, ReferenceRecord], known: Mapping[str, KnownReference]
) -> ReferencePlan:
    """Sort records into created, updated and unchanged. A blank in the file leaves a known value alone."""
    for key, record in found.items():
        former = known.get(key)
        if former is None:
            plan.created[key] = record
            continue
        changes = {name: value for name, value in record.values.items() if former.values.get(name) != value}
        if changes:
            plan.updated[key] = ReferenceRecord(key, changes, record.line, record.file)
        else:
            plan.unchanged.add(key)
    return plan
