"""A question for figures and its answer: metrics, dimensions, filters, a period, an instant; rows and sums."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from pipeline.domain.metrics import Metric


class FigureError(ValueError):
    """The question cannot be answered as asked; the message says why and what could be asked instead, in the words of
    the command line. `page` says it in those of the page, in the viewer's language.
    """

    def __init__(self, message: str, page: str = "") -> None:
        super().__init__(message)
        self.page = page or message


class NotYoursError(FigureError):
    """The metrics need deals that this viewer does not read; a number from the others would be wrong."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        names = ", ".join(metric.name for metric in metrics)
        super().__init__(
            f"Not yours to see: {names}. You read won deals only, and these need others as well."
        )
        self.metrics = tuple(metrics)


class PeriodOf(StrEnum):
    """Which date of a deal a period is about."""

    CLOSE = "close"
    START = "start"
    CREATED = "created"


@dataclass(frozen=True)
class Filter:
    """Keep the deals whose dimension `field` has one of `values` (or, `negated`, none of them).

    Names compare without regard to case; the empty text means 'none': no owner, no account. With `keys` it must also
    be one of these rows: of several people of one name the one whose group it is.
    """

    field: str
    values: tuple[str, ...]
    negated: bool = False
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.field}{'!=' if self.negated else '='}{'|'.join(self.values)}"


@dataclass(frozen=True)
class FigureQuery:
    """Which metrics, by which dimensions, of which deals, as of when (None: now), in which currency."""

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: tuple[Filter, ...] = ()
    period: str = ""
    period_of: PeriodOf = PeriodOf.CLOSE
    at: dt.datetime | None = None
    currency: str = ""
    organization: str = "THEN"
    sort: str = ""
    limit: int | None = None
    is_rounded: bool = True
    """Whether metrics are rounded as declared; a file carries all their digits."""


@dataclass(frozen=True)
class Span:
    """The days `[from_date, to_date)` a period names; `period_id` when it is one of the fiscal calendar."""

    name: str
    from_date: dt.date
    to_date: dt.date
    period_id: int | None = None


Figures = Mapping[str, Decimal | None]
"""Values by metric name."""


@dataclass(frozen=True)
class FigureRow:
    """One group: the label of each dimension (None: deals without it), the values of its metrics, and the keys that
    tell it from groups of the same labels.
    """

    labels: tuple[str | None, ...]
    values: Figures
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class FigureTable:
    """The answer. `sums` are the metrics of all selected deals together, worked out anew, not added up from rows."""

    query: FigureQuery
    metrics: tuple[Metric, ...]
    by: tuple[str, ...]
    rows: tuple[FigureRow, ...]
    sums: Figures
    currency: str
    at: dt.datetime | None
    as_of_date: dt.date
    span: Span | None = None
    notes: tuple[str, ...] = field(default=())
