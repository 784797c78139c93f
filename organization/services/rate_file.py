"""Exchange rates from a file: every problem named with row, column, value and cure; all rows or none."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from babel.numbers import is_currency

from organization.domain.scope import Scope
from organization.services.company import NewRate, record_rates
from salesops.kernel.archive import SourceFile, open_table
from salesops.kernel.dates import BadDate, parse_moment
from salesops.kernel.numbers import BadNumber, parse_amount
from salesops.kernel.said import Said
from salesops.kernel.tabular import AT_ONCE, Gatherer, Problem, UnreadableFile

COLUMNS = ("currency", "from_date", "rate")


class Upload(Protocol):
    """What a browser sends."""

    name: str | None

    def chunks(self) -> Iterable[bytes]:
        """The content, in pieces."""
        ...


@dataclass(frozen=True)
class RateReport:
    """What a file of rates came to."""

    rows: int
    added: int
    problems: list[Problem]


def import_rates(*, upload: Upload, scope: Scope) -> RateReport:
    """Read the file and record its rates, unless a row has a problem."""
    gather = Gatherer()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("rates" + Path(upload.name or "rates.csv").suffix.lower())
        with path.open("wb") as file:
            file.writelines(upload.chunks())
        try:
            rates = _read(path, upload.name or "rates.csv", gather)
        except UnreadableFile as error:
            return RateReport(0, 0, [error.problem])
    if gather.problems:
        return RateReport(len(rates), 0, gather.problems)
    return RateReport(len(rates), record_rates(rates, scope=scope), [])


def _read(path: Path, name: str, gather: Gatherer) -> list[NewRate]:
    table = open_table(SourceFile(name=name, path=path), limits=AT_ONCE)
    header = [column.strip().lower().replace(" ", "_") for column in table.header]
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        cure = Said("Name the columns %(columns)s.", columns=", ".join(COLUMNS))
        raise UnreadableFile(Problem(name, 1, missing[0], "", Said("The column is missing."), cure))
    at = [header.index(column) for column in COLUMNS]
    rates = []
    for row in table.rows(gather):
        currency, day, rate = (row.cells[i].strip() for i in at)
        try:
            rates.append(NewRate(_currency(currency), _day(day), parse_amount(rate), f"file {name}"[:64]))
        except BadDate:
            message, cure = Said("is not a date"), Said("Write it like 2026-02-28.")
            gather.add(Problem(name, row.line, "from_date", day, message, cure))
        except BadNumber as error:
            gather.add(Problem(name, row.line, "rate", rate, error.why, Said("Write it like 1.0875.")))
        except LookupError:
            message, cure = Said("is no ISO 4217 code"), Said("Use a code such as EUR.")
            gather.add(Problem(name, row.line, "currency", currency, message, cure))
    return rates


def _currency(text: str) -> str:
    if not is_currency(text.upper()):
        raise LookupError
    return text.upper()


def _day(text: str) -> dt.date:
    moment = parse_moment(text)
    return moment.date() if isinstance(moment, dt.datetime) else moment
