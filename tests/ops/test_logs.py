"""What a log line may say: which page, by whom; never a one-time key, never what somebody searched for."""

from __future__ import annotations

import pytest

from salesops.logs import SHARED, without_secrets


@pytest.mark.parametrize(
    ("asked", "logged"),
    [
        ("GET /deals/", "GET /deals/"),
        ("GET /deals/?q=Merger+with+Acme", "GET /deals/?"),
        (
            "GET /accounts/oidc/sso/login/callback/?code=s3cret&state=x",
            "GET /accounts/oidc/sso/login/callback/?",
        ),
        ("GET /accounts/password/reset/key/1-c0ffee-abc/", "GET /accounts/password/reset/key/…/"),
    ],
)
def test_addresses_are_logged_without_their_secrets(asked: str, logged: str) -> None:
    assert without_secrets(None, "info", {"request": asked})["request"] == logged


def test_every_line_goes_through_it() -> None:
    assert without_secrets in SHARED
