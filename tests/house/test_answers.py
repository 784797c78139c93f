"""What every answer says to browsers, under which names cookies are set, and who is turned away at the door."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import structlog
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp_auth
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from organization.models import User
from salesops.passwords import CompanyWordsValidator
from salesops.secondstep import SecondStepAdapter
from tests.factories.organization import make_company, make_rep
from tests.factories.organization import signed_in as browser_of
from tests.ops.test_settings import PRODUCTION, ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep() -> User:
    make_company(name="Quillhaven Instruments")
    return make_rep("Ben")[1]  # type: ignore[no-any-return]


@pytest.fixture
def signed_in(rep: User) -> Client:
    return browser_of(rep)


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


class TestHowLongASessionLasts:
    """By the clock of the server; the database's sessions and the signed cookie know nothing of it."""

    @pytest.fixture(autouse=True)
    def _limits(self, settings: Any) -> None:
        settings.SESSION_IDLE_MINUTES = 60

    def test_who_does_something_stays_until_the_last_hour(self, rep: User) -> None:
        with time_machine.travel("2026-03-02T08:00:00Z", tick=False) as clock:
            client = browser_of(rep)
            for _ in range(15):
                assert client.get("/account/").status_code == 200
                clock.shift(50 * 60)
            clock.move_to("2026-03-02T19:59:59Z")
            assert client.get("/account/").status_code == 200
            clock.move_to("2026-03-02T20:00:00Z")
            assert "/accounts/login/" in client.get("/account/")["Location"]

    @pytest.mark.parametrize("by_itself", [True, False])
    def test_what_a_page_fetches_by_itself_is_nobody_at_work(self, rep: User, by_itself: bool) -> None:
        headers = {"X-By-Itself": "1"} if by_itself else {}
        with time_machine.travel("2026-03-02T08:00:00Z", tick=False) as clock:
            client = browser_of(rep)
            client.get("/account/")
            for _ in range(3):
                clock.shift(25 * 60)
                answer = client.get("/account/", headers=headers)
            assert answer.status_code == (302 if by_itself else 200)

    def test_the_end_is_for_good(self, rep: User) -> None:
        with time_machine.travel("2026-03-02T08:00:00Z", tick=False) as clock:
            client = browser_of(rep)
            client.get("/account/")
            before = client.cookies[settings.SESSION_COOKIE_NAME].value
            clock.shift(61 * 60)
            client.get("/account/")
            assert not Session.objects.filter(session_key=before).exists()

    def test_without_an_idle_limit_the_hours_alone_count(self, rep: User, settings: Any) -> None:
        settings.SESSION_IDLE_MINUTES = 0
        with time_machine.travel("2026-03-02T08:00:00Z", tick=False) as clock:
            client = browser_of(rep)
            client.get("/account/")
            clock.shift(11 * 3600)
            assert client.get("/account/").status_code == 200

    def test_most_requests_write_nothing(self, rep: User) -> None:
        client = browser_of(rep)
        client.get("/account/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/account/")
        assert not [q for q in queries if "django_session" in q["sql"] and not q["sql"].startswith("SELECT")]


def test_signing_out_ends_the_session_and_clears_what_the_browser_kept(signed_in: Client) -> None:
    key = signed_in.cookies[settings.SESSION_COOKIE_NAME].value
    answer = signed_in.post("/accounts/logout/")
    assert answer["Clear-Site-Data"] == '"storage"'
    assert not Session.objects.filter(session_key=key).exists()
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = key
    assert thief.get("/account/").status_code == 302


def test_a_refusal_is_logged_with_who_and_where(signed_in: Client) -> None:
    with structlog.testing.capture_logs() as lines:
        assert signed_in.get("/system/").status_code == 403
    assert {"event": "access_refused", "log_level": "warning", "method": "GET", "path": "/system/"} in lines


class TestSecondStepsAtRest:
    """A copy of the database opens nobody's second step."""

    def test_secrets_are_sealed_and_codes_still_fit(self, rep: User) -> None:
        secret = totp_auth.generate_totp_secret()
        totp_auth.TOTP.activate(rep, secret)
        RecoveryCodes.activate(rep)
        stored = [str(found.data) for found in Authenticator.objects.filter(user=rep)]
        assert len(stored) == 2
        assert all("sealed:" in data and secret not in data for data in stored)
        totp = Authenticator.objects.get(user=rep, type=Authenticator.Type.TOTP).wrap()
        now = totp_auth.yield_hotp_counters_from_time()
        assert totp.validate_code(totp_auth.format_hotp_value(totp_auth.hotp_value(secret, next(iter(now)))))

    def test_a_former_key_still_opens_and_a_strange_one_fits_no_code(self, settings: Any) -> None:
        adapter, former = SecondStepAdapter(), settings.SECRET_KEY
        sealed = adapter.encrypt("JBSWY3DPEHPK3PXP")
        settings.SECRET_KEY = "another key altogether" * 4
        assert adapter.decrypt(sealed) not in {"JBSWY3DPEHPK3PXP", ""}
        settings.SECRET_KEY_FALLBACKS = [former]
        assert adapter.decrypt(sealed) == "JBSWY3DPEHPK3PXP"

    def test_what_was_kept_before_there_were_seals_still_counts(self) -> None:
        assert SecondStepAdapter().decrypt("JBSWY3DPEHPK3PXP") == "JBSWY3DPEHPK3PXP"


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
