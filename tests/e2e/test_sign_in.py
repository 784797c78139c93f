"""Everybody comes in through the form and lands on a page that answers, in both themes, without a complaint."""

import pytest

from tests.e2e.conftest import SignedIn

ROLES = ("REP", "MANAGER", "OPS", "ADMIN", "EXECUTIVE", "FINANCE", "AUDITOR")


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_a_home(signed_in: SignedIn, role: str) -> None:
    page = signed_in(role)
    response = page.goto("/")
    assert response is not None
    assert response.status == 200
    assert page.locator("h1").count() >= 1
    assert "/accounts/login" not in page.url
