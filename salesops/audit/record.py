"""The one way to write an audit event: explicitly, by services, inside the transaction of the act."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from structlog.contextvars import get_contextvars

from salesops.audit.models import AuditEvent
from salesops.wall.context import system

_ENCODER = DjangoJSONEncoder()


@dataclass(frozen=True)
class Act:
    """One thing done to one object, for `record_many`."""

    verb: str
    object_type: str
    object_id: object
    label: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def record(
    *,
    actor_id: int | None,
    actor_name: str,
    verb: str,
    object_type: str,
    object_id: object,
    label: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    request_id: str = "",
) -> None:
    """Append an event. Decimals and dates in `before` and `after` are kept as text; the request id is found itself."""
    act = Act(verb, object_type, object_id, label, before, after)
    record_many(actor_id=actor_id, actor_name=actor_name, acts=[act], request_id=request_id)


@system("what was done is written down, whoever may read it")
def record_many(*, actor_id: int | None, actor_name: str, acts: Iterable[Act], request_id: str = "") -> None:
    """Append several events of one actor in one statement."""
    request_id = request_id or str(get_contextvars().get("request_id", ""))
    AuditEvent.objects.bulk_create(
        AuditEvent(
            actor_id=actor_id,
            actor_name=actor_name[:200] or "system",
            verb=act.verb,
            object_type=act.object_type,
            object_id=str(act.object_id),
            label=str(act.label)[:300],
            before=_plain(act.before),
            after=_plain(act.after),
            request_id=request_id[:64],
        )
        for act in acts
    )


def _plain(values: Mapping[str, Any] | None) -> Any:
    """JSON-ready copies: lazily translated texts, decimals, dates and enums become text."""
    if values is None:
        return None
    return json.loads(_ENCODER.encode(dict(values)))
