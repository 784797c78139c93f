"""Two worlds that differ only in what a viewer may not see answer the viewer with the same bytes everywhere.

Totals, counts, sorting, paging, search, errors, files and headers are all part of an answer, so whatever leaks through
any of them is found without a test of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from django.test import Client

from opportunities.domain.splits import Split
from opportunities.models import Account, ImportBatch, Opportunity, OpportunityLine, Stage
from opportunities.services import set_splits
from organization.domain.roles import Role
from organization.domain.scope import Scope
from organization.domain.tokens import TokenScope, token_digest
from organization.models import ApiToken, Person, User
from organization.selectors.people import sees_all_people
from organization.services import create_token
from salesops.audit.record import record
from territories.models import Quota
from tests.apps.forecasting.conftest import EARLY, IN_Q1, IN_Q2, LATELY, NOW, Company, scope_of
from tests.apps.forecasting.crawl import (
    Answer,
    addresses,
    ask,
    crawl,
    differing,
    every_route,
    filled,
    route_of,
)
from tests.factories.opportunities import TEST, make_process
from tests.factories.organization import make_person, make_user, period
from tests.factories.pipeline import change, deal
from tests.house.test_permission_matrix import RULED

COUNTED = ("/setup/rates/", "/setup/territories/")
"""Said in `docs/security.md`: who sets currencies and territories up reads how many deals and quotas use each."""
REPS = {"rep", "another rep", "a rep elsewhere"}
UNSHOWN = {
    "forecast/changes": {"finance"},  # refused: it is of deals that are not won
    "forecast/figure/changes": {"finance"},
    "quotas/rows": REPS,  # who have nobody below
}
"""Route: which viewers may read it, but are shown nothing there in this small company."""
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass
class Viewer:
    """Somebody who asks: whose deals they reach, and as what; a program and a stranger as nothing."""

    client: Client
    reached: set[str] = field(default_factory=set)
    scope: Scope = field(default_factory=Scope)

    @property
    def own(self) -> dict[str, int]:
        """What routes are asked about: something the viewer reaches, where there is any."""
        deals = Opportunity.objects.visible_to(self.scope).order_by("pk")
        people = {"person_id": min(self.scope.person_ids, default=0)} if self.scope.person_ids else {}
        found = deals.values_list("pk", "account_id").first() or (1, 1)
        return {"deal_id": found[0], "account_id": found[1], **people}


@dataclass
class Hidden:
    """Numbers of what a viewer may not see, by the name that routes give them."""

    deal_id: int
    account_id: int
    person_id: int | None


def _hide(company: Company, viewer: Viewer) -> Hidden:
    """Deals in every corner, with a past, parts, customers, people, quotas and traces beyond the viewer's reach."""
    people = [person for person in company.world.people if person.name not in viewer.reached]
    secret = Account.objects.create(name="Secret account", parent=Account.objects.get(name="Shared account"))
    reads_won = viewer.scope.won_only_everywhere
    made = [_hide_deals(company, owner, secret, reads_won=reads_won) for owner in (*people, None)]
    hidden = Hidden(made[0], secret.pk, None)
    if not sees_all_people(viewer.scope):
        hidden.person_id = make_person("Secret person", manager=people[0]).pk
        Account.objects.filter(pk=secret.pk).update(owner=hidden.person_id)
    for owner in [] if reads_won else people:
        Quota.objects.filter(person=owner).delete()
        Quota.objects.create(
            person=owner, period=period("FY27-Q1"), amount=Decimal(66_666), currency_id="USD",
            recorded_at=dt.datetime(2026, 1, 15, tzinfo=dt.UTC),
        )  # fmt: skip
    _leave_traces(company, hidden.deal_id)
    return hidden


def _hide_deals(company: Company, owner: Person | None, secret: Account, *, reads_won: bool) -> int:
    """Open ones, lately come up, lost, deleted, and won unless the viewer reads those; the number of the first."""
    shared, world = Account.objects.get(name="Shared account"), company.world
    made = [
        deal(
            EARLY, owner=owner, name=f"Secret deal {number}", amount=Decimal("77777.77"), close_date=day,
            category=category, account=account, territory=world.territories[2], product=world.products[0],
            next_step="Secret step",
        )
        for number, (category, day, account) in enumerate((
            ("COMMIT", IN_Q1, secret), ("PIPELINE", None, shared), ("UPSIDE", IN_Q2, shared),
            ("COMMIT", IN_Q1, secret), ("COMMIT", IN_Q1, shared),
        ))
    ]  # fmt: skip
    for row in made:
        OpportunityLine.objects.create(
            opportunity=row, position=1, product=world.products[1], amount=Decimal(55_555)
        )
        if owner is not None:
            set_splits(scope=TEST, deal_id=row.pk, splits=[Split(owner.pk, "REVENUE", Decimal(100))])
    change(made[1].pk, LATELY, amount=Decimal("88888.88"), close_date=IN_Q1, category="COMMIT")
    change(made[2].pk, LATELY, status="LOST", category="LOST")
    change(made[3].pk, LATELY, is_deleted=True)
    if not reads_won:
        change(made[4].pk, LATELY, status="WON", category="WON", close_date=LATELY.date())
    return made[0].pk


def _leave_traces(company: Company, deal_id: int) -> None:
    """What was done to a deal and a quota, and what somebody else keeps."""
    for kind in ("deal", "quota"):
        record(
            actor_id=company.executive.pk, actor_name="Secret actor", verb="UPDATE", object_type=kind,
            object_id=deal_id, label="Secret deal", before={"amount": "1"}, after={"amount": "77777.77"},
        )  # fmt: skip
    _token_of(company.executive)


def _token_of(user: User) -> ApiToken:
    return ApiToken.objects.create(
        user=user, name="Secret token", digest=token_digest(f"of {user.pk}"), scopes=[TokenScope.READ_DEALS],
        created_at=NOW, expires_at=NOW + dt.timedelta(days=30),
    )  # fmt: skip


def _login(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def _named(company: Company, name: str) -> Person:
    return next(person for person in company.world.people if person.name == name)


def _signed_in(user: User, *reached: str) -> Viewer:
    return Viewer(_login(user), set(reached), scope_of(user))


def _as(role: Role, name: str, *below: str) -> Callable[[Company], Viewer]:
    return lambda company: _signed_in(make_user(role, person=_named(company, name)), name, *below)


def _with_token(company: Company) -> Viewer:
    _, token = create_token(
        user_id=company.rep.pk, name="Mine", scopes=[one.value for one in TokenScope], days=30,
        scope=scope_of(company.rep),
    )  # fmt: skip
    return Viewer(Client(headers={"Authorization": f"Bearer {token}"}), {"Dee"})


def _deactivated(company: Company) -> Viewer:
    client = _login(company.executive)
    User.objects.filter(pk=company.executive.pk).update(is_active=False)
    return Viewer(client)


VIEWERS: dict[str, Callable[[Company], Viewer]] = {
    "rep": lambda company: _signed_in(company.rep, "Dee"),
    "another rep": _as(Role.REP, "Eli"),
    "a rep elsewhere": _as(Role.REP, "Fay"),
    "manager": lambda company: _signed_in(company.manager, "Ben", "Dee", "Eli"),
    "another manager": _as(Role.MANAGER, "Cy", "Fay"),
    "finance": lambda company: _signed_in(company.finance),
    "admin": lambda company: _signed_in(company.admin),
    "token": _with_token,
    "deactivated": _deactivated,
    "nobody": lambda company: Viewer(Client()),
}
"""How each signs in, and whose deals it reaches."""


def _unshown(viewer: Viewer, answers: dict[str, Answer]) -> set[str]:
    """The routes whose rule lets the viewer look, but where nothing was shown. What only saves says so (405)."""
    shown = {route_of(url) for url, (status, _, _) in answers.items() if status in {200, 204, 302, 405}}
    may = {one.pattern for one in RULED if not one.rule.is_public and one.rule.allows(viewer.scope, "GET")}
    return (may & every_route()) - shown


def _assert_like_missing(viewer: Viewer, hidden: Hidden, own: dict[str, int]) -> None:
    """Every address of what is hidden is answered as that of what does not exist."""
    nothing = 987_654_321
    for pattern in sorted(every_route()):
        for name, number in vars(hidden).items():
            if number is None or f":{name}>" not in pattern:
                continue
            values = {"period_id": period("FY27-Q1").pk, **own}
            known, unknown = (filled(pattern, values | {name: one}) for one in (number, nothing))
            told, plain = ask(viewer.client, known), ask(viewer.client, unknown)
            assert told[0] == plain[0] != 200, pattern
            for part in (1, 2):
                assert str(told[part]).replace(known, unknown) == str(plain[part]), pattern


@pytest.mark.parametrize("name", VIEWERS)
def test_what_a_viewer_may_not_see_changes_no_answer(company: Company, name: str) -> None:
    account, stage = (
        Account.objects.create(name="Shared account"),
        Stage.objects.filter(process=make_process()).first(),
    )
    for row in Opportunity.objects.filter(is_deleted=False):
        change(row.pk, max(row.changed_at, EARLY), account=account, stage=stage)
    ImportBatch.objects.create(source="crm", state="DONE", created_at=EARLY)
    viewer = VIEWERS[name](company)
    own = viewer.own
    before = crawl(viewer.client, addresses(own))
    assert {route_of(url) for url in before} >= every_route()
    assert _unshown(viewer, before) == {route for route, viewers in UNSHOWN.items() if name in viewers}
    before = {url: answer for url, answer in before.items() if not url.startswith(COUNTED)}
    hidden = _hide(company, viewer)
    assert differing(viewer.client, before) == []
    _assert_like_missing(viewer, hidden, own)


def test_what_a_viewer_may_see_changes_answers(company: Company) -> None:
    """The comparison is able to tell: the same deals, where the viewer does reach them."""
    Account.objects.create(name="Shared account")
    client = _login(company.manager)
    before = crawl(client)
    _hide(company, Viewer(client, {"Ada", "Ben", "Cy", "Eli", "Fay"}))
    told = differing(client, before)
    assert {
        "/forecast/", "/deals/", "/deals/?q=secret", "/metrics/ask/", "/quotas/", "/quotas/export.xlsx", "/people/",
        "/deals/export.csv", "/forecast/export?format=xlsx", "/api/v1/deals", "/palette?q=secret",
    } <= set(told)  # fmt: skip
