"""Sealing the audit trail: a chain of hashes in which any later change shows."""

from __future__ import annotations

from django.db import OperationalError, connection, transaction

from salesops.audit.models import AuditEvent, AuditSeal
from salesops.audit.selectors import chain_hash, event_rows

BATCH = 5_000


def seal_events() -> int:
    """Append a link over the events not yet sealed; returns how many, 0 when writers are busy (they go first).

    The lock is asked for without waiting: holding it, no event is under way, so ids up to the last are complete.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE audit_auditevent IN SHARE ROW EXCLUSIVE MODE NOWAIT")
            last = AuditSeal.objects.order_by("-last_event_id").first()
            start = last.last_event_id + 1 if last else 1
            ids = AuditEvent.objects.filter(id__gte=start).order_by("id").values_list("id", flat=True)[:BATCH]
            pending = list(ids)
            if not pending:
                return 0
            rows = event_rows(pending[0], pending[-1])
            previous = last.hash if last else ""
            AuditSeal.objects.create(
                first_event_id=pending[0],
                last_event_id=pending[-1],
                event_count=len(rows),
                previous_hash=previous,
                hash=chain_hash(previous, rows),
            )
            return len(rows)
    except OperationalError:
        return 0
