"""The content security policy allows no inline script, no inline style, and nothing of other servers."""

from __future__ import annotations

import pytest
from django.test import Client

from organization.domain.roles import Role
from salesops.connections import content_policy
from tests.factories.organization import make_company, make_user


def test_nothing_inline_and_nothing_from_elsewhere() -> None:
    policy = content_policy(form_targets=["https://login.example.com/realms/sales"])
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    everything = {source for sources in policy.values() for source in sources}
    assert everything == {"'none'", "'self'", "data:", "blob:", "https://login.example.com"}


def test_every_answer_carries_it() -> None:
    said = Client().get("/healthz").headers["Content-Security-Policy"]
    assert "unsafe" not in said
    assert "default-src 'none'" in said


@pytest.mark.django_db
def test_the_page_of_the_programming_interface_has_no_inline_style(client: Client) -> None:
    make_company()
    client.force_login(make_user(Role.OPS), backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get("/api/docs/").content.decode()
    assert "swagger-ui" in page
    assert "<style" not in page
    assert "css/api-docs.css" in page
