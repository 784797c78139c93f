"""Whether who was let in once would be let in now: asked again and again for requests that stay open."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from organization.domain.credential import Credential
from organization.domain.scope import Scope
from organization.models import ApiToken, User
from organization.scope import scopes_for
from salesops.sessions import SessionStore, is_over


def still_welcome(credentials: Collection[Credential]) -> dict[Credential, Scope]:
    """The reach these would have in a request of now, in at most five statements.

    Missing is whose session has ended or belongs to a former password, whose token was revoked or has expired, and who
    was deactivated.
    """
    users = {user.pk: user for user in User.objects.filter(pk__in={known.user_id for known in credentials})}
    sessions = _sessions({known.session_key for known in credentials if known.session_key})
    tokens = ApiToken.objects.filter(
        digest__in={known.digest for known in credentials if known.digest},
        revoked_at__isnull=True,
        expires_at__gt=timezone.now(),
    )
    good = set(tokens.values_list("digest", flat=True))
    scopes = scopes_for(users.values())
    hashes = {user_id: user.get_session_auth_hash() for user_id, user in users.items()}
    found: dict[Credential, Scope] = {}
    for known in credentials:
        if known.user_id not in scopes:
            continue
        of_session = sessions.get(known.session_key, "")
        if known.digest in good or constant_time_compare(of_session, hashes[known.user_id]):
            found[known] = replace(scopes[known.user_id], limits=known.limits)
    return found


def _sessions(keys: Collection[str]) -> dict[str, str]:
    """The sessions that are not over, with what they hold of their login's password."""
    store, now = SessionStore(), int(time.time())
    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    held = {key: store.decode(data) for key, data in rows.values_list("session_key", "session_data")}
    return {key: str(data.get(HASH_SESSION_KEY, "")) for key, data in held.items() if not is_over(data, now)}
