"""Logins: roles, links to choose a password, deactivation, sessions: what administrators do, and when it counts."""

import re
import secrets
from html import unescape
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape, strip_tags

from organization.domain.roles import ROLE_MEANINGS, Role
from organization.models import Person, RoleGrant, User
from organization.scope import scope_for
from organization.services import (
    NotAllowedError,
    OrganizationError,
    correct_login,
    create_login,
    save_preferences,
)
from salesops.audit.models import AuditEvent
from salesops.passwords import generated_password
from salesops.ui import formats
from salesops.ui.messages import extracted
from tests.factories.forms import save_form
from tests.factories.organization import (
    PASSWORD,
    TEST,
    make_company,
    make_person,
    make_rep,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    make_company()
    return make_user(Role.ADMIN, name="Ada Admin")


@pytest.fixture
def ops(admin):
    return make_user(Role.OPS, name="Olga Ops")


def test_powerful_roles_take_two_administrators(admin) -> None:
    second, target = make_user(Role.ADMIN, name="Bea Admin"), make_user(Role.REP, name="Tim")
    first_client, second_client = signed_in(admin), signed_in(second)
    url = reverse("organization:user_role", args=[target.pk])
    first_client.post(url, {"role": "FINANCE"})
    grant = RoleGrant.objects.get(user=target, role="FINANCE")
    assert grant.is_pending
    confirm = reverse("organization:grant_confirm", args=[grant.pk])
    assert first_client.post(confirm).status_code == 403
    for client, word, other in (
        (first_client, b"Withdraw", b"Refuse"),
        (second_client, b"Refuse", b"Withdraw"),
    ):
        for page in (reverse("organization:users"), reverse("organization:user", args=[target.pk])):
            content = client.get(page).content
            assert word in content
            assert other not in content
    assert b"Ada Admin asks" in second_client.get(reverse("organization:users")).content
    second_client.post(confirm)
    grant.refresh_from_db()
    assert not grant.is_pending
    assert grant.confirmed_by == second
    own = reverse("organization:user_role", args=[admin.pk])
    assert first_client.post(own, {"role": "OPS"}).status_code == 403
    assert not RoleGrant.objects.filter(user=admin, role="OPS").exists()


def test_deactivation_and_sign_out_count_at_the_next_request(admin) -> None:
    _, rep_user, _ = make_rep()
    rep, boss = signed_in(rep_user), signed_in(admin)
    account = reverse("organization:account")
    assert rep.get(account).status_code == 200
    boss.post(reverse("organization:user_sign_out", args=[rep_user.pk]))
    assert rep.get(account).status_code == 302
    rep = signed_in(User.objects.get(pk=rep_user.pk))
    assert rep.get(account).status_code == 200
    boss.post(reverse("organization:user_active", args=[rep_user.pk]), {"active": "0"})
    assert rep.get(account).status_code == 302
    assert boss.post(reverse("organization:user_active", args=[admin.pk]), {"active": "0"}).status_code == 403


def test_one_signs_out_elsewhere_and_stays(admin) -> None:
    here, there = signed_in(admin), signed_in(admin)
    account = reverse("organization:account")
    here.post(reverse("organization:sign_out_elsewhere"))
    assert here.get(account).status_code == 200
    assert there.get(account).status_code == 302


def test_a_login_with_a_link_to_choose_a_password(admin) -> None:
    person = make_person("Nora New")
    client = signed_in(admin)
    answer = client.post(
        reverse("organization:user_new"),
        {
            "email": "Nora@Example.com",
            "name": "Nora New",
            "person_id": person.pk,
            "roles": ["REP"],
            "password": "",
        },
    )
    assert answer.status_code == 302, answer.content
    user = User.objects.get(email="nora@example.com")
    assert Person.objects.get(pk=person.pk).user == user
    page = client.post(reverse("organization:user_password_link", args=[user.pk]))
    link = page.context["link"]
    choose = Client().get(link, follow=True)
    assert choose.status_code == 200
    assert b"password" in choose.content.lower()
    shown = reverse("organization:user", args=[user.pk])
    assert "not chosen yet" in client.get(shown).content.decode()
    chosen = {"password1": "five-plain-words-here", "password2": "five-plain-words-here"}
    Client().get(link)  # a second reader of the link changes nothing
    chooser = Client()
    chooser.post(chooser.get(link).headers["Location"], chosen)
    assert "not chosen yet" not in client.get(shown).content.decode()
    doubled = client.post(reverse("organization:user_new"), {"email": "nora@example.com", "name": "Again"})
    assert doubled.status_code == 422
    weak = client.post(
        reverse("organization:user_new"),
        {"email": "x@example.com", "name": "X", "password": "short", "roles": ["REP"]},
    )
    assert weak.status_code == 422
    assert list(weak.context["form"].errors) == ["password"]


def test_a_slip_in_name_or_address_is_corrected_and_told(admin, django_capture_on_commit_callbacks) -> None:
    tim = make_user(Role.REP, name="Tim Typpo", email="tym@example.com")
    make_user(Role.REP, email="tim@example.com")
    EmailAddress.objects.create(user=tim, email=tim.email, primary=True, verified=True)
    client, url = signed_in(admin), reverse("organization:user_edit", args=[tim.pk])
    assert "tym@example.com" in client.get(url).content.decode()
    taken = save_form(client, url, {"name": "Tim Typo", "email": "TIM@example.com"})
    assert taken.context["form"].errors["email"] == ["tim@example.com has a login already."]
    with django_capture_on_commit_callbacks(execute=True):
        assert (
            save_form(client, url, {"name": "Tim Typo", "email": "Tim.Typo@example.com"}).status_code == 302
        )
    tim.refresh_from_db()
    assert (tim.name, tim.email) == ("Tim Typo", "tim.typo@example.com")
    assert list(EmailAddress.objects.values_list("email", "primary", "verified")) == [
        ("tim.typo@example.com", True, False)
    ]
    assert [sent.to for sent in mail.outbox] == [["tym@example.com"], ["tim.typo@example.com"]]
    event = AuditEvent.objects.filter(object_type="login", verb="UPDATE").get()
    assert event.before == {"name": "Tim Typpo", "email": "tym@example.com"}
    assert event.after == {"name": "Tim Typo", "email": "tim.typo@example.com"}
    for address, is_in in (("tym@example.com", False), ("tim.typo@example.com", True)):
        answer = Client().post("/accounts/login/", {"login": address, "password": PASSWORD})
        assert (answer.status_code == 302) is is_in, address


def test_whoever_was_corrected_reads_it_once_at_the_next_sign_in(admin) -> None:
    tim = make_user(Role.REP, name="Tim Typpo", email="tym@example.com")
    signed_in(tim)
    correct_login(user_id=tim.pk, name="Tim Typo", email="tim@example.com", scope=scope_for(admin))
    save_preferences(scope=scope_for(tim), name="Timothy")
    User.objects.filter(pk=tim.pk).update(language="de")
    browser, account = Client(), reverse("organization:account")
    browser.post("/accounts/login/", {"login": "tim@example.com", "password": PASSWORD})
    with translation.override("de"):
        (on,) = AuditEvent.objects.filter(object_type="login", verb="UPDATE", actor_id=admin.pk)
        when = formats.moment_in_zone(on.at)
    told = notices(browser.get(account))
    assert len(told) == 1, told
    for words in ("Ada Admin", "tym@example.com", "tim@example.com", "Tim Typpo", "Tim Typo", when):
        assert words in told[0], told
    assert "Timothy" not in told[0], "what one changed oneself is no news"
    assert not notices(browser.get(account)), "told once"
    again = Client()
    again.post("/accounts/login/", {"login": "tim@example.com", "password": PASSWORD})
    assert not notices(again.get(account)), "nor at the sign-in after"


def notices(page: HttpResponse) -> list[str]:
    """What a page says above its content."""
    main = page.content.decode().partition('id="main"')[2]
    return [
        unescape(strip_tags(part))
        for part in re.findall(r'<div class="notice notice--warn".*?</div></div>', main, re.S)
    ]


def test_nobody_corrects_their_own_login_nor_without_the_right(admin) -> None:
    fields = {"name": "Ada", "email": "other@example.com"}
    own = reverse("organization:user_edit", args=[admin.pk])
    assert save_form(signed_in(admin), own, fields).status_code == 403
    assert (
        "Correct name"
        not in signed_in(admin).get(reverse("organization:user", args=[admin.pk])).content.decode()
    )
    with pytest.raises(NotAllowedError):
        correct_login(user_id=admin.pk, **fields, scope=make_rep()[2])
    admin.refresh_from_db()
    assert admin.name == "Ada Admin"


def test_a_login_needs_a_role(admin) -> None:
    refused = signed_in(admin).post(
        reverse("organization:user_new"), {"email": "idle@example.com", "name": "Ida Idle"}
    )
    assert refused.status_code == 422
    assert list(refused.context["form"].errors) == ["roles"]
    with pytest.raises(OrganizationError, match="at least one role"):
        create_login(email="idle@example.com", roles=[], scope=TEST)
    assert not User.objects.filter(email="idle@example.com").exists()


def test_a_blank_password_is_none_at_all(admin) -> None:
    user_id = create_login(email="blank@example.com", password="", roles=[Role.REP], scope=TEST)
    assert not User.objects.get(pk=user_id).has_usable_password()


def test_deactivating_asks_once_and_says_what_it_means(admin) -> None:
    rep = make_rep("Rita Rep")[1]
    client, url = signed_in(admin), reverse("organization:user_active", args=[rep.pk])
    assert "signed out everywhere at once" in client.get(url).content.decode()
    rep.refresh_from_db()
    assert rep.is_active, "asking is not doing"
    client.post(url)
    rep.refresh_from_db()
    assert not rep.is_active
    client.post(reverse("organization:user_role", args=[rep.pk]), {"role": "OPS"})
    assert not RoleGrant.objects.filter(user=rep, role="OPS").exists(), "who is shut out is given nothing"
    client.post(url, {"active": "1"})
    rep.refresh_from_db()
    assert rep.is_active


def test_the_list_of_ones_sessions_opens(admin) -> None:
    client = signed_in(admin)
    assert client.get(reverse("organization:account")).status_code == 200
    assert client.get(reverse("usersessions_list")).status_code == 200


def test_a_password_made_for_a_login_is_one_it_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn at random, one in some thousands is as good as the address in another order, and was refused."""
    drawn = iter(["maxe@naroh.leinad", "violet-Anchor-93-tide"])
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _size: next(drawn))
    password = generated_password(email="daniel.horan@example.com", name="Daniel Horan")
    assert password == "violet-Anchor-93-tide"
    create_login(email="daniel.horan@example.com", name="Daniel Horan", password=password, roles=[Role.REP])


def test_rules_no_password_passes_end_in_their_refusal(settings) -> None:
    settings.AUTH_PASSWORD_VALIDATORS = [
        {
            "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
            "OPTIONS": {"min_length": 99},
        }
    ]
    with pytest.raises(ValidationError, match="at least 99"):
        generated_password(email="daniel.horan@example.com")


def test_what_a_role_means_is_said_in_the_readers_language(admin) -> None:
    target = make_user(Role.REP, name="Tim")
    client = signed_in(admin)
    client.cookies["django_language"] = "de"
    page = client.get(reverse("organization:user", args=[target.pk])).content.decode()
    catalog = extracted(Path(__file__).resolve().parents[3])
    assert {meaning for meaning in ROLE_MEANINGS.values() if meaning not in catalog} == set()
    with translation.override("de"):
        for meaning in ROLE_MEANINGS.values():
            assert escape(translation.gettext(meaning)) in page
