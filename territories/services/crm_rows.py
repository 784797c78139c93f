"""Quotas that come with a CRM export: the import hands its rows over, this writes them as one save."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from opportunities.domain.import_mapping import ImportMapping, Role
from organization import selectors as organization
from organization.domain.facts import PeriodFacts
from organization.domain.scope import Scope
from organization.selectors import setup as calendars
from salesops.kernel.said import Said
from salesops.kernel.tabular import Problem
from territories.domain.quota_dates import calendar_cure, meant_period, no_period
from territories.domain.quotas import QuotaChange
from territories.services.writing import set_quotas, undo_quotas

Rows = Sequence[tuple[int, dict[str, Any]]]
"""Line number and values of each row."""


_TYPE = Said("Correct the row in the export, or type this quota.")


class TakeQuotas:
    """The import's sink for quota rows; `check` says before which it will refuse, `undo` takes a batch's back."""

    def check(self, *, mapping: ImportMapping, rows: Rows) -> list[Problem]:
        """The rows whose date means no period of the company's calendar, each with the calendar that would help."""
        judged = _judged(mapping.quota_grain, rows)
        return [found for found in judged if isinstance(found, Problem)]

    def __call__(self, *, batch: Any, mapping: ImportMapping, rows: Rows, keys: Any) -> dict[str, Any]:
        """Write each row as a person's quota for the period its date means; returns counts and the save's token.

        Two rows for one person and period contradict each other unless they are equal: neither is taken.
        """
        currency = mapping.currency or organization.company().corporate_currency
        cells: dict[tuple[int, int], set[tuple[Decimal, str]]] = {}
        lines: dict[tuple[int, int], int] = {}
        problems: list[Problem] = []
        for (line, values), period in zip(rows, _judged(mapping.quota_grain, rows), strict=True):
            person = keys.of(Role.PERSON, values["person"])
            if isinstance(period, Problem):
                problems.append(period)
            elif person is None or values.get("amount") is None:
                problems.append(_problem(line, "", Said("has no person or amount"), _TYPE))
            else:
                stated = Decimal(str(values["amount"])), values.get("currency") or currency
                cells.setdefault((person, period.id), set()).add(stated)
                lines[person, period.id] = line
        items = []
        for cell, amounts in cells.items():
            if len(amounts) > 1:
                shown = ", ".join(f"{amount} {code}" for amount, code in sorted(amounts))
                problems.append(_problem(lines[cell], shown, Said("contradicts another row"), _TYPE))
                continue
            items.append(QuotaChange(*cell, *amounts.pop()))
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


def _judged(grain: str, rows: Rows) -> list[PeriodFacts | Problem]:
    """For each row the period its date means, or the problem with it."""
    days = [_day(values) for _, values in rows]
    meant = _meant({day for day in days if day is not None}, grain)
    lost = [day for day, period in meant.items() if period is None]
    message, cure = _advice(lost, grain) if lost else (Said(""), Said(""))
    judged: list[PeriodFacts | Problem] = []
    for (line, _), day in zip(rows, days, strict=True):
        period = meant.get(day) if day is not None else None
        if day is None:
            undated, say = Said("has no date"), Said("Say in the export which period the quota is for.")
            judged.append(_problem(line, "", undated, say))
        else:
            judged.append(period or _problem(line, day.isoformat(), message, cure))
    return judged


def _day(values: dict[str, Any]) -> dt.date | None:
    day = values.get("period_date")
    return dt.date.fromisoformat(day) if isinstance(day, str) else day


def _meant(days: Iterable[dt.date], grain: str) -> dict[dt.date, PeriodFacts | None]:
    periods = organization.periods(grain) if organization.is_set_up() else []
    return {day: meant_period(periods, day, grain) for day in days}


def _advice(lost: list[dt.date], grain: str) -> tuple[Said, Said]:
    """What is wrong with these dates, in words, and the calendar that would help."""
    if not organization.is_set_up():
        cure = Said("Set up the company first (Set-up), then import again.")
        return Said("has no fiscal calendar to lie in"), cure
    company = organization.company()
    others = {
        found.name: organization.periods(grain, calendar_id=found.id)
        for found in calendars.calendars()
        if found.id != company.calendar_id
    }
    cure = calendar_cure(lost, grain, others, company.calendar_name)
    return no_period(grain, company.calendar_name), cure


def _problem(line: int, value: str, message: Said, cure: Said) -> Problem:
    return Problem("", line, "period_date", value, message, cure, "QUOTA")


take_quotas = TakeQuotas()
