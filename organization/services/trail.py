"""How the organisation's services write the audit trail, lock, and refuse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection

from organization.domain.roles import Capability
from organization.domain.scope import Scope
from salesops.audit.record import record
from salesops.ui.form_page import RefusedError

_LOCK_CLASS = 1936486511
"""First key of the advisory locks of this app; the hierarchy triggers use it too."""

PEOPLE_LOCK, TERRITORY_LOCK, ACCESS_LOCK, SETUP_LOCK = 1, 2, 3, 4


class OrganizationError(RefusedError):
    """A change the rules refuse. `field` names the input at fault ("" for the whole), `message` says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class NotAllowedError(OrganizationError):
    """The actor lacks the right; pages answer 403."""

    is_forbidden = True


def lock(key: int) -> None:
    """Until the transaction ends, one change of this kind at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, key])


def demand(scope: Scope, capability: Capability) -> None:
    """Services check too: a right forgotten at the edge is still refused here."""
    if not scope.reason and not scope.can(capability):
        raise NotAllowedError("", "You do not have the right to do this.")


def note(
    scope: Scope,
    verb: str,
    object_type: str,
    object_id: object,
    label: object,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """One audit row by this actor, in the transaction at hand."""
    record(
        actor_id=scope.user_id, actor_name=scope.actor_name, verb=verb, object_type=object_type,
        object_id=object_id, label=str(label), before=before, after=after,
    )  # fmt: skip
