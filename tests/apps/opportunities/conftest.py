"""Who asks in the tests of imports."""

from __future__ import annotations

import pytest
from django.test import Client

from organization.domain.roles import Role
from tests.factories.organization import make_company, make_user, signed_in


@pytest.fixture
def admin() -> Client:
    """An administrator of a company that is set up."""
    make_company()
    return signed_in(make_user(Role.ADMIN))
