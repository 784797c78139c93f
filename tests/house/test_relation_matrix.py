"""Route × method × role × relation: whose deal it is decides, and a deal out of reach answers like one that is not.

The oracle is a table of names written down here, not the reach that the application works out.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.test import Client

from opportunities.models import Opportunity
from organization.domain.roles import Role
from organization.models import Person
from organization.services import set_manager
from tests.factories.organization import TEST, make_company, make_person, make_user
from tests.factories.pipeline import change, deal

pytestmark = pytest.mark.django_db
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
RELATIONS = ("own", "report", "grand-report", "peer", "manager", "other branch", "former report", "nobody")
BELOW = {"own", "report", "grand-report"}
READS: dict[Role, set[str]] = {
    Role.REP: {"own"},
    Role.MANAGER: BELOW,
    Role.OPS: set(RELATIONS),
    Role.ADMIN: set(),
    Role.EXECUTIVE: set(RELATIONS),
    Role.FINANCE: set(),
    Role.AUDITOR: set(RELATIONS),
}
"""Whose open deals a role reads; finance reads every won one."""
WRITES = {Role.REP: {"own"}, Role.MANAGER: BELOW}
PAGES = ("/deals/{}", "/api/v1/deals/{}")
STALE = {"field": "amount", "value": "5", "version": "999"}
CHANGES = ("/deals/{}/edit", "/deals/{}/remove", "/deals/{}/splits")


@dataclass
class World:
    """The viewer, and a deal of each relation: open and won."""

    viewer: Person
    deals: dict[tuple[str, bool], int]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def world() -> World:
    make_company()
    boss = make_person("Boss")
    manager, cousin = make_person("Manager", manager=boss), make_person("Cousin", manager=boss)
    viewer, peer = make_person("Viewer", manager=manager), make_person("Peer", manager=manager)
    report = make_person("Report", manager=viewer)
    former = make_person("Former", manager=viewer)
    set_manager(person_id=former.pk, manager_id=cousin.pk, from_date=dt.date(2026, 1, 1), scope=TEST)
    grand = make_person("Grand", manager=report)
    owners = dict(zip(RELATIONS, (viewer, report, grand, peer, manager, cousin, former, None), strict=True))
    deals = {}
    for (relation, owner), won in itertools.product(owners.items(), (False, True)):
        made = deal(owner=owner, close_date=dt.date(2026, 3, 1), category="PIPELINE")
        if won:
            change(made.pk, made.changed_at + dt.timedelta(days=1), status="WON", category="WON")
        deals[relation, won] = made.pk
    return World(viewer, deals)


def _reads(role: Role, relation: str, won: bool) -> bool:
    return relation in READS[role] or (won and role is Role.FINANCE)


def _of_a_change(role: Role, *, reads: bool, writes: bool) -> set[int]:
    """What a change of an old version is answered: it is old, it is not yours, or there is none."""
    if writes:
        return {409, 422, 428}
    if role in WRITES:
        return {404}
    return {403} if reads or role is Role.ADMIN else {403, 404}


@pytest.mark.parametrize("role", Role)
def test_whose_deal_it_is_decides(world: World, role: Role) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(make_user(role, person=world.viewer), backend=BACKEND)
    before = list(Opportunity.objects.order_by("pk").values())
    wrong = []
    for (relation, won), pk in world.deals.items():
        reads, writes = _reads(role, relation, won), relation in WRITES.get(role, set())
        for page in PAGES:
            status = client.get(page.format(pk)).status_code
            wanted = {200} if reads else {403} if role is Role.ADMIN else {404}
            if status not in wanted:
                wrong.append(f"GET {page} of {relation}, won {won}: {status}, not {wanted}")
        for page in CHANGES:
            status = client.post(page.format(pk), STALE).status_code
            wanted = _of_a_change(role, reads=reads, writes=writes)
            if status not in wanted:
                wrong.append(f"POST {page} of {relation}, won {won}: {status}, not {wanted}")
    assert not wrong, "\n".join(wrong)
    assert list(Opportunity.objects.order_by("pk").values()) == before, (
        "nothing was asked for, nothing changed"
    )


@pytest.mark.parametrize("role", Role)
def test_lists_hold_the_deals_in_reach_and_no_other(world: World, role: Role) -> None:
    client = Client()
    client.force_login(make_user(role, person=world.viewer), backend=BACKEND)
    answer = client.get("/api/v1/deals?state=all")
    if role is Role.ADMIN:
        assert answer.status_code == 403
        return
    told = {row["id"] for row in answer.json()["results"]}
    assert told == {pk for (relation, won), pk in world.deals.items() if _reads(role, relation, won)}
