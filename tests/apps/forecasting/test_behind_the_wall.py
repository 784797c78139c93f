"""The database's wall hides nothing that the application shows: every page linked to answers the same with and without."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from opportunities.models import Opportunity
from organization.models import User
from salesops.wall import context
from tests.apps.forecasting.conftest import LATELY, Company
from tests.apps.forecasting.crawl import crawl, differing
from tests.factories.pipeline import change


@pytest.mark.parametrize("role", ["manager", "rep", "finance", "admin", "executive"])
def test_every_page_says_the_same_with_and_without_the_wall(
    company: Company, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, taken = Opportunity.objects.filter(owner=company.dee, is_deleted=False).order_by("pk")[:2]
    stranger = next(
        p for p in company.world.people if p.pk not in {company.ada.pk, company.ben.pk, company.dee.pk}
    )
    change(given.pk, max(LATELY, given.changed_at), owner_id=stranger.pk)
    change(taken.pk, max(LATELY, taken.changed_at), owner_id=stranger.pk)
    change(taken.pk, max(LATELY, taken.changed_at) + dt.timedelta(days=1), owner_id=company.dee.pk)
    client = Client()
    user: User = getattr(company, role)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    behind = crawl(client)
    monkeypatch.setattr("organization.middleware.wall_reach", lambda scope: context.SYSTEM)
    assert not differing(client, behind)
    assert len(behind) > 60
