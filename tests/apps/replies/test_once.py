"""A request with a key is done once: sent again it gets the first answer; a failure keeps nothing."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from opportunities.models import Opportunity, OpportunityVersion
from organization.models import User
from salesops.replies.models import KeptReply
from salesops.replies.once import forget_old
from tests.factories.opportunities import make_deal
from tests.factories.organization import make_company, make_rep

KEY = "6f9d1f0e-1c1c-4c57-9f0e-000000000001"


@pytest.fixture
def rep() -> tuple[Client, User, Opportunity]:
    """A rep signed in, with a deal."""
    make_company()
    person, user, _ = make_rep("Ben")
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client, user, make_deal(person, amount=Decimal(100))


def _patch(client: Client, deal: Opportunity, amount: str, version: int = 1, key: str = KEY):  # type: ignore[no-untyped-def]
    return client.patch(
        f"/api/v1/deals/{deal.pk}",
        {"amount": amount, "version": version},
        content_type="application/json",
        headers={"Idempotency-Key": key},
    )


def _versions(deal: Opportunity) -> int:
    return OpportunityVersion.objects.filter(opportunity_id=deal.pk).count()


@pytest.mark.django_db
def test_the_same_request_again_is_answered_and_not_done_again(rep: tuple[Client, User, Opportunity]) -> None:
    client, _, deal = rep
    first, again = _patch(client, deal, "5"), _patch(client, deal, "5")
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert _versions(deal) == 2
    without_key = client.patch(f"/api/v1/deals/{deal.pk}", {"amount": "5", "version": 1}, "application/json")
    assert without_key.status_code == 409


@pytest.mark.django_db
def test_a_refusal_is_remembered_too(rep: tuple[Client, User, Opportunity]) -> None:
    client, _, deal = rep
    assert _patch(client, deal, "5", version=9).status_code == 409
    assert _patch(client, deal, "5", version=9).headers["Idempotency-Replayed"] == "true"


@pytest.mark.django_db
def test_another_request_needs_another_key(rep: tuple[Client, User, Opportunity]) -> None:
    client, _, deal = rep
    _patch(client, deal, "5")
    refused = _patch(client, deal, "6")
    assert refused.status_code == 422
    assert "new key" in refused.json()["message"]
    assert _patch(client, deal, "6", version=2, key="short").status_code == 400
    assert _versions(deal) == 2


@pytest.mark.django_db
def test_a_key_belongs_to_one_login(rep: tuple[Client, User, Opportunity]) -> None:
    client, _, deal = rep
    mine = _patch(client, deal, "5")
    other, stranger, _ = make_rep("Eve")
    theirs = Client()
    theirs.force_login(stranger, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert mine.status_code == 200
    assert _patch(theirs, deal, "5").status_code == 404
    assert other.pk != deal.owner_id


@pytest.mark.django_db
def test_a_failure_keeps_nothing_and_may_be_tried_again(
    rep: tuple[Client, User, Opportunity], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _, deal = rep
    client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr("opportunities.views.api.DealOut", None)  # the change is made, the answer is not
        assert _patch(client, deal, "5").status_code == 500
    assert _versions(deal) == 1
    assert KeptReply.objects.count() == 0
    assert _patch(client, deal, "5").status_code == 200


@pytest.mark.django_db
def test_a_form_pressed_twice_makes_one_deal(rep: tuple[Client, User, Opportunity]) -> None:
    client, _, _ = rep
    form = {"name": "Pressed twice", "amount": "10", "currency": "USD", "idempotency_key": KEY}
    first, again = client.post("/deals/new", form), client.post("/deals/new", form)
    assert (first.status_code, again.status_code) == (302, 302), first.content[:600]
    assert first.headers["Location"] == again.headers["Location"]
    assert Opportunity.objects.filter(name="Pressed twice").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_time_do_it_once(rep: tuple[Client, User, Opportunity]) -> None:
    _, user, deal = rep
    answers = []

    def send() -> None:
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        gate.wait()
        answers.append(_patch(client, deal, "7"))
        connection.close()

    gate = threading.Barrier(4)
    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 3
    assert _versions(deal) == 2


@pytest.mark.django_db
def test_old_keys_are_forgotten(rep: tuple[Client, User, Opportunity]) -> None:
    client, _, deal = rep
    _patch(client, deal, "5")
    assert forget_old() == 0
    assert forget_old(timezone.now() + dt.timedelta(days=3)) == 1
