"""Reading the audit trail, and checking that nobody has touched it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from django.db.models import Q, QuerySet

from salesops.audit.models import AuditEvent, AuditSeal
from salesops.audit.words import act_words, field_words


@dataclass(frozen=True)
class Difference:
    """One value an act changed."""

    name: str
    before: Any
    after: Any
    currencies: tuple[str, str] = ("", "")
    """The currency in which the event says its amounts are, before and after; "" where it does not."""

    @property
    def words(self) -> str:
        """The value's name as people call it."""
        return field_words(self.name)


@dataclass(frozen=True)
class EventFacts:
    """An audit event as a page shows it."""

    id: int
    at: dt.datetime
    actor_id: int | None
    actor_name: str
    verb: str
    object_type: str
    object_id: str
    label: str
    differences: list[Difference] = field(default_factory=list)
    request_id: str = ""

    @property
    def act(self) -> str:
        """What was done, in words: `granted a role to login`."""
        return act_words(self.verb, self.object_type)


@dataclass(frozen=True)
class EventQuery:
    """Which events: empty fields do not filter. `text` is part of a label or an address, or the number of an object.

    `object_types` limits what the viewer may see at all.
    """

    actor: str = ""
    verb: str = ""
    object_type: str = ""
    object_id: str = ""
    text: str = ""
    from_at: dt.datetime | None = None
    to_at: dt.datetime | None = None
    object_types: frozenset[str] | None = None


def events(query: EventQuery) -> QuerySet[AuditEvent]:
    """Matching events, newest first; lent out so that pages can cut it."""
    rows = AuditEvent.objects.order_by("-id")
    if query.object_types is not None:
        rows = rows.filter(object_type__in=query.object_types)
    if query.actor:
        rows = rows.filter(actor_name__icontains=query.actor)
    if query.verb:
        rows = rows.filter(verb=query.verb)
    if query.object_type:
        rows = rows.filter(object_type=query.object_type)
    if query.object_id:
        rows = rows.filter(object_id=query.object_id)
    if query.text:
        found = Q(label__icontains=query.text) | Q(object_id=query.text.lstrip("#"))
        if "@" in query.text:  # only logins have addresses, and few events are about logins
            address = Q(before__email__icontains=query.text) | Q(after__email__icontains=query.text)
            found |= Q(object_type="login") & address
        rows = rows.filter(found)
    if query.from_at:
        rows = rows.filter(at__gte=query.from_at)
    if query.to_at:
        rows = rows.filter(at__lt=query.to_at)
    return rows


def facts_of(event: AuditEvent) -> EventFacts:
    """The event with before and after side by side; unchanged values, and numbers of what is named too, left out."""
    before, after = event.before or {}, event.after or {}
    both = [*before, *(name for name in after if name not in before)]
    currencies = _currency(before) or _currency(after), _currency(after) or _currency(before)
    names = [name for name in both if not (name.endswith("_id") and name.removesuffix("_id") in both)]
    return EventFacts(
        event.pk, event.at, event.actor_id, event.actor_name, event.verb, event.object_type, event.object_id,
        event.label,
        [
            Difference(name, before.get(name), after.get(name), currencies)
            for name in names
            if before.get(name) != after.get(name)
        ],
        event.request_id,
    )  # fmt: skip


def _currency(values: dict[str, Any]) -> str:
    return str(values.get("currency_id") or values.get("currency") or "")


def object_types(allowed: frozenset[str] | None = None) -> list[str]:
    """Kinds of objects that occur in the trail, of those allowed."""
    rows = AuditEvent.objects.order_by("object_type").values_list("object_type", flat=True).distinct()
    return [kind for kind in rows if allowed is None or kind in allowed]


def chain_hash(previous: str, rows: list[tuple[Any, ...]]) -> str:
    """Hash of these events on top of the previous link."""
    digest = sha256(previous.encode())
    for row in rows:
        digest.update(json.dumps(row, default=str, sort_keys=True, ensure_ascii=True).encode())
    return digest.hexdigest()


def event_rows(first: int, last: int) -> list[tuple[Any, ...]]:
    """Everything the chain protects, in order."""
    fields = (
        "id", "at", "actor_id", "actor_name", "verb", "object_type", "object_id", "label", "before", "after",
        "request_id",
    )  # fmt: skip
    return [
        (row[0], row[1].astimezone(dt.UTC).isoformat(), *row[2:])
        for row in AuditEvent.objects.filter(id__gte=first, id__lte=last).order_by("id").values_list(*fields)
    ]


def chain_faults() -> list[str]:
    """Sentences about every link that no longer fits its events; empty when the trail is as it was written."""
    faults: list[str] = []
    previous = ""
    for seal in AuditSeal.objects.order_by("last_event_id"):
        rows = event_rows(seal.first_event_id, seal.last_event_id)
        where = f"Audit events {seal.first_event_id} to {seal.last_event_id}"
        if seal.previous_hash != previous:
            faults.append(f"{where}: the link before this one was removed or replaced.")
        elif len(rows) != seal.event_count:
            faults.append(f"{where}: {seal.event_count} were sealed, {len(rows)} are there.")
        elif chain_hash(previous, rows) != seal.hash:
            faults.append(f"{where}: an event was changed after it was sealed.")
        previous = seal.hash
    return faults
