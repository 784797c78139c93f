"""What the columns of an export mean: roles, fields, and the mapping a person confirms and we remember.

A *role* is what a row of a file is (a deal, an account, a stage entry). A file may carry several roles at
once: a flattened export has deal and company in one row. A mapping is plain data, so it is stored as JSON,
shown in the wizard, and handed to `import_crm --mapping`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from salesops.kernel.dates import DateOrder
from salesops.kernel.numbers import NumberStyle
from salesops.kernel.said import Said

LONGEST_KEY = 128
"""Characters of what identifies a record, its own or one it refers to. Cut short, it would mean another record."""


class Role(StrEnum):
    """What a row is. The order is that of processing: what is referred to comes before what refers to it."""

    CURRENCY_RATE = "CURRENCY_RATE"
    PROCESS = "PROCESS"
    STAGE = "STAGE"
    TERRITORY = "TERRITORY"
    PERSON = "PERSON"
    MEMBERSHIP = "MEMBERSHIP"
    GEOGRAPHY = "GEOGRAPHY"
    FAMILY = "FAMILY"
    PRODUCT = "PRODUCT"
    ACCOUNT = "ACCOUNT"
    OPPORTUNITY = "OPPORTUNITY"
    ORDER_LINE = "ORDER_LINE"
    STAGE_HISTORY = "STAGE_HISTORY"
    MERGED = "MERGED"
    QUOTA = "QUOTA"


ROLE_ORDER = tuple(Role)
DEAL_ROLES = frozenset({Role.OPPORTUNITY, Role.ORDER_LINE})


class Kind(StrEnum):
    """How the text of a cell is read."""

    TEXT = "TEXT"
    KEY = "KEY"
    MONEY = "MONEY"
    NUMBER = "NUMBER"
    PERCENT = "PERCENT"
    DATE = "DATE"
    INSTANT = "INSTANT"
    BOOL = "BOOL"


NUMERIC = frozenset({Kind.MONEY, Kind.NUMBER, Kind.PERCENT})
TEMPORAL = frozenset({Kind.DATE, Kind.INSTANT})


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field of a role: how it is read, whom it refers to, and what it is called in words."""

    name: str
    kind: Kind
    label: Said
    refers_to: Role | None = None
    required: bool = False


def _specs(*rows: tuple[str, Kind, str] | tuple[str, Kind, str, Role]) -> dict[str, FieldSpec]:
    return {row[0]: FieldSpec(row[0], row[1], Said(row[2]), row[3] if len(row) > 3 else None) for row in rows}  # type: ignore[misc]


_ID = ("external_id", Kind.KEY, "Identity")
_NAME = ("name", Kind.TEXT, "Name")

FIELDS: dict[Role, dict[str, FieldSpec]] = {
    Role.OPPORTUNITY: _specs(
        _ID,
        _NAME,
        ("account", Kind.KEY, "Account", Role.ACCOUNT),
        ("owner", Kind.KEY, "Owner", Role.PERSON),
        ("process", Kind.KEY, "Sales process", Role.PROCESS),
        ("stage", Kind.KEY, "Stage", Role.STAGE),
        ("product", Kind.KEY, "Product", Role.PRODUCT),
        ("territory", Kind.KEY, "Territory", Role.TERRITORY),
        ("amount", Kind.MONEY, "Amount"),
        ("currency", Kind.KEY, "Currency"),
        ("list_amount", Kind.MONEY, "List amount"),
        ("probability", Kind.PERCENT, "Probability"),
        ("close_date", Kind.DATE, "Close date"),
        ("expected_close_date", Kind.DATE, "Expected close date"),
        ("started_on", Kind.DATE, "Start date"),
        ("created_at", Kind.INSTANT, "Created"),
        ("changed_at", Kind.INSTANT, "Last changed"),
        ("stage_entered_at", Kind.INSTANT, "In stage since"),
        ("next_step", Kind.TEXT, "Next step"),
        ("deal_type", Kind.TEXT, "Type"),
        ("lead_source", Kind.TEXT, "Source"),
        ("forecast_category", Kind.KEY, "Forecast category"),
        ("outcome", Kind.KEY, "Outcome (open, won, lost)"),
        ("is_closed", Kind.BOOL, "Closed?"),
        ("is_won", Kind.BOOL, "Won?"),
        ("is_deleted", Kind.BOOL, "Deleted?"),
    ),
    Role.ORDER_LINE: _specs(
        _ID,
        ("account", Kind.KEY, "Account", Role.ACCOUNT),
        ("owner", Kind.KEY, "Owner", Role.PERSON),
        ("product", Kind.KEY, "Product", Role.PRODUCT),
        ("territory", Kind.KEY, "Territory", Role.TERRITORY),
        ("close_date", Kind.DATE, "Order date"),
        ("quantity", Kind.NUMBER, "Quantity"),
        ("unit_price", Kind.MONEY, "Unit price"),
        ("amount", Kind.MONEY, "Line amount"),
        ("currency", Kind.KEY, "Currency"),
    ),
    Role.STAGE_HISTORY: _specs(
        ("deal", Kind.KEY, "Deal", Role.OPPORTUNITY),
        ("stage", Kind.KEY, "Stage", Role.STAGE),
        ("entered_at", Kind.INSTANT, "Entered at"),
        ("sequence", Kind.NUMBER, "Order of events"),
        ("amount", Kind.MONEY, "Amount then"),
        ("close_date", Kind.DATE, "Close date then"),
        ("probability", Kind.PERCENT, "Probability then"),
        ("forecast_category", Kind.KEY, "Forecast category then"),
        ("is_deleted", Kind.BOOL, "Deleted?"),
    ),
    Role.MERGED: _specs(
        ("deal", Kind.KEY, "Surviving deal", Role.OPPORTUNITY), ("merged", Kind.KEY, "Merged deal")
    ),
    Role.ACCOUNT: _specs(
        _ID,
        _NAME,
        ("industry", Kind.TEXT, "Industry"),
        ("country", Kind.TEXT, "Country"),
        ("region", Kind.TEXT, "Region"),
        ("city", Kind.TEXT, "City"),
        ("postal_code", Kind.TEXT, "Postal code"),
        ("employees", Kind.NUMBER, "Employees"),
        ("annual_revenue", Kind.MONEY, "Annual revenue"),
        ("parent", Kind.KEY, "Parent account", Role.ACCOUNT),
        ("owner", Kind.KEY, "Owner", Role.PERSON),
        ("territory", Kind.KEY, "Territory", Role.TERRITORY),
        ("size", Kind.TEXT, "Size class"),
        ("domain", Kind.TEXT, "Web domain"),
        ("kind", Kind.TEXT, "Kind of account"),
        ("geography", Kind.KEY, "Place", Role.GEOGRAPHY),
        ("is_deleted", Kind.BOOL, "Deleted?"),
    ),
    Role.PERSON: _specs(
        _ID,
        _NAME,
        ("first_name", Kind.TEXT, "First name"),
        ("last_name", Kind.TEXT, "Last name"),
        ("email", Kind.TEXT, "E-mail"),
        ("title", Kind.TEXT, "Title"),
        ("manager", Kind.KEY, "Manager", Role.PERSON),
        ("territory", Kind.KEY, "Territory", Role.TERRITORY),
        ("alias", Kind.KEY, "Second identity"),
        ("is_active", Kind.BOOL, "Active?"),
        ("started_on", Kind.DATE, "Started on"),
    ),
    Role.MEMBERSHIP: _specs(
        ("person", Kind.KEY, "Person", Role.PERSON),
        ("territory", Kind.KEY, "Territory", Role.TERRITORY),
        ("from_date", Kind.DATE, "First day"),
        ("last_date", Kind.DATE, "Last day"),
        ("is_deleted", Kind.BOOL, "Deleted?"),
    ),
    Role.TERRITORY: _specs(
        _ID, _NAME, ("parent", Kind.KEY, "Parent territory", Role.TERRITORY), ("kind", Kind.TEXT, "Kind")
    ),
    Role.GEOGRAPHY: _specs(
        _ID,
        ("city", Kind.TEXT, "City"),
        ("region", Kind.TEXT, "Region"),
        ("country", Kind.TEXT, "Country"),
        ("postal_code", Kind.TEXT, "Postal code"),
        ("territory", Kind.KEY, "Territory", Role.TERRITORY),
    ),
    Role.FAMILY: _specs(_NAME, ("parent", Kind.KEY, "Parent family", Role.FAMILY)),
    Role.PRODUCT: _specs(
        _ID,
        _NAME,
        ("family", Kind.KEY, "Family", Role.FAMILY),
        ("list_price", Kind.MONEY, "List price"),
        ("currency", Kind.KEY, "Currency"),
        ("is_active", Kind.BOOL, "Active?"),
        ("is_deleted", Kind.BOOL, "Deleted?"),
    ),
    Role.PROCESS: _specs(_ID, _NAME, ("is_deleted", Kind.BOOL, "Deleted?")),
    Role.STAGE: _specs(
        _ID,
        _NAME,
        ("process", Kind.KEY, "Sales process", Role.PROCESS),
        ("position", Kind.NUMBER, "Position"),
        ("probability", Kind.PERCENT, "Probability"),
        ("forecast_category", Kind.KEY, "Forecast category"),
        ("is_closed", Kind.BOOL, "Closed?"),
        ("is_won", Kind.BOOL, "Won?"),
        ("is_deleted", Kind.BOOL, "Deleted?"),
    ),
    Role.QUOTA: _specs(
        ("person", Kind.KEY, "Person", Role.PERSON),
        ("period_date", Kind.DATE, "A date of the period"),
        ("amount", Kind.MONEY, "Quota"),
        ("currency", Kind.KEY, "Currency"),
    ),
    Role.CURRENCY_RATE: _specs(
        ("from_currency", Kind.KEY, "From currency"),
        ("to_currency", Kind.KEY, "To currency"),
        ("from_date", Kind.DATE, "Date"),
        ("rate", Kind.NUMBER, "Units of 'to' per one 'from'"),
    ),
}

ROLE_LABEL = {
    Role.OPPORTUNITY: Said("Deals"),
    Role.ORDER_LINE: Said("Order lines"),
    Role.STAGE_HISTORY: Said("Stage history"),
    Role.MERGED: Said("Merged deals"),
    Role.ACCOUNT: Said("Accounts"),
    Role.PERSON: Said("People"),
    Role.PRODUCT: Said("Products"),
    Role.TERRITORY: Said("Territories"),
    Role.FAMILY: Said("Product families"),
    Role.PROCESS: Said("Sales processes"),
    Role.STAGE: Said("Stages"),
    Role.QUOTA: Said("Quotas"),
    Role.CURRENCY_RATE: Said("Exchange rates"),
    Role.GEOGRAPHY: Said("Places"),
    Role.MEMBERSHIP: Said("People in territories"),
}


class Policy(StrEnum):
    """What a file's value does to a value we already have."""

    ALWAYS = "ALWAYS"
    IF_BLANK = "IF_BLANK"
    NEVER = "NEVER"


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Where a field's value comes from: a column or a constant, and how it is read and repaired on the
    way."""

    column: str = ""
    constant: str = ""
    blanks: tuple[str, ...] = ()
    """Texts that mean 'nothing' in this column, such as the empty look-up of an export."""
    values: tuple[tuple[str, str], ...] = ()
    """Replacements, written value first: the repairs a person confirmed."""
    scale: str = ""
    """Factor for numbers: '1000000' where a column is in millions, '100' where a share is a fraction."""
    order: DateOrder | None = None
    style: NumberStyle | None = None
    policy: Policy = Policy.ALWAYS

    def factor(self) -> Decimal | None:
        return Decimal(self.scale) if self.scale else None


@dataclass(frozen=True, slots=True)
class Extract:
    """One role read out of a file's rows."""

    role: Role
    columns: dict[str, ColumnMap]
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Only rows whose column has one of these values; the others are set aside and counted."""
    identity: tuple[str, ...] = ()
    """Columns that together identify a record where there is no identity column: the natural key."""
    optional: bool = False
    """Rows without a name or identity for this role are skipped silently (company columns of a deal without
    company)."""


@dataclass(frozen=True, slots=True)
class FileMapping:
    """What one file of the export is."""

    name: str
    signature: str
    extracts: tuple[Extract, ...]
    columns: tuple[str, ...] = ()
    """Names of the columns of a file without header."""
    encoding: str = ""
    delimiter: str = ""


@dataclass(frozen=True, slots=True)
class StageRule:
    """What a stage of the source means: whether it decides the deal, and the category it suggests."""

    name: str
    status: str
    category: str
    position: int = 0
    probability: str = ""
    process: str = ""


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """A whole run's mapping. Stated semantics (`start_stage` …) are shown to the person in words before
    anything is written."""

    preset: str = ""
    source: str = ""
    files: tuple[FileMapping, ...] = ()
    stages: tuple[StageRule, ...] = ()
    time_zone: str = ""
    """Zone of stamps without offset."""
    business_zone: str = ""
    """Zone whose calendar turns instants into dates."""
    currency: str = ""
    process: str = "Sales"
    start_stage: str = ""
    """The stage the start date means (Maven: engage date = entered Engaging); empty = not known."""
    close_from_history: bool = False
    """The close date of a decided deal is the date of the stage entry that decided it."""
    territory_from_owner: bool = False
    """A deal without territory takes its owner's."""
    rate_base: str = ""
    quota_grain: str = "MONTH"
    statements: tuple[str, ...] = ()
    """What this mapping claims about the source, in sentences a person can contradict."""

    def file(self, name: str) -> FileMapping | None:
        return next((file for file in self.files if file.name == name), None)

    def with_file(self, mapping: FileMapping) -> ImportMapping:
        """With this mapping of a file in place of the one it had, if any: the order of the files stays."""
        if self.file(mapping.name) is None:
            return replace(self, files=(*self.files, mapping))
        files = (mapping if file.name == mapping.name else file for file in self.files)
        return replace(self, files=tuple(files))


def signature_of(header: tuple[str, ...]) -> str:
    """A short digest of the header's names, whatever their order: the key under which a mapping is
    remembered."""
    text = "\x1f".join(sorted(name.strip().casefold() for name in header))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Answers:
    """What the person decided: answers by question key, repairs by column and written value."""

    given: dict[str, str] = field(default_factory=dict)
    repairs: dict[tuple[str, str], str] = field(default_factory=dict)
    met: set[tuple[str, str, str]] = field(default_factory=set, compare=False)
    """Repairs met while rows were read: as given (column, written value), and the column the value stood in."""

    def repair(self, column: str, value: str) -> str | None:
        """The value to use instead: for this column, or for any column (`*`)."""
        return self.repairs.get((column, value), self.repairs.get(("*", value)))

    def with_values_of(self, mapping: ImportMapping) -> Answers:
        """With the replacements the mapping states, so that they are not asked again; answers given go first."""
        stated = {
            (column.column, old): new
            for file in mapping.files
            for part in file.extracts
            for column in part.columns.values()
            for old, new in column.values
        }
        return Answers(self.given, {**stated, **self.repairs})
