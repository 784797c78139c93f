"""Somebody lost the telephone and the recovery codes: an administrator helps, on record, and the person is told."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core import mail
from django.urls import reverse

from organization.domain.roles import Role
from organization.models import User
from salesops.audit.models import AuditEvent
from tests.factories.organization import make_company, make_rep, make_user, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def rep() -> User:
    make_company()
    user: User = make_rep("Ben")[1]
    TOTP.activate(user, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(user)
    return user


@pytest.fixture
def admin(rep: User) -> User:
    return make_user(Role.ADMIN)


def test_it_is_asked_removed_recorded_and_told(
    rep: User, admin: User, django_capture_on_commit_callbacks
) -> None:
    boss, own = signed_in(admin), signed_in(rep)
    page, address = (reverse(f"organization:{name}", args=[rep.pk]) for name in ("user", "user_second_step"))
    assert address in boss.get(page).content.decode()
    assert "voice or face" in boss.get(address).content.decode()
    assert Authenticator.objects.filter(user=rep).count() == 2, "removed by looking"
    with django_capture_on_commit_callbacks(execute=True):
        assert boss.post(address).status_code == 302
    assert not Authenticator.objects.filter(user=rep).exists()
    assert own.get("/account/").status_code == 302, "still signed in"
    assert address not in boss.get(page).content.decode()
    event = AuditEvent.objects.get(verb="REMOVE_SECOND_STEP")
    assert (event.actor_id, event.object_id, event.before) == (
        admin.pk, str(rep.pk), {"second_step": ["recovery_codes", "totp"]},
    )  # fmt: skip
    assert "JBSWY" not in str(event.before)
    (told,) = mail.outbox
    assert told.to == [rep.email]
    assert "removed your second step" in told.body


def test_nobody_removes_their_own_this_way_or_without_being_an_administrator(rep: User, admin: User) -> None:
    TOTP.activate(admin, "JBSWY3DPEHPK3PXP")
    own = reverse("organization:user_second_step", args=[admin.pk])
    assert own not in signed_in(admin).get(reverse("organization:user", args=[admin.pk])).content.decode()
    signed_in(admin).post(own)
    for role in (Role.OPS, Role.EXECUTIVE, Role.AUDITOR):
        address = reverse("organization:user_second_step", args=[rep.pk])
        assert signed_in(make_user(role)).post(address).status_code == 403
    assert Authenticator.objects.filter(user=admin).count() == 1
    assert Authenticator.objects.filter(user=rep).count() == 2
