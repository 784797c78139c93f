"""Quotas that come with a CRM export: the import hands its rows over, this writes them as one save."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from opportunities.domain.import_mapping import ImportMapping, Role
from organization import selectors as organization
from organization.domain.facts import PeriodFacts
from organization.domain.scope import Scope
from salesops.kernel.tabular import Problem
from territories.domain.quotas import QuotaChange
from territories.services.writing import set_quotas, undo_quotas

NEAR = dt.timedelta(days=7)
"""How far a stated quarter start may lie from a fiscal one to be taken for it (a calendar a day earlier)."""
_CURE = "Set a fiscal calendar whose periods begin there, or type these quotas."


class TakeQuotas:
    """The import's sink for quota rows; `undo` takes a batch's quotas back."""

    def __call__(
        self, *, batch: Any, mapping: ImportMapping, rows: Sequence[tuple[int, dict[str, Any]]], keys: Any
    ) -> dict[str, Any]:
        """Write each row as a person's quota for the period its date means; returns counts and the save's token.

        Two rows for one person and period contradict each other unless they are equal: neither is taken.
        """
        periods = organization.periods(mapping.quota_grain)
        currency = mapping.currency or organization.company().corporate_currency
        cells: dict[tuple[int, int], set[Decimal]] = {}
        lines: dict[tuple[int, int], int] = {}
        problems: list[Problem] = []
        for line, values in rows:
            person = keys.of(Role.PERSON, values["person"])
            period = _meant(periods, dt.date.fromisoformat(values["period_date"]), mapping.quota_grain)
            if person is None or period is None or values.get("amount") is None:
                message = (
                    "lies in no period of the fiscal calendar"
                    if period is None
                    else "has no person or amount"
                )
                problems.append(_problem(line, values.get("period_date", ""), message))
                continue
            cells.setdefault((person, period.id), set()).add(Decimal(str(values["amount"])))
            lines[person, period.id] = line
        items = []
        for (person_id, period_id), amounts in cells.items():
            if len(amounts) > 1:
                line = lines[person_id, period_id]
                problems.append(
                    _problem(line, ", ".join(map(str, sorted(amounts))), "contradicts another row")
                )
                continue
            items.append(QuotaChange(person_id, period_id, amounts.pop(), currency))
        saved = set_quotas(scope=Scope.system("CRM import"), items=items, source=f"import:{batch.pk}")
        return {
            "created": saved.changed,
            "unchanged": len(items) - saved.changed,
            "rejected": len(problems),
            "token": saved.token,
            "problems": problems,
        }

    def undo(self, *, counts: dict[str, Any]) -> None:
        """Take back what a batch wrote, if it wrote anything; numbers typed since stay."""
        if counts.get("token"):
            undo_quotas(scope=Scope.system("CRM import undone"), token=counts["token"], keep_changed=True)


def _meant(periods: Sequence[PeriodFacts], day: dt.date, grain: str) -> PeriodFacts | None:
    """The month a day lies in; the quarter (or year) that begins nearest to it, at most a week away."""
    if grain == "MONTH":
        return next((p for p in periods if p.from_date <= day < p.to_date), None)
    nearest = min(periods, key=lambda p: abs(p.from_date - day), default=None)
    return nearest if nearest is not None and abs(nearest.from_date - day) <= NEAR else None


def _problem(line: int, value: str, message: str) -> Problem:
    return Problem("", line, "quota", value, message, _CURE, "QUOTA")


take_quotas = TakeQuotas()
