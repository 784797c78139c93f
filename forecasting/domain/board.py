"""The forecast page as a value: everything the screen, the exports and the tests read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from forecasting.domain.answer import Answer
from forecasting.domain.columns import Column, Subdivision
from forecasting.domain.grid import Figure, QuotaFact
from forecasting.domain.question import Question
from forecasting.domain.table import Place, Row, TreeNode


@dataclass(frozen=True)
class StripFigure:
    """A figure above the table, with its weekly course (oldest first, the last point is the instant looked at)."""

    figure: Figure
    series: tuple[Decimal | None, ...]


@dataclass(frozen=True)
class Fresh:
    """The instant the figures are true for (roll-ups are exact at any moment), when a deal last changed before it,
    and when the CRM was last imported."""

    updated_at: dt.datetime
    changed_at: dt.datetime | None = None
    imported_at: dt.datetime | None = None


@dataclass(frozen=True)
class Board:
    """One answer to one question.

    `path` leads from the top of the viewer's tree to the node shown; `people` are all whose deals it holds (None:
    everybody's), so that a page knows which changes concern it. `unvalued` are currencies without any rate: their
    deals are in no figure, which the page says. `quota_in` names a longer period that has a quota where this has none.
    """

    question: Question
    title: str
    path: tuple[TreeNode, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    strip: tuple[StripFigure, ...]
    answer: Answer
    quota: QuotaFact
    subdivisions: tuple[Subdivision, ...]
    fresh: Fresh
    won_only: bool
    people: frozenset[int] | None
    unvalued: tuple[str, ...] = ()
    quota_in: str = ""

    def row(self, key: str) -> Row | None:
        """The row with this key."""
        return next((row for row in self.rows if row.place.key == key), None)

    @property
    def top(self) -> Place | None:
        """The first row's place: the total."""
        return self.rows[0].place if self.rows else None
