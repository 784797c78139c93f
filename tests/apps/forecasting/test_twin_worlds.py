"""Two worlds that differ only in what a viewer may not see answer the viewer with the same bytes everywhere.

Totals, counts, sorting, paging, search, errors and headers are all part of an answer, so whatever leaks through any
of them is found without a test of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client

from opportunities.models import Account, Opportunity
from organization.domain.roles import Role
from organization.domain.tokens import TokenScope
from organization.models import Person, User
from organization.services import create_token
from territories.models import Quota
from tests.apps.forecasting.conftest import EARLY, IN_Q1, IN_Q2, LATELY, Company, scope_of
from tests.apps.forecasting.crawl import ask, crawl, differing
from tests.factories.organization import make_user, period
from tests.factories.pipeline import change, deal

COUNTED = ("/setup/rates/", "/setup/territories/")
"""Said in `docs/security.md`: who sets currencies and territories up reads how many deals and quotas use each."""
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def _beyond(company: Company, reached: set[str]) -> list[Person | None]:
    return [*(person for person in company.world.people if person.name not in reached), None]


def _hide(company: Company, owners: list[Person | None], quota_of: list[Person]) -> list[Opportunity]:
    """Deals in every corner, with a past, and quotas: of people the viewer does not reach. None is ever won."""
    account = Account.objects.get(name="Shared account")
    made = []
    for number, owner in enumerate(owners):
        for category, day in (("COMMIT", IN_Q1), ("UPSIDE", IN_Q2), ("PIPELINE", None)):
            made.append(
                deal(
                    EARLY, owner=owner, name=f"Secret deal {number}", amount=Decimal("77777.77"),
                    close_date=day, category=category, account=account,
                    territory=company.world.territories[2], product=company.world.products[0],
                )
            )  # fmt: skip
        change(made[-1].pk, LATELY, amount=Decimal("88888.88"), close_date=IN_Q1, category="COMMIT")
        change(made[-2].pk, LATELY, status="LOST", category="LOST")
        change(made[-3].pk, LATELY, is_deleted=True)
    for person in quota_of:
        Quota.objects.filter(person=person).delete()
        Quota.objects.create(
            person=person, period=period("FY27-Q1"), amount=Decimal(66_666), currency_id="USD",
            recorded_at=dt.datetime(2026, 1, 15, tzinfo=dt.UTC),
        )  # fmt: skip
    return made


def _login(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def _named(company: Company, name: str) -> Person:
    return next(person for person in company.world.people if person.name == name)


def _as(role: Role, name: str, *below: str) -> Callable[[Company], tuple[Client, set[str]]]:
    def sign_in(company: Company) -> tuple[Client, set[str]]:
        return _login(make_user(role, person=_named(company, name))), {name, *below}

    return sign_in


def _with_token(company: Company) -> tuple[Client, set[str]]:
    scope = scope_of(company.rep)
    _, token = create_token(
        user_id=company.rep.pk, name="Mine", scopes=[one.value for one in TokenScope], days=30, scope=scope
    )
    return Client(headers={"Authorization": f"Bearer {token}"}), {"Dee"}


def _deactivated(company: Company) -> tuple[Client, set[str]]:
    client = _login(company.executive)
    User.objects.filter(pk=company.executive.pk).update(is_active=False)
    return client, set()


VIEWERS: dict[str, Callable[[Company], tuple[Client, set[str]]]] = {
    "rep": lambda company: (_login(company.rep), {"Dee"}),
    "another rep": _as(Role.REP, "Eli"),
    "a rep elsewhere": _as(Role.REP, "Fay"),
    "manager": lambda company: (_login(company.manager), {"Ben", "Dee", "Eli"}),
    "another manager": _as(Role.MANAGER, "Cy", "Fay"),
    "finance": lambda company: (_login(company.finance), set()),
    "admin": lambda company: (_login(company.admin), set()),
    "token": _with_token,
    "deactivated": _deactivated,
    "nobody": lambda company: (Client(), set()),
}
"""How each signs in, and whose deals it reaches."""


@pytest.mark.parametrize("viewer", VIEWERS)
def test_what_a_viewer_may_not_see_changes_no_answer(company: Company, viewer: str) -> None:
    account = Account.objects.create(name="Shared account")
    for row in Opportunity.objects.filter(is_deleted=False):
        change(row.pk, max(row.changed_at, EARLY), account=account)
    client, reached = VIEWERS[viewer](company)
    before = {url: answer for url, answer in crawl(client).items() if not url.startswith(COUNTED)}
    owners = _beyond(company, reached)
    reads_all_quotas = viewer == "finance"
    hidden = _hide(
        company, owners, [] if reads_all_quotas else [owner for owner in owners if owner is not None]
    )
    assert differing(client, before) == []
    # and the address of one that exists answers as the address of none
    nothing = hidden[-1].pk + 1000
    for path in ("/deals/{}", "/deals/{}/edit", "/deals/{}/splits", "/api/v1/deals/{}"):
        known, unknown = (ask(client, path.format(number)) for number in (hidden[0].pk, nothing))
        assert known[0] == unknown[0] != 200
        assert str(known[2]).replace(str(hidden[0].pk), "N") == str(unknown[2]).replace(str(nothing), "N")


def test_what_a_viewer_may_see_changes_answers(company: Company) -> None:
    """The comparison is able to tell: the same deals, where the viewer does reach them."""
    Account.objects.create(name="Shared account")
    client = _login(company.manager)
    before = crawl(client)
    _hide(company, [_named(company, "Dee")], [_named(company, "Dee")])
    told = differing(client, before)
    assert {
        "/forecast/",
        "/deals/",
        "/metrics/ask/",
        "/quotas/",
        "/deals/export.csv",
        "/api/v1/deals",
    } <= set(told)
