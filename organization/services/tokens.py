"""Making and revoking tokens of programs."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection

from django.utils import timezone

from organization.domain.scope import Scope
from organization.domain.tokens import LONGEST_DAYS, TokenScope, token_digest
from organization.models import ApiToken
from organization.services.trail import OrganizationError, note
from salesops.wall.context import saving

PREFIX = "so_"
MOST_TOKENS = 20


@saving()
def create_token(
    *, user_id: int, name: str, scopes: Collection[str], days: int, scope: Scope
) -> tuple[int, str]:
    """A token of a login's own; returns its id and the token, which nobody can show again.

    Raises `OrganizationError` for no name, no or unknown scopes, more than `LONGEST_DAYS` days or too many tokens.
    """
    name = name.strip()
    if not name:
        raise OrganizationError("name", "Say which program it is for.")
    if not scopes or set(scopes) - set(TokenScope):
        raise OrganizationError("scopes", "Choose what the program may do.")
    if not 1 <= days <= LONGEST_DAYS:
        raise OrganizationError("days", f"A token is good for 1 to {LONGEST_DAYS} days.")
    now = timezone.now()
    if (
        ApiToken.objects.filter(user_id=user_id, revoked_at__isnull=True, expires_at__gt=now).count()
        >= MOST_TOKENS
    ):
        raise OrganizationError("", f"{MOST_TOKENS} tokens are in use: revoke one first.")
    token = PREFIX + secrets.token_urlsafe(32)
    kept = ApiToken.objects.create(
        user_id=user_id, name=name[:80], digest=token_digest(token), hint=token[-4:], scopes=sorted(scopes),
        created_at=now, expires_at=now + dt.timedelta(days=days),
    )  # fmt: skip
    note(
        scope, "CREATE", "token", kept.pk, kept, None, {"scopes": kept.scopes, "expires_at": kept.expires_at}
    )
    return kept.pk, token


@saving()
def revoke_token(*, token_id: int, user_id: int, scope: Scope) -> None:
    """End a token of this login at once. Raises `OrganizationError` when there is none."""
    kept = ApiToken.objects.select_for_update().filter(pk=token_id, user_id=user_id).first()
    if kept is None:
        raise OrganizationError("", "There is no such token.")
    if kept.revoked_at is None:
        kept.revoked_at = timezone.now()
        kept.save(update_fields=["revoked_at"])
        note(scope, "REVOKE", "token", kept.pk, kept)
