"""What every answer says to browsers, under which names cookies are set, and who is turned away at the door."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core.exceptions import ValidationError
from django.test import Client

from organization.models import User
from salesops.passwords import CompanyWordsValidator
from tests.factories.organization import make_company, make_rep
from tests.ops.test_settings import PRODUCTION, ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep() -> User:
    make_company(name="Quillhaven Instruments")
    return make_rep("Ben")[1]  # type: ignore[no-any-return]


@pytest.fixture
def signed_in(rep: User) -> Client:
    client = Client()
    client.force_login(rep, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.mark.parametrize(
    "path", ["/deals/", "/account/", "/api/v1/deals", "/accounts/login/", "/nowhere", "/deals/1"]
)
def test_no_answer_is_stored_or_read_by_another_site(signed_in: Client, path: str) -> None:
    answer = signed_in.get(path)
    assert "no-store" in answer["Cache-Control"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_programs_are_not_led_from_http_to_https(signed_in: Client, settings: Any) -> None:
    settings.HTTPS, settings.SECURE_SSL_REDIRECT = True, True
    for path in ("/api/v1/deals", "/events"):
        answer = signed_in.get(path)
        assert (answer.status_code, answer.get("Location")) == (403, None), path
        assert "https://" in answer.json()["message"]
    assert signed_in.get("/deals/").status_code == 301
    assert signed_in.get("/api/v1/deals", secure=True).status_code == 200


def test_under_https_every_cookie_is_bound_to_this_host() -> None:
    code = (
        "import django; django.setup(); from django.conf import settings as s;"
        "print([(getattr(s, n + '_COOKIE_NAME'), getattr(s, n + '_COOKIE_SECURE', None),"
        " getattr(s, n + '_COOKIE_HTTPONLY', None)) for n in ('SESSION', 'CSRF', 'LANGUAGE', 'DISPLAY')], s.MESSAGE_STORAGE)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env={"DJANGO_SETTINGS_MODULE": "salesops.settings", **PRODUCTION},
    )  # fmt: skip
    assert "('__Host-salesops_session', True, True), ('__Host-csrftoken', True, True)" in done.stdout
    assert "('__Host-django_language', True, True), ('__Host-salesops_ui', None, None)" in done.stdout
    assert "session.SessionStorage" in done.stdout


def test_the_display_cookie_has_the_name_scripts_are_told(signed_in: Client) -> None:
    assert f'data-cookie="{settings.DISPLAY_COOKIE_NAME}"' in signed_in.get("/deals/").content.decode()


def test_the_method_that_echoes_requests_is_refused(signed_in: Client) -> None:
    for path in ("/deals/", "/api/v1/deals", "/accounts/login/"):
        assert signed_in.trace(path).status_code == 405, path


@pytest.mark.parametrize(
    "password",
    ["Quillhaven2026!", "salesops-forecast", "Instruments-2027", "Sommer2026Passwort", "quota quota 1"],
)
@pytest.mark.usefixtures("rep")
def test_a_password_of_words_anybody_would_try_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        CompanyWordsValidator().validate(password)


@pytest.mark.usefixtures("rep")
def test_other_passwords_may_contain_such_words() -> None:
    CompanyWordsValidator().validate("quota of seven green umbrellas")


def test_without_a_company_the_words_of_the_trade_count() -> None:
    with pytest.raises(ValidationError):
        CompanyWordsValidator().validate("salesops2026!")


def test_a_list_of_known_passwords_is_heeded(tmp_path: Any) -> None:
    known = tmp_path / "known.txt"
    known.write_text("correct horse battery staple\n")
    code = (
        "import django; django.setup(); from django.contrib.auth.password_validation import get_default_password_validators;"
        "get_default_password_validators()[-1].validate('Correct horse battery staple')"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "salesops.settings",
        **PRODUCTION,
        "BREACHED_PASSWORDS": str(known),
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, env=environment
    )
    assert "too common" in done.stderr, done.stderr


class TestSecondStep:
    """`SECOND_STEP_REQUIRED`."""

    @pytest.fixture(autouse=True)
    def _required(self, settings: Any) -> None:
        settings.SECOND_STEP_REQUIRED = True

    def test_whoever_has_none_can_only_set_one_up(self, signed_in: Client) -> None:
        answer = signed_in.get("/deals/", follow=True)
        assert answer.redirect_chain[-1][0] == "/accounts/2fa/"
        assert "second step" in answer.content.decode()
        assert signed_in.get("/api/v1/deals").status_code == 403
        assert signed_in.post("/deals/new", headers={"HX-Request": "true"}).status_code == 403
        assert signed_in.get("/accounts/password/change/").status_code == 200

    def test_whoever_has_one_works(self, signed_in: Client, rep: User) -> None:
        Authenticator.objects.create(user=rep, type=Authenticator.Type.TOTP, data={"secret": "x"})
        assert signed_in.get("/deals/").status_code == 200

    def test_whoever_comes_from_the_identity_provider_works(self, signed_in: Client, rep: User) -> None:
        SocialAccount.objects.create(user=rep, provider="sso", uid="7")
        assert signed_in.get("/deals/").status_code == 200

    def test_strangers_are_asked_to_sign_in_first(self) -> None:
        assert "/accounts/login/" in Client().get("/deals/")["Location"]


def test_without_the_demand_nobody_is_stopped(signed_in: Client) -> None:
    assert signed_in.get("/deals/").status_code == 200
