"""By what a viewer is known while a request stays open."""

from __future__ import annotations

from dataclasses import dataclass

from organization.domain.roles import Capability


@dataclass(frozen=True)
class Credential:
    """A login known by a session or by a token (its digest), and what the token limits it to."""

    user_id: int
    session_key: str = ""
    digest: str = ""
    limits: frozenset[Capability] | None = None
