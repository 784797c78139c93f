"""Two-step sign-in, passkeys and the throttle, in a real browser, on the product's own pages."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.browsing import Watch, sign_in
from tests.e2e.server import Live
from tests.e2e.test_screens import lasting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PASSWORD = secrets.token_urlsafe(16)
LOGINS = {name: {"email": f"{name}@example.com", "password": PASSWORD} for name in ("totp", "passkey")}
MAKE = """
from django.contrib.auth import get_user_model
from django.utils import timezone
from organization.models import RoleGrant
for email in {emails!r}:
    user = get_user_model().objects.create_user(email, {password!r}, name="Sam Keyes")
    RoleGrant.objects.create(user=user, role="REP", granted_at=timezone.now())
"""
Visit = Callable[..., "Page"]


@pytest.fixture(scope="module")
def _logins(live: Live) -> None:
    """Logins of these tests alone, so that a second step never stands before somebody else's test."""
    emails = [login["email"] for login in LOGINS.values()]
    live.manage("shell", "-c", MAKE.format(emails=emails, password=PASSWORD))


@pytest.fixture
def visit(live: Live, browser: Browser, _logins: None) -> Iterator[Visit]:
    """`visit()` gives a page of a new browser at a host with a name, as passkeys need; complaints fail the test."""
    home = live.url.replace("127.0.0.1", "localhost")
    watch, contexts = Watch(home), []

    def open_page(*, expect: str = "") -> Page:
        context = browser.new_context(base_url=home, reduced_motion="reduce", locale="en-US")
        contexts.append(context)
        watch.expected += [expect] if expect else []
        page = context.new_page()
        watch.attach(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not watch.found, "\n".join(watch.found)


def code(secret: str, step: int = 0) -> str:
    """The code an authenticator app shows for the secret (RFC 6238), now or some half minutes later."""
    counter = struct.pack(">Q", int(time.time()) // 30 + step)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def send(page: Page, **fields: str) -> None:
    """Fills the form of the page and sends it."""
    for name, value in fields.items():
        page.fill(f"main [name={name}]", value)
    page.locator("main form:has([name=csrfmiddlewaretoken]) button[type=submit]").first.click()
    page.wait_for_load_state()


def password(page: Page, name: str) -> None:
    page.goto("/accounts/login/")
    send(page, login=LOGINS[name]["email"], password=PASSWORD)


def leave(page: Page) -> None:
    page.goto("/accounts/logout/")
    send(page)


def looks_right(page: Page, title: str) -> None:
    """The page is ours, is accessible in both themes and fits a phone."""
    assert page.locator("h1").inner_text() == title
    for theme, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, title
        found = lasting(page, f"{title}, {theme}, {width} px")
        assert not found, "\n".join(found)
    page.set_viewport_size({"width": 1280, "height": 800})


def switch_on(page: Page) -> str:
    """Goes from the account page to the authenticator app and switches it on; returns the secret."""
    page.goto("/account/")
    page.locator("main a[href='/accounts/2fa/']").click()
    page.locator("main a[href='/accounts/2fa/totp/activate/']").click()
    send(page, password=PASSWORD)
    assert page.locator("img.qr").evaluate("image => image.naturalWidth") > 0
    secret = page.input_value("#authenticator_secret")
    send(page, code="000000")
    assert page.locator(".field__error").count() == 1
    assert page.input_value("#authenticator_secret") == secret, "a mistyped code changes the secret"
    looks_right(page, "Set up the authenticator app")
    while time.time() % 30 > 25:  # the code must still hold when it arrives
        page.wait_for_timeout(500)
    send(page, code=code(secret))
    return secret


def test_a_code_or_a_recovery_code_is_asked_for_after_the_password(visit: Visit) -> None:
    page = visit()
    password(page, "totp")
    secret = switch_on(page)
    looks_right(page, "Recovery codes")
    spare = page.locator("#recovery_codes li").all_inner_texts()
    assert len(set(spare)) == 10
    leave(page)

    password(page, "totp")
    looks_right(page, "Second step")
    wrong = next(
        str(n) for n in range(100_000, 200_000) if str(n) not in {code(secret, s) for s in (-1, 0, 1)}
    )
    send(page, code=wrong)
    assert "/accounts/2fa/authenticate/" in page.url
    assert page.locator(".field__error").count() == 1
    page.goto("/deals/")
    assert page.url.split("?")[0].endswith("/accounts/2fa/authenticate/"), "in without the second step"
    while time.time() % 30 > 25:
        page.wait_for_timeout(500)
    send(page, code=code(secret))
    page.goto("/deals/")
    assert page.url.endswith("/deals/")

    for again, target in ((False, "/deals/"), (True, "/accounts/2fa/authenticate/")):
        leave(page)
        password(page, "totp")
        send(page, code=spare[0])
        assert page.url.split("?")[0].endswith(target), f"recovery code used {'twice' if again else 'once'}"
    send(page, code=spare[1])
    page.goto("/accounts/2fa/")
    assert "8" in page.locator("main").inner_text()


def authenticator(page: Page) -> tuple[Any, str]:
    """A device with fingerprint reader, of Chromium's own making."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    device = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    return session, device


def test_a_passkey_signs_in_alone_until_it_is_removed(visit: Visit) -> None:
    page = visit()
    password(page, "passkey")
    session, device = authenticator(page)
    page.goto("/accounts/2fa/webauthn/add/")
    send(page, password=PASSWORD)
    page.fill("[name=name]", "Laptop")
    page.check("[name=passwordless]")
    looks_right(page, "Add a passkey")
    page.click("#mfa_webauthn_add")
    page.wait_for_url("**/recovery-codes/")
    page.goto("/accounts/2fa/")
    looks_right(page, "Two-step sign-in and passkeys")
    assert "Laptop" in page.locator("main").inner_text()
    assert len(session.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]) == 1
    leave(page)

    page.goto("/accounts/login/?next=/account/")
    page.click("#passkey_login")
    page.wait_for_url(lambda address: address.endswith("/account/") and "?" not in address)

    page.goto("/accounts/2fa/")
    page.locator("main a[href$='/remove/']").click()
    assert page.locator("h1").inner_text() == "Is it you?", "removed without proof"
    page.locator("main a[href*='webauthn/reauthenticate']").click()
    looks_right(page, "Is it you?")
    page.click("#mfa_webauthn_reauthenticate")
    page.wait_for_url("**/remove/")
    send(page)
    leave(page)

    page.goto("/accounts/login/")
    page.click("#passkey_login")
    page.locator("main .notice--against").first.wait_for()
    assert "/accounts/login/" in page.url, "a removed passkey signs in"


def test_a_passkey_that_does_not_come_is_told_on_the_page(visit: Visit) -> None:
    page = visit()
    page.goto("/accounts/login/")
    session, device = authenticator(page)
    session.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.click("#passkey_login")
    page.locator("#passkey_error").wait_for()
    assert "cancelled" in page.locator("#passkey_error").inner_text()


def test_too_many_wrong_passwords_are_refused_saying_how_long_to_wait(live: Live, visit: Visit) -> None:
    page = visit(expect="429")
    stranger = (
        f"{secrets.token_hex(4)}@example.com"  # a login of its own: the throttle of others stays untouched
    )
    for _ in range(5):
        page.goto("/accounts/login/")
        send(page, login=stranger, password="wrong wrong wrong")
        assert page.locator("main .notice--against").first.is_visible()
    with page.expect_response("**/accounts/login/") as refused:
        send(page, login=stranger, password="wrong wrong wrong")
    assert refused.value.status == 429
    assert refused.value.headers["retry-after"] == "300"
    looks_right(page, "Too many attempts")
    assert "Wait 5 minutes" in page.locator("main").inner_text()
    sign_in(page.context, live.url.replace("127.0.0.1", "localhost"), live.logins["AUDITOR"])  # others get in
