"""Every mail the product sends is plain text to whom it concerns, whatever people, companies and browsers call themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.test import Client

from organization.domain.roles import Role
from organization.models import Person, User
from organization.services import OrganizationError
from tests.factories.organization import PASSWORD, make_company, make_rep, make_user, signed_in

pytestmark = pytest.mark.django_db
NAME = "Ann\r\nBcc: evil@example.com\r\n\r\n<b onclick=x>{{ 7|add:7 }}\u202e=1+1</b>"
BROWSER = "Browser<script>\u202e {{ 7|add:7 }}%0d%0aBcc: evil@example.com"
HEADERS = {
    "Content-Type", "Content-Transfer-Encoding", "MIME-Version", "Subject", "From", "To", "Date", "Message-ID"
}  # fmt: skip
NEW = "four other plain words"


@pytest.fixture
def ann() -> User:
    make_company(name=NAME)
    user: User = make_rep("Ann")[1]
    User.objects.filter(pk=user.pk).update(name=NAME)
    Person.objects.filter(user=user).update(name=NAME)
    user.refresh_from_db()
    return user


def _code(secret: str) -> str:
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))


def _page_for_an_app(client: Client, password: str) -> Any:
    """The page on which an authenticator app is set up, after the proof that it is still the same person."""
    client.post("/accounts/reauthenticate/", {"password": password})
    return client.get("/accounts/2fa/totp/activate/")


def _second_step(client: Client) -> None:
    """An authenticator app is set up, its recovery codes are made anew, and it is taken off again."""
    secret = _page_for_an_app(client, NEW).context["form"].secret
    for _ in range(2):  # half a minute may have ended between code and answer
        answer = client.post("/accounts/2fa/totp/activate/", {"code": _code(secret)})
        if answer.status_code == 302:
            break
    assert answer.status_code == 302, answer.context["form"].errors
    assert client.post("/accounts/2fa/recovery-codes/generate/").status_code == 302
    assert client.post("/accounts/2fa/totp/deactivate/").status_code == 302


def _mails(ann: User) -> Iterator[str]:
    """Brings about each kind of mail in turn; tells its subject."""
    client = Client(headers={"User-Agent": BROWSER})
    client.post("/accounts/password/reset/", {"email": ann.email})
    yield "Password Reset Email"
    client.post("/accounts/login/", {"login": ann.email, "password": PASSWORD})
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    yield "Password Changed"
    _second_step(client)
    yield "Authenticator App Activated"
    yield "New Recovery Codes Generated"
    yield "Authenticator App Deactivated"
    totp.TOTP.activate(ann, "JBSWY3DPEHPK3PXP")
    admin = signed_in(make_user(Role.ADMIN))
    admin.post(f"/users/{ann.pk}/second-step")
    yield "Your second step was removed"
    admin.post(f"/users/{ann.pk}/edit", {"name": NAME, "email": "ann.new@example.com", "seen": "{}"})
    yield "Your address for signing in was changed"


def test_whoever_asked_for_a_password_mail_may_still_set_a_second_step_up(ann: User) -> None:
    """allauth writes down an address then, as not verified; nobody here has to verify what an administrator entered."""
    Client().post("/accounts/password/reset/", {"email": ann.email})
    client = Client()
    client.post("/accounts/login/", {"login": ann.email, "password": PASSWORD})
    assert _page_for_an_app(client, PASSWORD).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_no_name_gets_into_a_mail_as_anything_but_text(ann: User) -> None:
    wanted = set(_mails(ann))
    told = {letter.subject.removeprefix("[testserver] ") for letter in mail.outbox}
    assert told == wanted
    for letter in mail.outbox:
        assert set(letter.recipients()) <= {ann.email, "ann.new@example.com"}
        sent = letter.message()
        assert set(sent.keys()) <= HEADERS, letter.subject
        assert sent.get_content_type() == "text/plain", "no part that a reader would draw"
        assert not getattr(letter, "alternatives", [])
        assert not letter.attachments
        assert "\n" not in letter.subject
        assert "14" not in re.sub(r"\S*\d\d:\d\d\S*|https?://\S+", "", letter.body), (
            "template code was worked out"
        )
        assert "evil@example.com" not in letter.body.replace(BROWSER, "")
        assert "\nBcc:" not in sent.as_string()


@pytest.mark.parametrize(
    "address", ["ann@example.com\nBcc: evil@example.com", "ann@example.com\r\n", "<ann@example.com>, evil@example.com",
                "ann@example.com,evil@example.com", "ann <ann@example.com>"],
)  # fmt: skip
def test_an_address_that_is_more_than_one_is_refused(address: str) -> None:
    """Or what is around it is taken off: nothing else ever becomes a recipient."""
    make_company()
    with suppress(OrganizationError):
        make_user(Role.REP, email=address)
    assert set(User.objects.values_list("email", flat=True)) <= {"ann@example.com"}
