"""A small demo company that leads up to today, and its people's reach."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from organization.domain.roles import Role
from organization.domain.scope import Scope


@pytest.fixture
def demo(db: None, tmp_path: Path) -> Path:
    """The demo company with 400 deals; the folder holds its logins and its export files."""
    from salesops.demo.seeding import seed

    seed(today=dt.datetime.now(dt.UTC).date(), deals=400, say=lambda _text: None, folder=tmp_path)
    return tmp_path


@pytest.fixture
def reach(demo: Path) -> Callable[[Role], Scope]:
    """`reach(Role.REP)` is the scope of the demo login with that role."""
    from organization.models import User
    from organization.scope import scope_for

    def of(role: Role) -> Scope:
        return scope_for(User.objects.get(role_grants__role=role))

    return of
