"""What the organisation does by the clock: seal the audit trail, forget old replies, let planned moves take effect."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from organization.selectors.company import is_set_up
from organization.services import rebuild_person_closure
from salesops.audit.services import seal_events
from salesops.jobs.registry import periodic
from salesops.replies.once import forget_old


@periodic("audit-seal", seconds=60, title=_("Seal the audit trail"))
def seal_audit_trail() -> int:
    """Adds a link to the hash chain over new audit events."""
    return seal_events()


@periodic("replies-forget", seconds=3600, title=_("Forget old answers to repeated requests"))
def forget_old_replies() -> int:
    """Drops answers that nobody will ask for again."""
    return forget_old()


@periodic("hierarchy-of-today", seconds=300, title=_("Let planned moves take effect"))
def apply_planned_moves() -> int:
    """Brings the closure up to the lines in force today: a move planned for today counts from midnight on."""
    return rebuild_person_closure() if is_set_up() else 0
