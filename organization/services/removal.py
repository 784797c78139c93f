"""Deleting what nothing uses: a slip of the set-up may go, whatever figures rest on stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError
from django.db.models import Model

from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.models import Company, Currency, FiscalCalendar, FiscalDay, FiscalPeriod, Territory
from organization.selectors import memo
from organization.selectors.uses import uses_of
from organization.services.closures import rebuild_territory_closure
from organization.services.trail import SETUP_LOCK, TERRITORY_LOCK, OrganizationError, demand, lock, note
from salesops.audit.selectors import EventQuery, events
from salesops.wall.context import saving


@saving()
def remove_unused(
    row: Model | None,
    *,
    kind: str,
    before: dict[str, Any],
    capability: Capability,
    scope: Scope,
    delete: Callable[[], Any] | None = None,
) -> None:
    """Delete a row nothing hangs on, with an audit row. Raises `OrganizationError` naming what hangs on it."""
    demand(scope, capability)
    if row is None:
        raise OrganizationError("", "It is gone already.")
    pk, label = row.pk, str(row)
    uses = uses_of(row)
    if uses:
        raise OrganizationError("", f"{label} stays: it is used ({', '.join(map(str, uses))}).")
    try:
        with saving():
            (delete or row.delete)()
    except IntegrityError as error:
        raise OrganizationError("", f"{label} stays: it has come into use meanwhile.") from error
    note(scope, "DELETE", kind, pk, label, before, None)


@saving()
def remove_territory(*, territory_id: int, scope: Scope) -> None:
    """Delete a territory that has no deals, accounts, people or territories within, now or in history."""
    lock(TERRITORY_LOCK)
    row = Territory.objects.filter(pk=territory_id).first()
    before = {"name": row.name, "kind": row.kind, "parent_id": row.parent_id} if row else {}
    remove_unused(
        row, kind="territory", before=before, capability=Capability.MANAGE_ORGANIZATION, scope=scope
    )
    rebuild_territory_closure()


@saving()
def remove_currency(*, code: str, scope: Scope) -> None:
    """Delete a currency in which nothing is stated and no rate is recorded."""
    row = Currency.objects.filter(pk=code).first()
    before = {"name": row.name} if row else {}
    remove_unused(row, kind="currency", before=before, capability=Capability.MANAGE_ORGANIZATION, scope=scope)
    memo.forget()


@saving()
def remove_calendar(*, calendar_id: int, scope: Scope) -> None:
    """Delete a calendar that never was in force and carries no quota, with its periods and days."""
    lock(SETUP_LOCK)
    row = FiscalCalendar.objects.filter(pk=calendar_id).first()
    if _has_been_in_force(calendar_id):
        raise OrganizationError("", f"{row} stays: it has been in force, and past figures are cut by it.")

    def delete() -> None:
        FiscalDay.objects.filter(calendar=row).delete()
        for grain in ("MONTH", "WEEK", "QUARTER", "YEAR"):
            FiscalPeriod.objects.filter(calendar=row, kind=grain).delete()
        FiscalCalendar.objects.filter(pk=calendar_id).delete()

    remove_unused(
        row, kind="calendar", before={"name": str(row)}, capability=Capability.MANAGE_ORGANIZATION, scope=scope,
        delete=delete,
    )  # fmt: skip


def _has_been_in_force(calendar_id: int) -> bool:
    """Whether it is in force, was activated, or the company's settings named it at some time."""
    activated = EventQuery(object_type="calendar", object_id=str(calendar_id), verb="ACTIVATE")
    return (
        Company.objects.filter(calendar_id=calendar_id).exists()
        or events(activated).exists()
        or events(EventQuery(object_type="company")).filter(after__calendar=calendar_id).exists()
    )
