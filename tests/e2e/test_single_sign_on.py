"""Single sign-on against a real OpenID provider: known by verified address or refused with a reason; nobody is created."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.browsing import Watch, sign_in
from tests.e2e.provider import Provider, running
from tests.e2e.server import Live, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Arrive = Callable[..., "Page"]
COUNT = """
import json
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from salesops.audit.models import AuditEvent
print(json.dumps([
    list(SocialAccount.objects.values_list("uid", "user__email")),
    get_user_model().objects.filter(email__contains="stranger").count(),
    AuditEvent.objects.filter(verb="CONNECT_SINGLE_SIGN_ON").count(),
]))
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture(scope="module")
def connected(live: Live, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A second web process on the same database, which knows the provider by its environment."""
    url = f"http://127.0.0.1:{free_port()}"
    folder: Path = tmp_path_factory.mktemp("connected")
    server = replace(
        live, url=url, env=live.env | provider.settings | {"BASE_URL": url}, folder=folder, processes=[]
    )
    try:
        server.start(clock=False)
        yield server
    finally:
        server.stop()


@pytest.fixture
def arrive(browser: Browser, connected: Live, provider: Provider) -> Iterator[Arrive]:
    """`arrive(email=…, email_verified=…)` goes through the button as that person; gives the page one ends on."""
    watch, contexts = Watch(connected.url, expected=["403", provider.url]), []

    def come(**person: Any) -> Page:
        provider.person = person
        context = browser.new_context(base_url=connected.url, reduced_motion="reduce", locale="en-US")
        contexts.append(context)
        page = context.new_page()
        watch.attach(page)
        page.goto("/accounts/login/?next=/account/")
        page.get_by_role("button", name="Continue with Example ID").click()
        page.wait_for_url(
            lambda address: "/accounts/login" not in address and address.startswith(connected.url)
        )
        return page

    yield come
    for context in contexts:
        context.close()
    assert not watch.found, "\n".join(watch.found)


def test_a_verified_address_signs_in_to_its_login_and_the_password_stays(
    arrive: Arrive, connected: Live, live: Live, browser: Browser
) -> None:
    login = live.logins["FINANCE"]
    for email in (
        login["email"].upper(),
        "moved@example.com",
    ):  # afterwards known by the subject, whatever the address
        page = arrive(sub="fin-1", email=email, email_verified=True)
        assert page.url == f"{connected.url}/account/"
        assert login["email"] in page.locator("main").inner_text()
    context = browser.new_context()
    sign_in(context, live.url, login)
    context.close()


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"email": "stranger@example.com", "email_verified": True}, "There is no active login"),
        ({"email": "REP", "email_verified": False}, "has not verified the address"),
        ({"email": "REP", "email_verified": "false"}, "has not verified the address"),
        ({}, "did not name a verified e-mail address"),
    ],
    ids=["unknown", "unverified", "unverified in words", "no address"],
)
def test_others_are_refused_with_the_reason(
    arrive: Arrive, live: Live, claims: dict[str, Any], said: str
) -> None:
    if claims.get("email") == "REP":
        claims = claims | {"email": live.logins["REP"]["email"]}
    page = arrive(sub="somebody", **claims)
    assert said in page.locator("main").inner_text()
    page.goto("/account/")
    assert "/accounts/login/" in page.url


def test_nobody_is_made_and_connecting_is_on_record(arrive: Arrive, connected: Live, live: Live) -> None:
    arrive(sub="fin-1", email=live.logins["FINANCE"]["email"], email_verified=True)
    accounts, strangers, recorded = json.loads(connected.manage("shell", "-v0", "-c", COUNT))
    assert [uid for uid, _ in accounts] == ["fin-1"]
    assert (strangers, recorded) == (0, 1)
