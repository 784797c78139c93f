"""What a program's token may do: a part of what its owner may, never more."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256

from organization.domain.roles import Capability

LONGEST_DAYS = 90


class TokenScope(StrEnum):
    """What a token is good for. None of them reaches logins, roles, set-up, imports or the audit trail."""

    READ_DEALS = "read:deals"
    WRITE_DEALS = "write:deals"
    READ_FIGURES = "read:figures"


_C = Capability
_GRANTS: dict[TokenScope, frozenset[Capability]] = {
    TokenScope.READ_DEALS: frozenset({_C.VIEW_DEALS}),
    TokenScope.WRITE_DEALS: frozenset({_C.VIEW_DEALS, _C.EDIT_DEALS}),
    TokenScope.READ_FIGURES: frozenset({_C.VIEW_FORECAST, _C.VIEW_QUOTAS}),
}


def token_digest(token: str) -> str:
    """What is kept of a token: it has 256 random bits, so a plain hash cannot be guessed backwards."""
    return sha256(token.encode()).hexdigest()


def granted(scopes: Iterable[str]) -> frozenset[Capability]:
    """The capabilities of these scopes; unknown words grant nothing."""
    known = set(TokenScope)
    return frozenset().union(*(_GRANTS[TokenScope(scope)] for scope in scopes if scope in known))
