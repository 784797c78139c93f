"""Tokens of programs: as far as they go, never further than their owner, over at once when revoked."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from organization.domain.roles import Role, capabilities_of
from organization.domain.tokens import TokenScope, granted
from organization.models import ApiToken, RoleGrant, User
from organization.scope import scope_for
from organization.services import OrganizationError, create_token, revoke_token, set_active
from salesops.audit.models import AuditEvent
from salesops.replies.models import KeptReply
from tests.factories.opportunities import make_deal
from tests.factories.organization import TEST, make_company, make_manager, make_rep, make_user

pytestmark = pytest.mark.django_db
ALL = [scope.value for scope in TokenScope]


@pytest.fixture
def rep() -> User:
    make_company()
    return make_rep("Ben", manager=make_manager("Ada")[0])[1]


def token_of(user: User, scopes: list[str], days: int = 30) -> tuple[int, str]:
    return create_token(user_id=user.pk, name="export", scopes=scopes, days=days, scope=scope_for(user))


def ask(token: str, path: str = "/api/v1/deals", method: str = "get", **more: object):  # type: ignore[no-untyped-def]
    client = Client(enforce_csrf_checks=True)
    return getattr(client, method)(path, headers={"Authorization": f"Bearer {token}"}, **more)


def test_a_program_reads_what_its_owner_sees(rep: User) -> None:
    mine, foreign = make_deal(rep.person), make_deal(make_rep("Eve")[0])
    _, token = token_of(rep, ["read:deals"])
    assert [row["id"] for row in ask(token).json()["results"]] == [mine.pk]
    assert ask(token, f"/api/v1/deals/{foreign.pk}").status_code == 404
    assert ask(token, "/events/poll").status_code == 200


def test_it_goes_no_further_than_its_scopes(rep: User) -> None:
    deal = make_deal(rep.person, amount=Decimal(10))
    change = {"data": {"amount": "5", "version": 1}, "content_type": "application/json"}
    _, reads = token_of(rep, ["read:deals"])
    _, writes = token_of(rep, ["write:deals"])
    _, figures = token_of(rep, ["read:figures"])
    assert ask(reads, f"/api/v1/deals/{deal.pk}", "patch", **change).status_code == 403
    assert ask(writes, f"/api/v1/deals/{deal.pk}", "patch", **change).status_code == 200
    assert ask(reads, "/api/v1/figures?metric=won_amount").status_code == 403
    assert ask(figures, "/api/v1/figures?metric=won_amount").status_code == 200
    assert ask(figures).status_code == 403


def test_pages_know_no_tokens_and_addresses_carry_none(rep: User) -> None:
    _, token = token_of(rep, ALL)
    for path in ("/account/tokens/", "/deals/", "/account/"):
        assert ask(token, path).status_code == 302
    assert Client().get(f"/api/v1/deals?token={token}&access_token={token}").status_code in {302, 401}


@pytest.mark.parametrize("how", ["revoked", "expired", "deactivated", "garbled"])
def test_it_ends_at_once(rep: User, how: str) -> None:
    number, token = token_of(rep, ALL)
    assert ask(token).status_code == 200
    if how == "revoked":
        revoke_token(token_id=number, user_id=rep.pk, scope=scope_for(rep))
    elif how == "expired":
        past = timezone.now() - dt.timedelta(seconds=1)
        ApiToken.objects.update(created_at=past - dt.timedelta(days=1), expires_at=past)
    elif how == "deactivated":
        set_active(user_id=rep.pk, is_active=False, scope=TEST)
    refused = ask(token + "x" if how == "garbled" else token)
    assert refused.status_code == 401
    assert refused.json() == {"message": "The token is unknown, revoked or expired."}
    signed_in = Client()
    signed_in.force_login(
        make_user(Role.EXECUTIVE), backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    assert signed_in.get("/api/v1/deals", headers={"Authorization": f"Bearer {token}x"}).status_code == 401


def test_a_lost_role_counts_at_the_next_request(rep: User) -> None:
    _, token = token_of(rep, ALL)
    RoleGrant.objects.filter(user=rep).update(revoked_at=timezone.now())
    assert ask(token).status_code == 403


def test_what_may_be_asked_for(rep: User) -> None:
    for scopes, days in (([], 10), (["admin"], 10), (["read:deals"], 91), (["read:deals"], 0)):
        with pytest.raises(OrganizationError):
            token_of(rep, scopes, days)
    everything = granted(ALL)
    assert not everything & (
        capabilities_of(frozenset({Role.ADMIN})) - capabilities_of(frozenset({Role.REP}))
    )
    assert granted(["read:everything"]) == frozenset()


def test_only_a_digest_is_kept_and_it_is_shown_once(rep: User) -> None:
    client = Client()
    client.force_login(rep, backend="allauth.account.auth_backends.AuthenticationBackend")
    form = {"name": "nightly export", "scopes": ["read:deals"], "days": "30", "idempotency_key": "k" * 16}
    page = client.post("/account/tokens/", form)
    token = page.context["made"]
    assert token in page.content.decode()
    assert ask(token).status_code == 200
    assert token not in client.get("/account/tokens/").content.decode()
    for stored in (
        *ApiToken.objects.values_list(),
        *AuditEvent.objects.values_list(),
        *KeptReply.objects.values_list(),
    ):
        assert not any(token in str(bytes(v) if isinstance(v, memoryview) else v) for v in stored)
    kept = ApiToken.objects.get()
    client.post(f"/account/tokens/{kept.pk}/revoke")
    assert ask(token).status_code == 401


def test_nobody_revokes_anothers(rep: User) -> None:
    number, token = token_of(rep, ALL)
    other = Client()
    other.force_login(make_user(Role.ADMIN), backend="allauth.account.auth_backends.AuthenticationBackend")
    other.post(f"/account/tokens/{number}/revoke")
    assert ask(token).status_code == 200
