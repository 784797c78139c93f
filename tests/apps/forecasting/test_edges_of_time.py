"""Whatever instant an address asks to look back to: a page, or a sentence that says why not, and never a fault."""

from __future__ import annotations

import pytest
from django.test import Client

from opportunities.models import Account, Opportunity
from tests.apps.forecasting.conftest import NOW, Company
from tests.factories.pipeline import change

pytestmark = pytest.mark.django_db

ADDRESSES = (
    "/", "/forecast/", "/forecast/board", "/forecast/changes", "/forecast/pacing", "/forecast/figure?column=commit",
    "/forecast/figure/changes?column=commit&cause=NEW", "/forecast/figure/export?column=commit&format=csv",
    "/forecast/export?format=csv", "/forecast/my-number", "/deals/", "/deals/?view=board", "/deals/export.csv",
    "/deals/{deal}", "/accounts/{account}/deals", "/api/v1/deals", "/api/v1/deals/{deal}", "/people/", "/people/rows",
    "/people/{person}", "/quotas/", "/quotas/rows?parent={person}", "/quotas/export.csv", "/metrics/ask/",
    "/metrics/ask.csv?metric=won_amount", "/metrics/deals/?metric=won_amount", "/api/v1/figures?metric=won_amount",
)  # fmt: skip
"""Every address that looks back, and some that lead there."""
INSTANTS = (
    "0001-01-01",
    "0001-01-01T00:00",
    "0002-07-21",
    "0202-07-21T09:00",
    "9999-12-31",
    "9999-12-31T23:59",
)


@pytest.mark.parametrize("instant", INSTANTS)
def test_every_address_answers_at_the_edges_of_time(company: Company, instant: str) -> None:
    client = Client()
    client.force_login(company.executive)
    client.raise_request_exception = False
    account = Account.objects.create(name="Contoso")
    some = Opportunity.objects.earliest("pk")
    change(some.pk, NOW, account_id=account.pk)
    ids = {"deal": some.pk, "account": account.pk, "person": company.ben.pk}
    faults = []
    for address in ADDRESSES:
        path, _, query = address.format(**ids).partition("?")
        for word in ("as_of", "at", "since"):
            answer = client.get(f"{path}?{query}&{word}={instant}")
            if answer.status_code not in {200, 302, 400, 404}:
                faults.append((answer.status_code, path, word))
    assert not faults


def test_before_the_first_deal_there_is_none_and_the_page_says_as_of_when(company: Company) -> None:
    client = Client()
    client.force_login(company.executive)
    page = client.get("/deals/", {"as_of": "0002-07-21"})
    assert page.context["found"].total_count == 0
    assert "Deals as they stood on 1 Jan 1990" in page.content.decode()
