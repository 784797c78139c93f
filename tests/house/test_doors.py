"""What somebody outside, or inside with bad intent, tries at the doors: passwords, sessions, addresses, headers, fields."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import global_settings, settings
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client

from opportunities.models import Opportunity
from organization.models import User
from tests.factories.opportunities import make_deal
from tests.factories.organization import make_company, make_rep, signed_in

pytestmark = pytest.mark.django_db
PASSWORD = "Four plain words, and one more "  # the space at the end counts
SIGN_IN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _company() -> None:
    cache.clear()  # throttles of earlier tests
    make_company()


@pytest.fixture
def rep() -> User:
    user: User = make_rep("Ben")[1]
    user.set_password(PASSWORD)
    user.save()
    return user


def _enter(
    user: User, password: str = PASSWORD, client: Client | None = None, **more: Any
) -> tuple[Client, Any]:
    client = client or Client()
    return client, client.post(SIGN_IN, {"login": user.email, "password": password}, **more)


def _is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


class TestPasswords:
    @pytest.mark.parametrize("tried", [PASSWORD.strip(), PASSWORD.lower(), PASSWORD[:20], PASSWORD + "x"])
    def test_nothing_but_the_password_itself_opens(self, rep: User, tried: str) -> None:
        assert not _is_in(_enter(rep, tried)[0])
        assert _is_in(_enter(rep)[0])

    def test_a_change_demands_the_old_one_and_takes_any_signs_at_length(self, rep: User) -> None:
        client, _ = _enter(rep)
        new = (
            "ß→ only small letters, then 密码 and a great many more signs than anybody would type by hand "
            * 2
        )
        form = {"password1": new, "password2": new}
        client.post("/accounts/password/change/", {**form, "oldpassword": "not the old one"})
        rep.refresh_from_db()
        assert rep.check_password(PASSWORD)
        client.post("/accounts/password/change/", {**form, "oldpassword": PASSWORD})
        rep.refresh_from_db()
        assert rep.check_password(new.strip()) or rep.check_password(new)

    @pytest.mark.parametrize("short", ["elevensigns", "password1234", "qwertyuiop123"])
    def test_short_and_common_ones_are_refused(self, rep: User, short: str) -> None:
        client, _ = _enter(rep)
        form = {"oldpassword": PASSWORD, "password1": short, "password2": short}
        answer = client.post("/accounts/password/change/", form)
        rep.refresh_from_db()
        assert rep.check_password(PASSWORD)
        assert answer.status_code == 200
        assert "field__error" in answer.content.decode()

    def test_a_changed_password_ends_the_other_sessions(self, rep: User) -> None:
        (here, _), (there, _) = _enter(rep), _enter(rep)
        new = "another four plain words"
        here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
        assert not _is_in(there)

    def test_fields_hide_what_is_typed_and_let_managers_of_passwords_fill_them(self, rep: User) -> None:
        for client, path in ((Client(), SIGN_IN), (_enter(rep)[0], "/accounts/password/change/")):
            fields = re.findall(r"<input[^>]*password[^>]*>", client.get(path).content.decode())
            fields = [field for field in fields if 'type="hidden"' not in field]
            assert fields
            for field in fields:
                assert 'type="password"' in field, path
                assert re.search(r'autocomplete="(current|new)-password"', field), path
                assert "onpaste" not in field
                assert "maxlength" not in field

    def test_they_are_kept_as_slow_salted_hashes(self, settings: Any) -> None:
        """The product leaves Django's choice as it is; only these tests hash quickly."""
        settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
        kind, rounds, salt, _ = make_password(PASSWORD).split("$")
        assert kind == "pbkdf2_sha256"
        assert int(rounds) >= 600_000
        assert len(salt) >= 22


class TestSignIn:
    def test_it_begins_a_new_session(self, rep: User) -> None:
        """A session somebody was given beforehand is not the one they are signed in with."""
        client = Client()
        client.get("/help/")
        session = client.session
        session["planted"] = "before"
        session.save()
        before = session.session_key
        client.cookies[settings.SESSION_COOKIE_NAME] = before
        _enter(rep, client=client)
        after = client.cookies[settings.SESSION_COOKIE_NAME].value
        assert _is_in(client)
        assert before != after
        thief = Client()
        thief.cookies[settings.SESSION_COOKIE_NAME] = before
        assert not _is_in(thief)

    @pytest.mark.parametrize(
        "target", ["https://evil.example", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
    )
    def test_it_leads_nowhere_else(self, rep: User, target: str) -> None:
        client = Client()
        answer = client.post(
            f"{SIGN_IN}?next={target}", {"login": rep.email, "password": PASSWORD, "next": target}
        )
        assert answer.status_code == 302
        assert "evil" not in answer["Location"]
        assert "javascript" not in answer["Location"]

    def test_a_known_and_an_unknown_address_are_answered_alike(self, rep: User) -> None:
        bodies = []
        for address in (rep.email, "nobody@example.com"):
            answer = Client().post(SIGN_IN, {"login": address, "password": "wrong wrong wrong"})
            text = re.sub(r'value="[^"]{64}"|data-csrf="[^"]*"', "", answer.content.decode())
            bodies.append((answer.status_code, text.replace(address, "ADDRESS")))
        assert bodies[0] == bodies[1]

    def test_a_forgotten_password_does_not_open_the_second_step(self, rep: User) -> None:
        Authenticator.objects.create(
            user=rep, type=Authenticator.Type.TOTP, data={"secret": "JBSWY3DPEHPK3PXP"}
        )
        Client().post("/accounts/password/reset/", {"email": rep.email})
        link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)
        assert link
        client, new = Client(), "another four plain words"
        form = client.get(link[1]).headers["Location"]
        client.post(form, {"password1": new, "password2": new})
        assert not _is_in(client)
        client, answer = _enter(rep, new)
        assert "/accounts/2fa/authenticate/" in answer["Location"]
        assert not _is_in(client)
        again = Client().get(link[1], follow=True)
        assert 'name="password1"' not in again.content.decode(), "a link works once"


class TestAddresses:
    def test_a_forged_sender_is_believed_from_proxies_only(self, rep: User, settings: Any) -> None:
        """Whoever invents X-Forwarded-For gets no second helping of attempts."""
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
        statuses = set()
        for number in range(12):
            sender = {"X-Forwarded-For": f"203.0.113.{number}"}
            wrong = {"login": f"nobody{number}@example.com", "password": "wrong wrong wrong"}
            statuses.add(Client().post(SIGN_IN, wrong, headers=sender).status_code)
        assert 429 in statuses

    def test_a_foreign_host_name_is_refused(self, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["sales.example.com"]
        assert Client().get(SIGN_IN, headers={"host": "evil.example"}).status_code == 400
        assert (
            Client()
            .get(SIGN_IN, headers={"host": "sales.example.com", "x-forwarded-host": "evil.example"})
            .status_code
            == 200
        )

    @pytest.mark.parametrize(
        "path", ["/static/", "/uploads/", "/media/", "/var/", "/.git/config", "/.env", "/static/../salesops/settings.py",
                 "/static/%2e%2e/salesops/settings.py", "/backups/"],
    )  # fmt: skip
    def test_nothing_is_served_that_is_no_page(self, rep: User, path: str) -> None:
        client, _ = _enter(rep)
        for visitor in (Client(), client):
            assert visitor.get(path).status_code == 404, path

    def test_every_answer_says_what_it_is(self, rep: User) -> None:
        client, _ = _enter(rep)
        for path, kind in {
            "/deals/": "text/html; charset=utf-8", "/api/v1/deals": "application/json",
            "/healthz": "text/plain; charset=utf-8", "/nowhere": "text/html; charset=utf-8",
            "/api/v1/nowhere": "application/json", "/forecast/": "text/html; charset=utf-8",
        }.items():  # fmt: skip
            content = client.get(path)["Content-Type"]
            assert content == kind or content == "text/plain", (path, content)

    def test_other_sites_are_told_nothing(self, rep: User) -> None:
        client, _ = _enter(rep)
        for path in ("/deals/", "/api/v1/deals", "/events"):
            answer = client.options(path, headers={"origin": "https://evil.example"})
            assert "Access-Control-Allow-Origin" not in answer, path
            if path != "/events":
                assert "Access-Control-Allow-Origin" not in client.get(
                    path, headers={"origin": "https://evil.example"}
                )

    def test_forms_of_other_sites_are_refused(self, rep: User) -> None:
        client = signed_in(rep, enforce_csrf_checks=True)
        for path in ("/deals/new", "/account/", SIGN_IN, "/accounts/logout/", "/api/v1/deals"):
            assert client.post(path, {}).status_code in {403, 405}, path
            assert client.post(path, "{}", content_type="text/plain").status_code in {403, 405}, path
        assert _is_in(client)


class TestFields:
    """What a form does not ask for cannot be set by adding it."""

    def test_a_deal_keeps_what_no_form_sets(self, rep: User) -> None:
        other = make_rep("Other")[0]
        deal = make_deal(owner=rep.person)
        client, _ = _enter(rep)
        before = Opportunity.objects.filter(pk=deal.pk).values().get()
        more = {"field": "name", "value": "Renamed", "version": before["version"], "id": 1, "owner_id": other.pk,
                "amount_usd": "1", "is_deleted": "1", "last_version_id": "1"}  # fmt: skip
        client.post(f"/deals/{deal.pk}/edit", more)
        after = Opportunity.objects.filter(pk=deal.pk).values().get()
        changed = {name for name in after if after[name] != before[name]}
        assert "name" in changed
        assert not changed & {"owner_id", "id", "external_id", "source"}

    def test_nobody_makes_themselves_somebody_else(self, rep: User) -> None:
        client, _ = _enter(rep)
        client.post(
            "/account/",
            {
                "theme": "dark",
                "is_staff": "1",
                "is_superuser": "1",
                "roles": "ADMIN",
                "email": "x@example.com",
            },
        )
        fresh = User.objects.get(pk=rep.pk)
        assert (fresh.is_staff, fresh.is_superuser, fresh.email) == (False, False, rep.email)
        assert {grant.role for grant in fresh.role_grants.all()} == {"REP"}

    def test_of_a_name_given_twice_one_meaning_counts(self, rep: User) -> None:
        """The query of a page and the body of its form are never mixed."""
        deal = make_deal(owner=rep.person)
        client, _ = _enter(rep)
        fields = {
            "field": "name",
            "value": "From the body",
            "version": Opportunity.objects.get(pk=deal.pk).version,
        }
        client.post(f"/deals/{deal.pk}/edit?value=From+the+address&field=next_step", fields)
        assert Opportunity.objects.get(pk=deal.pk).name == "From the body"

    @pytest.mark.parametrize(
        "words",
        [
            "'; DROP TABLE opportunities_opportunity; --",
            "%' OR '1'='1",
            "\\",
            "%",
            "_",
            "(((((a+)+)+)+)+$",
        ],
    )
    def test_what_is_searched_for_is_text(self, rep: User, words: str) -> None:
        make_deal(owner=rep.person, name="Plain deal")
        client, _ = _enter(rep)
        assert client.get("/deals/", {"q": words}).status_code == 200
        found = {q: len(client.get("/api/v1/deals", {"q": q}).json()["results"]) for q in ("Plain", words)}
        assert found == {"Plain": 1, words: 0}
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM opportunities_opportunity")
            assert cursor.fetchone() == (1,)
