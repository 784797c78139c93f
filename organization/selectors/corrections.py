"""What others changed of somebody's login since the person last signed in: read from the audit trail, told once."""

from __future__ import annotations

from salesops.audit.selectors import EventFacts, EventQuery, events, facts_of
from salesops.wall import context as wall


@wall.system("who signs in is told what others changed of the own login")
def corrections_since_sign_in(user_id: int) -> list[EventFacts]:
    """Changes of name or address by somebody else, oldest first."""
    sessions = events(EventQuery(verb="SIGN_IN", object_type="session", object_id=str(user_id)))
    changes = events(EventQuery(verb="UPDATE", object_type="login", object_id=str(user_id)))
    last = sessions.values_list("id", flat=True).first() or 0
    return [facts_of(event) for event in changes.filter(id__gt=last).exclude(actor_id=user_id).order_by("id")]
