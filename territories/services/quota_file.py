"""Quotas from a CSV or XLSX file: a row a cell (person, period, amount), or a row a person and a column a period."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from babel.numbers import is_currency

from organization import selectors as organization
from organization.domain.scope import Scope
from salesops.kernel.archive import SourceFile, open_table
from salesops.kernel.numbers import BadNumber, NumberStyle, infer_style, parse_amount
from salesops.kernel.said import Said
from salesops.kernel.tabular import AT_ONCE, Gatherer, Problem, Table, UnreadableFile
from territories.domain.quotas import QuotaChange
from territories.services.writing import QuotaError, set_quotas

MOST_GUESSES = 50
"""For how many unknown names near ones are looked up; a file of strangers is not to take minutes."""
PERSON_COLUMNS = ("person", "email", "e-mail", "name", "owner", "rep", "sales rep")
AMOUNT_COLUMNS = ("amount", "quota", "target")


@dataclass(frozen=True)
class QuotaReport:
    """What a file of quotas came to; nothing is written while there are problems."""

    rows: int
    cells: int
    changed: int
    problems: list[Problem]
    token: str = ""


@dataclass
class _Reading:
    """What is needed to understand a row, and what came of the rows so far."""

    name: str
    style: NumberStyle
    corporate: str
    by_email: dict[str, int]
    by_name: dict[str, list[int]]
    periods: dict[str, int]
    gather: Gatherer
    changes: dict[tuple[int, int], QuotaChange] = field(default_factory=dict)
    rows: int = 0
    near: dict[str, list[str]] = field(default_factory=dict)

    def nearest(self, text: str) -> list[str]:
        """The names most like the text."""
        key = text.casefold()
        if key not in self.near and len(self.near) < MOST_GUESSES:
            found = difflib.get_close_matches(key, [*self.by_name, *self.by_email], n=3, cutoff=0.7)
            ids = {
                person for match in found for person in self.by_name.get(match, [self.by_email.get(match, 0)])
            }
            self.near[key] = sorted(organization.person_names(list(ids)).values())
        return self.near.get(key, [])

    def problem(self, line: int | None, column: str, value: str, message: Said, cure: Said) -> None:
        """Note one thing wrong."""
        self.gather.add(Problem(self.name, line, column, value, message, cure))


def import_quotas(
    *, path: Path, name: str, scope: Scope, style: NumberStyle | None = None, dry_run: bool = False
) -> QuotaReport:
    """Read the file and write its quotas as one save, unless a row has a problem. Empty cells change nothing."""
    try:
        reading = read_quotas(path=path, name=name, scope=scope, style=style)
    except UnreadableFile as error:
        return QuotaReport(0, 0, 0, [error.problem])
    cells = list(reading.changes.values())
    if reading.gather.problems or dry_run:
        return QuotaReport(reading.rows, len(cells), 0, reading.gather.problems)
    try:
        saved = set_quotas(scope=scope, items=cells, source=f"file {name}")
    except QuotaError as error:
        if error.is_forbidden:
            raise
        problem = Problem(
            name, None, "amount", "", Said(error.message), Said("Mend the amount and import again.")
        )
        return QuotaReport(reading.rows, len(cells), 0, [problem])
    return QuotaReport(reading.rows, len(cells), saved.changed, [], saved.token)


def read_quotas(*, path: Path, name: str, scope: Scope, style: NumberStyle | None = None) -> _Reading:
    """Understand the file without writing. Raises `UnreadableFile` when it is no table of quotas at all."""
    table = open_table(SourceFile(path=path, name=name), limits=AT_ONCE)
    header = [column.strip().casefold() for column in table.header]
    who = next((header.index(c) for c in PERSON_COLUMNS if c in header), None)
    if who is None:
        message, cure = Said("No column names the person."), Said("Name a column person or email.")
        raise _unreadable(name, "person", message, cure)
    by_email, by_name = organization.people_by_email_or_name(scope)
    names = {
        p.name.casefold(): p.id for kind in ("MONTH", "QUARTER", "YEAR") for p in organization.periods(kind)
    }
    gather = Gatherer()
    amounts = _amount_columns(table, header, names)
    if "period" not in header:
        _name_strangers(table, header, amounts, gather)
    chosen = style or _style_of(table, amounts)
    reading = _Reading(
        name, chosen, organization.company().corporate_currency, by_email, by_name, names, gather
    )
    currency_at = header.index("currency") if "currency" in header else None
    period_at = header.index("period") if "period" in header else None
    for row in table.rows(gather):
        reading.rows += 1
        _read_row(reading, table, row.line, row.cells, who, amounts, currency_at, period_at)
    return reading


def _unreadable(name: str, column: str, message: Said, cure: Said) -> UnreadableFile:
    return UnreadableFile(Problem(name, 1, column, "", message, cure))


def _amount_columns(table: Table, header: list[str], periods: dict[str, int]) -> list[int]:
    """Where amounts stand: the one amount column of a long file, or every column named like a period."""
    if "period" in header:
        found = [header.index(c) for c in AMOUNT_COLUMNS if c in header][:1]
    else:
        found = [i for i, column in enumerate(header) if column in periods]
    if not found:
        raise _unreadable(
            table.name, "amount", Said("No column holds amounts."),
            Said("Use columns period and amount, or name columns after periods, such as FY27-Q1."),
        )  # fmt: skip
    return found


def _name_strangers(table: Table, header: list[str], amounts: list[int], gather: Gatherer) -> None:
    """Note every column with figures that is named after no period: a slip of the name would lose its amounts."""
    known = {*amounts, *(at for at, column in enumerate(header) if column in {*PERSON_COLUMNS, "currency"})}
    others = set(range(len(header))) - known
    figures = {
        at for row in table.rows(Gatherer()) for at in others if any(sign.isdigit() for sign in row.cells[at])
    }
    for at in sorted(figures):
        gather.add(
            Problem(
                table.name, 1, table.header[at], "",
                Said("holds figures, but is named after no period of the fiscal calendar"),
                Said("Name it like FY27-Q1, or take the column out of the file."),
            )
        )  # fmt: skip


def _style_of(table: Table, columns: list[int]) -> NumberStyle:
    """How the file writes its numbers, from all of them; what stays open is asked, not guessed."""
    values = [row.cells[i].strip() for row in table.rows(Gatherer()) for i in columns if row.cells[i].strip()]
    styles = infer_style(values)
    if len(styles) == 2 and any(mark in value for value in values for mark in ".,"):
        raise _unreadable(
            table.name, "amount",
            Said("The amounts can be read in two ways: 1.234 may be 1234 or 1 point 234."),
            Said("Say which mark separates decimals, and import again."),
        )  # fmt: skip
    return NumberStyle.POINT if NumberStyle.POINT in styles or not styles else NumberStyle.COMMA


def _read_row(
    reading: _Reading,
    table: Table,
    line: int,
    cells: list[str],
    who: int,
    amounts: list[int],
    currency_at: int | None,
    period_at: int | None,
) -> None:
    person = _person(reading, line, table.header[who], cells[who].strip())
    currency = cells[currency_at].strip().upper() if currency_at is not None else ""
    currency = currency or reading.corporate
    if not is_currency(currency):
        message, cure = Said("is no ISO 4217 code"), Said("Use a code such as EUR.")
        reading.problem(line, "currency", currency, message, cure)
        return
    for column in amounts:
        text = cells[column].strip()
        label = cells[period_at].strip() if period_at is not None else table.header[column].strip()
        period = reading.periods.get(label.casefold())
        if period is None:
            message, cure = Said("is no period of the fiscal calendar"), Said("Write it like FY27-Q1.")
            reading.problem(line, "period", label, message, cure)
        elif text and person is not None:
            amount = _amount(reading, line, table.header[column], text)
            if amount is not None:
                _keep(reading, line, QuotaChange(person, period, amount, currency), text)


def _keep(reading: _Reading, line: int, change: QuotaChange, text: str) -> None:
    key = (change.person_id, change.period_id)
    known = reading.changes.get(key)
    if known is not None and known.amount != change.amount:
        message = Said("contradicts an earlier row for the same person and period")
        reading.problem(line, "amount", text, message, Said("Keep one of the two rows."))
        return
    reading.changes[key] = change


def _person(reading: _Reading, line: int, column: str, text: str) -> int | None:
    key = text.casefold()
    if key in reading.by_email:
        return reading.by_email[key]
    ids = reading.by_name.get(key, [])
    if len(ids) == 1:
        return ids[0]
    if ids:
        message = Said("fits %(count)s people", count=len(ids))
        reading.problem(line, column, text, message, Said("Use the e-mail address instead."))
    else:
        hint = _meant(reading.nearest(text))
        reading.problem(line, column, text, Said("nobody has this name or address"), hint)
    return None


def _meant(near: list[str]) -> Said:
    if not near:
        return Said("Mend it, or add the person first.")
    *others, last = near
    if not others:
        return Said("Did you mean %(name)s? Otherwise add the person first.", name=last)
    return Said(
        "Did you mean %(names)s or %(name)s? Otherwise add the person first.",
        names=", ".join(others), name=last,
    )  # fmt: skip


def _amount(reading: _Reading, line: int, column: str, text: str) -> Decimal | None:
    try:
        amount = parse_amount(text, reading.style)
    except BadNumber as error:
        reading.problem(line, column, text, error.why, Said("Write it like 125000."))
        return None
    if amount < 0:
        reading.problem(line, column, text, Said("is negative"), Said("A quota is zero or more."))
        return None
    return amount
