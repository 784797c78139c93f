"""Either wall alone keeps every page clean of foreign deals, and the database's hides nothing the application shows."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from django.test import Client

from opportunities.models import Account, Opportunity
from organization.domain.scope import Scope
from organization.models import User
from organization.scope import scope_for, wall_reach
from salesops.wall import context
from tests.apps.forecasting.conftest import EARLY, IN_Q1, LATELY, Company
from tests.apps.forecasting.crawl import Answer, addresses, crawl, differing, route_of
from tests.factories.pipeline import change, deal

FOREIGN = re.compile(
    r"Foreign|\b[1-9]\d{0,2}(?:,\d{3}){2,}|[\d.]+M\b|\b[1-9]\d{6,7}\.\d{2,4}\b|<v>[1-9]\d{6,}(?:\.\d+)?</v>"
)
"""Names of foreign deals, and every way an amount of a million or more is written: those of the company are small, so
such a number is a foreign amount, or a sum with one in it."""
ROLES = ["manager", "rep", "finance"]
"""Those who read deals, but not all of them."""


def _foreign_deals(company: Company, *, won: bool) -> None:
    """Of a person whom neither the rep nor the manager reaches: open, lost and, if wanted, won, of one customer."""
    fay, account = company.world.people[5], Account.objects.create(name="Foreign account")
    for number, amount in enumerate((Decimal("1000111.11"), Decimal("2000222.22"), Decimal("3000333.33")), 1):
        row = deal(
            EARLY, owner=fay, name=f"Foreign deal {number}", amount=amount, close_date=IN_Q1, category="COMMIT",
            account=account, territory=company.world.territories[2], product=company.world.products[0],
        )  # fmt: skip
    change(row.pk - 1, LATELY, status="LOST", category="LOST")
    if won:
        change(row.pk, LATELY, status="WON", category="WON", close_date=LATELY.date())


def _client(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def _words(answer: Answer) -> str:
    """All that is written in a page or file."""
    if not answer[2].startswith(b"PK"):
        return answer[2].decode(errors="replace")
    with zipfile.ZipFile(io.BytesIO(answer[2])) as book:
        return "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))


def _told(answers: dict[str, Answer]) -> dict[str, str]:
    """The addresses at which something foreign is said, and what."""
    found = {url: FOREIGN.search(_words(answer)) for url, answer in answers.items()}
    return {url: match[0] for url, match in found.items() if match}


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
    client = _client(getattr(company, role))
    behind = crawl(client)
    monkeypatch.setattr("organization.middleware.wall_reach", lambda scope: context.SYSTEM)
    assert not differing(client, behind)
    assert len(behind) > 60


def _take_down_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application takes everybody for somebody who reads every deal; what the database is told stays the truth."""

    def overestimated(user: User) -> Scope:
        return replace(scope_for(user), everything=True)

    def truth(scope: Scope) -> context.Reach:
        return wall_reach(scope_for(User.objects.get(pk=scope.user_id)))

    monkeypatch.setattr("organization.middleware.scope_for", overestimated)
    monkeypatch.setattr("organization.middleware.wall_reach", truth)


def _take_down_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("organization.middleware.wall_reach", lambda scope: context.SYSTEM)


def _foreign_told_to(company: Company, role: str) -> dict[str, str]:
    foreign = Opportunity.objects.filter(name__startswith="Foreign").first()
    assert foreign
    about = {"deal_id": foreign.pk, "account_id": foreign.account_id, "person_id": foreign.owner_id}
    answers = crawl(_client(getattr(company, role)), addresses(about))
    broken = {route_of(url) for url, (status, _, _) in answers.items() if status >= 500}
    assert broken <= {"deals/<int:deal_id>", "deals/<int:deal_id>/"}, (
        "found by the application, not by the database"
    )
    return _told(answers)


@pytest.mark.parametrize(
    ("role", "take_down"), [*((role, _take_down_filters) for role in ROLES), ("rep", _take_down_policies)]
)
def test_either_wall_alone_keeps_foreign_deals_from_every_page(
    company: Company,
    role: str,
    take_down: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the policies one role is enough: with them down, the test above found every answer the same for each role."""
    _foreign_deals(company, won=role != "finance")
    take_down(monkeypatch)
    assert _foreign_told_to(company, role) == {}


def test_without_either_wall_foreign_deals_are_all_over_the_place(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search finds them where they are: it was the walls that held."""
    _foreign_deals(company, won=True)
    _take_down_filters(monkeypatch)
    _take_down_policies(monkeypatch)
    told = _foreign_told_to(company, "rep")
    assert len(told) > 20
    assert {
        "/deals/",
        "/forecast/",
        "/deals/export.csv",
        "/forecast/export?format=xlsx",
        "/api/v1/figures?metric=won_amount&by=owner",
    } <= set(told)
