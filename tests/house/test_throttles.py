"""Each throttle of docs/security.md holds at its number, says how long to wait, and hinders nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from rest_framework.throttling import UserRateThrottle

from organization.domain.tokens import TokenScope
from organization.models import User
from organization.scope import scope_for
from organization.services import create_token
from tests.factories.organization import PASSWORD, make_company, make_rep, signed_in

pytestmark = pytest.mark.django_db
SIGN_IN, FORGOTTEN = "/accounts/login/", "/accounts/password/reset/"
HERE, THERE = {"REMOTE_ADDR": "192.0.2.1"}, {"REMOTE_ADDR": "192.0.2.2"}
"""Two addresses from which people ask."""


@pytest.fixture(autouse=True)
def _nobody_tried_yet() -> None:
    cache.clear()
    make_company()


@pytest.fixture
def ben() -> User:
    return make_rep("Ben")[1]


@pytest.fixture
def charlie() -> User:
    return make_rep("Charlie")[1]


def _sign_in(email: str, password: str, where: dict[str, str]) -> Any:
    return Client(**where).post(SIGN_IN, {"login": email, "password": password})


def _is_refused(answer: Any) -> bool:
    """Whether it is the page that says how long to wait."""
    if answer.status_code != 429:
        return False
    assert answer["Retry-After"] == "300"
    assert "Wait 5 minutes" in answer.content.decode()
    return True


def test_thirty_sign_ins_a_minute_come_from_an_address(ben: User) -> None:
    tried = [_is_refused(_sign_in(ben.email, PASSWORD, HERE)) for _ in range(31)]
    assert tried == [False] * 30 + [True]
    assert _sign_in(ben.email, PASSWORD, THERE).status_code == 302


def test_ten_sign_ins_a_minute_fail_from_an_address(ben: User) -> None:
    tried = [_is_refused(_sign_in(f"{n}@example.com", "wrong wrong wrong", HERE)) for n in range(11)]
    assert tried == [False] * 10 + [True]
    assert _sign_in(ben.email, PASSWORD, THERE).status_code == 302


def test_five_sign_ins_in_five_minutes_fail_of_a_login(ben: User, charlie: User) -> None:
    """From wherever, and the right password does not help then; another login is not hindered."""
    tried = [
        _is_refused(_sign_in(ben.email, "wrong wrong wrong", {"REMOTE_ADDR": f"192.0.2.{n}"}))
        for n in range(1, 7)
    ]
    assert tried == [False] * 5 + [True]
    assert _is_refused(_sign_in(ben.email, PASSWORD, {"REMOTE_ADDR": "192.0.2.9"}))
    assert _sign_in(charlie.email, PASSWORD, HERE).status_code == 302


def test_twenty_password_mails_a_minute_are_asked_for_from_an_address(ben: User) -> None:
    asked = [Client(**HERE).post(FORGOTTEN, {"email": f"{n}@example.com"}) for n in range(21)]
    assert [_is_refused(answer) for answer in asked] == [False] * 20 + [True]
    assert Client(**THERE).post(FORGOTTEN, {"email": ben.email}).status_code == 302
    assert [letter.to for letter in mail.outbox] == [[ben.email]]


def test_five_password_mails_a_minute_go_to_a_login(ben: User, charlie: User) -> None:
    asked = [Client(REMOTE_ADDR=f"192.0.2.{n}").post(FORGOTTEN, {"email": ben.email}) for n in range(1, 7)]
    assert [_is_refused(answer) for answer in asked] == [False] * 5 + [True]
    Client(**HERE).post(FORGOTTEN, {"email": charlie.email})
    assert [letter.to for letter in mail.outbox] == [[ben.email]] * 5 + [[charlie.email]]


def test_the_interface_answers_so_many_requests_a_minute_of_a_login(
    ben: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By session and by token together, whichever address is asked; the number is lowered for the test."""
    assert UserRateThrottle.THROTTLE_RATES == {"user": "1200/min"}
    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "3/min"})
    _, token = create_token(
        user_id=ben.pk, name="Mine", scopes=[TokenScope.READ_DEALS], days=1, scope=scope_for(ben)
    )
    browser, program = signed_in(ben), Client(headers={"Authorization": f"Bearer {token}"})
    for client, path in (
        (browser, "/api/v1/deals"),
        (program, "/api/v1/deals"),
        (browser, "/api/v1/metrics"),
    ):
        assert client.get(path).status_code == 200
    for client, path in (
        (browser, "/api/v1/figures"),
        (program, "/api/v1/deals"),
        (browser, "/api/v1/metrics"),
    ):
        refused = client.get(path)
        assert refused.status_code == 429, path
        assert 0 < int(refused["Retry-After"]) <= 60
        assert refused["Content-Type"] == "application/json"
    assert signed_in(charlie).get("/api/v1/deals").status_code == 200
    assert browser.get("/deals/").status_code == 200, "pages are not counted"
