"""Tokens of programs: whose they are, and what a login's are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone

from organization.domain.scope import Scope
from organization.domain.tokens import token_digest
from organization.models import ApiToken, User

SEEN_EVERY = dt.timedelta(minutes=1)
"""`used_at` is written at most so often: it is for people who tidy up, not a log."""


@dataclass(frozen=True)
class TokenFacts:
    """A token as its owner's page shows it."""

    id: int
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None
    is_over: bool


def user_of_token(token: str) -> tuple[User, tuple[str, ...]] | None:
    """The active login a token stands for, and its scopes; None when it is unknown, revoked, expired or orphaned."""
    now = timezone.now()
    kept = (
        ApiToken.objects.filter(digest=token_digest(token), revoked_at__isnull=True, expires_at__gt=now)
        .select_related("user")
        .first()
    )
    if kept is None or not kept.user.is_active:
        return None
    if kept.used_at is None or now - kept.used_at > SEEN_EVERY:
        ApiToken.objects.filter(pk=kept.pk).update(used_at=now)
    return kept.user, tuple(kept.scopes)


def tokens_of(scope: Scope) -> list[TokenFacts]:
    """One's own tokens, those in use first, the newest first."""
    now = timezone.now()
    found = [
        TokenFacts(
            row.pk, row.name, row.hint, tuple(row.scopes), row.created_at, row.revoked_at or row.expires_at,
            row.used_at, row.revoked_at is not None or row.expires_at <= now,
        )
        for row in ApiToken.objects.filter(user=scope.user_id or 0).order_by("-id")[:100]
    ]  # fmt: skip
    return sorted(found, key=lambda token: token.is_over)
