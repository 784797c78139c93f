"""Setting quotas: append-only, several cells as one save, checked against what the editor saw, undoable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.selectors import minor_units
from organization.services.company import ensure_currencies
from salesops.audit.record import Act, record_many
from salesops.ui.form_page import RefusedError
from salesops.wall.context import saving
from territories.domain.quotas import CellConflict, QuotaChange, QuotasSet
from territories.models import FAR_FUTURE_AT, Quota
from territories.selectors import labels_of

_LOCK = (1936486512, 1)
_TOP = Decimal(10) ** 15


class QuotaError(RefusedError):
    """A quota the rules refuse; `field` is "person:period" of the cell."""

    def __init__(self, field: str, message: str, *, is_forbidden: bool = False) -> None:
        super().__init__(message)
        self.field, self.message, self.is_forbidden = field, message, is_forbidden


def _demand(scope: Scope) -> None:
    if not scope.reason and not scope.can(Capability.EDIT_QUOTAS):
        raise QuotaError("", "Only sales operations set quotas.", is_forbidden=True)


def _lock_and_now() -> dt.datetime:
    """One writer at a time, each at an instant of its own: the instant is the name of the save."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)
    recorded = Quota.objects.order_by("-recorded_at").values_list("recorded_at", flat=True).first()
    past = Quota.objects.filter(superseded_at__lt=FAR_FUTURE_AT)
    superseded = past.order_by("-superseded_at").values_list("superseded_at", flat=True).first()
    now = timezone.now()
    for earlier in (recorded, superseded):
        if earlier is not None and earlier >= now:
            now = earlier + dt.timedelta(microseconds=1)
    return now


@saving()
def set_quotas(*, scope: Scope, items: Sequence[QuotaChange], source: str = "typed") -> QuotasSet:
    """Write the wanted numbers in one save; equal ones are skipped, an amount of None takes the quota away.

    Where an item is checked and the cell no longer holds what the editor saw, nothing at all is written and the
    conflicts are returned. Raises `QuotaError` for a bad amount, person or period.
    """
    _demand(scope)
    now = _lock_and_now()
    wanted = {(item.person_id, item.period_id): item for item in items}
    _check(wanted.values())
    current = _current(wanted)
    conflicts = _conflicts(wanted, current)
    if conflicts:
        return QuotasSet(0, "", conflicts)
    changes = [
        item
        for key, item in wanted.items()
        if (item.amount, item.currency if item.amount is not None else None)
        != ((current[key].amount, current[key].currency_id) if key in current else (None, None))
    ]
    if not changes:
        return QuotasSet(0)
    _write(changes, current, scope, now, source)
    return QuotasSet(len(changes), now.isoformat())


def _current(keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Quota]:
    listed = list(keys)
    rows = Quota.objects.filter(
        person_id__in={person for person, _ in listed},
        period_id__in={period for _, period in listed},
        superseded_at=FAR_FUTURE_AT,
    )
    wanted = set(listed)
    return {(q.person_id, q.period_id): q for q in rows if (q.person_id, q.period_id) in wanted}


@saving()
def preview_quotas(
    *, scope: Scope, items: Sequence[QuotaChange], read: Callable[[], Any]
) -> tuple[dict[str, str], Any]:
    """Why each bad cell ("person:period") could not be saved, and what `read` tells were the good ones saved.

    They are written, read and taken back within one transaction, so that the sums are those a save will show.
    """
    _demand(scope)
    now = _lock_and_now()
    faults = _faults(items)
    wanted = {(i.person_id, i.period_id): i for i in items if f"{i.person_id}:{i.period_id}" not in faults}
    _put(list(wanted.values()), _current(wanted), scope, now, "preview")
    found = read()
    transaction.set_rollback(True)
    return faults, found


def _check(items: Iterable[QuotaChange]) -> None:
    for cell, why in _faults(list(items)).items():
        raise QuotaError(cell, why)


def _faults(items: Sequence[QuotaChange]) -> dict[str, str]:
    """Why a number cannot be a quota, by "person:period"."""
    units = minor_units()
    missing = {item.currency for item in items if item.amount is not None} - set(units)
    if missing:
        ensure_currencies(missing)
        units = minor_units()
    people, periods = labels_of({i.person_id for i in items}, {i.period_id for i in items})
    faults = {}
    for item in items:
        cell = f"{item.person_id}:{item.period_id}"
        if item.person_id not in people or item.period_id not in periods:
            faults[cell] = "There is no such person or period."
        elif item.amount is None:
            continue
        elif not 0 <= item.amount < _TOP:
            faults[cell] = "A quota is zero or more, and below 10^15."
        elif item.amount != item.amount.quantize(Decimal(1).scaleb(-min(units[item.currency], 4))):
            faults[cell] = f"{item.currency} has {units[item.currency]} decimals."
    return faults


def _conflicts(
    wanted: dict[tuple[int, int], QuotaChange], current: dict[tuple[int, int], Quota]
) -> tuple[CellConflict, ...]:
    stale = [
        item
        for key, item in wanted.items()
        if item.is_checked and (current[key].pk if key in current else None) != item.expected_id
    ]
    if not stale:
        return ()
    people, periods = labels_of({i.person_id for i in stale}, {i.period_id for i in stale})
    return tuple(
        CellConflict(
            i.person_id, i.period_id, f"{people[i.person_id]}, {periods[i.period_id]}",
            current[i.person_id, i.period_id].amount if (i.person_id, i.period_id) in current else None, i.amount,
        )
        for i in stale
    )  # fmt: skip


def _write(
    changes: Sequence[QuotaChange],
    current: dict[tuple[int, int], Quota],
    scope: Scope,
    now: dt.datetime,
    source: str,
) -> None:
    _put(changes, current, scope, now, source)
    _note(changes, current, scope, source)


def _put(
    changes: Sequence[QuotaChange],
    current: dict[tuple[int, int], Quota],
    scope: Scope,
    now: dt.datetime,
    source: str,
) -> None:
    former = [current[i.person_id, i.period_id].pk for i in changes if (i.person_id, i.period_id) in current]
    Quota.objects.filter(pk__in=former).update(superseded_at=now)
    Quota.objects.bulk_create(
        [
            Quota(
                person_id=i.person_id, period_id=i.period_id, amount=i.amount, currency_id=i.currency,
                recorded_at=now, actor_id=scope.user_id, source=source[:64],
            )
            for i in changes
            if i.amount is not None
        ],
        batch_size=2000,
    )  # fmt: skip


def _note(
    changes: Sequence[QuotaChange], current: dict[tuple[int, int], Quota], scope: Scope, source: str
) -> None:
    people, periods = labels_of({i.person_id for i in changes}, {i.period_id for i in changes})
    acts = []
    for item in changes:
        before = current.get((item.person_id, item.period_id))
        acts.append(
            Act(
                "SET" if item.amount is not None else "REMOVE",
                "quota",
                f"{item.person_id}:{item.period_id}",
                f"{people[item.person_id]}, {periods[item.period_id]}",
                {"amount": before.amount, "currency": before.currency_id} if before else None,
                {"amount": item.amount, "currency": item.currency, "source": source}
                if item.amount is not None
                else None,
            )
        )
    record_many(actor_id=scope.user_id, actor_name=scope.actor_name, acts=acts)


@saving()
def undo_quotas(*, scope: Scope, token: str, keep_changed: bool = False) -> int:
    """Take a save back: each cell gets the number it had before, as a new entry. Returns how many cells.

    Raises `QuotaError` when a cell of that save has been changed since; with `keep_changed`, such cells stay.
    """
    _demand(scope)
    try:
        at = dt.datetime.fromisoformat(token)
    except ValueError:
        raise QuotaError("", "There is no such save.") from None
    if at.tzinfo is None:
        raise QuotaError("", "There is no such save.")
    now = _lock_and_now()
    made = {(q.person_id, q.period_id): q for q in Quota.objects.filter(recorded_at=at)}
    gone = {(q.person_id, q.period_id): q for q in Quota.objects.filter(superseded_at=at)}
    keys = made.keys() | gone.keys()
    if not keys:
        raise QuotaError("", "There is no such save.")
    current = _current(keys)
    since = {
        k for k in keys if (current[k].pk if k in current else None) != (made[k].pk if k in made else None)
    }
    if since and not keep_changed:
        raise QuotaError("", "These quotas have been changed since; undo would lose that change.")
    changes = [
        QuotaChange(
            person, period, gone[person, period].amount if (person, period) in gone else None,
            gone[person, period].currency_id if (person, period) in gone else made[person, period].currency_id,
        )
        for person, period in sorted(keys - since)
    ]  # fmt: skip
    _write(changes, current, scope, now, "undo")
    return len(changes)
