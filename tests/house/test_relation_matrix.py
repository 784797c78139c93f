"""Route × method × viewer × relation: what somebody may do to whose is what the table of rules says, and no more.

The rules are in `relations.py`, written down and not worked out; a route that takes an object and is not there fails.
The application decides alone here: the wall in the database is down (`tests/apps/test_wall.py` holds either alone).
"""

from __future__ import annotations

import copy
import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.session import SessionStorage
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.template.backends.django import Template
from django.test import RequestFactory
from django.urls import ResolverMatch, resolve

from organization.domain.roles import Role
from organization.domain.scope import Scope
from organization.domain.tokens import TokenScope
from organization.middleware import ViewerMiddleware
from organization.models import User
from organization.scope import scope_for
from organization.selectors import memo
from organization.services import create_token, revoke_token, set_active
from salesops.audit.record import record
from salesops.sessions import SessionStore
from tests.factories.organization import TEST, signed_in
from tests.house.relations import (
    ALLOWED,
    MISSING,
    RULED,
    WITH_A_WORD,
    Ruled,
    World,
    make_world,
    may,
    relations_of,
    rows_of_deals,
)
from tests.house.test_permission_matrix import GUARDED, METHODS
from tests.writes import noticed

DONE = {200, 204, 302, 400, 409, 422, 428}
"""It was done, or looked at and found wanting: old, incomplete."""


AN_OLD_ONE = {"data": '{"amount": "5", "version": 999}', "content_type": "application/json"}
"""A change of a version that has passed: for whom it is not theirs to change, that comes first."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@dataclass
class Viewer:
    """Somebody who asks: the role the rules know them by (None: none), as whom pages know them, and a program's token."""

    name: str
    role: Role | None
    user: User | AnonymousUser
    scope: Scope
    token: str = ""
    is_known: bool = True
    """Whether the session, or on the API the token, is good."""

    def is_in(self, path: str) -> bool:
        """Whether the address knows who asks: a token counts for programs only."""
        return self.is_known and (path.startswith("/api/") or not self.token)


STRANGER = AnonymousUser()


def _by_session(name: str, role: Role | None, user: User) -> Viewer:
    """As a browser: whom the session that was begun stands for now."""
    request = RequestFactory().get("/")
    request.session = signed_in(user).session
    if name == "deactivated":
        set_active(user_id=user.pk, is_active=False, scope=TEST)
    known = get_user(request)
    return Viewer(name, role, known, scope_for(known), is_known=name != "deactivated")


def _by_token(name: str, role: Role | None, user: User, scopes: list[str]) -> Viewer:
    number, token = create_token(user_id=user.pk, name="export", scopes=scopes, days=9, scope=scope_for(user))
    if name == "deactivated, by token":
        set_active(user_id=user.pk, is_active=False, scope=TEST)
    elif name == "revoked token":
        revoke_token(token_id=number, user_id=user.pk, scope=TEST)
    is_known = not name.startswith(("deactivated", "revoked"))
    return Viewer(name, role, STRANGER, Scope(), token, is_known)


ALL = [scope.value for scope in TokenScope]
VIEWERS: dict[str, tuple[Role | None, Callable[[str, Role | None, User], Viewer]]] = {
    "stranger": (None, lambda name, role, user: Viewer(name, role, STRANGER, Scope(), is_known=False)),
    "no role": (None, _by_session),
    "deactivated": (Role.MANAGER, _by_session),
    **{role.value: (role, _by_session) for role in Role},
    **{f"{role.value}, by token": (role, lambda *whom: _by_token(*whom, ALL)) for role in Role},
    "deactivated, by token": (Role.MANAGER, lambda *whom: _by_token(*whom, ALL)),
    "revoked token": (Role.MANAGER, lambda *whom: _by_token(*whom, ALL)),
    "token for figures": (None, lambda *whom: _by_token(*whom, ["read:figures"])),
}
"""Role in the rules, and how they come in."""


def viewer_of(world: World, name: str) -> Viewer:
    """The person in the middle of the company, who comes in like this."""
    role, enters = VIEWERS[name]
    return enters(name, role, world.take_role(None if name == "no role" else role or Role.MANAGER))


@dataclass
class Cell:
    """A route and method about an object, ready to be asked by anybody."""

    route: Ruled
    method: str
    relation: str
    request: HttpRequest
    match: ResolverMatch

    def expected(self, viewer: Viewer) -> set[int]:
        """The statuses the rules allow."""
        act = self.route.acts.get(self.method)
        found = set().union(*(self._of(viewer, a) for a in ([act] if act else self.route.acts.values())))
        return found if act else found | {405}

    def _of(self, viewer: Viewer, act: str) -> set[int]:
        if not viewer.is_in(self.request.path):
            return {302, 401}
        if may(viewer.role, act, self.relation):
            return DONE
        reads = "read " + act.split(" ", 1)[1]
        if may(viewer.role, reads, self.relation):
            return {403}
        is_theirs = (viewer.role, act) in ALLOWED
        if not is_theirs and (viewer.role, reads) not in ALLOWED:
            return {403}
        absent = {WITH_A_WORD.get(act, 404), 404}
        return absent if is_theirs else absent | {403}

    def may_write(self, viewer: Viewer) -> bool:
        """Whether anything may be written: by a method that is there to, for whom the rules let."""
        act = self.route.acts.get(self.method)
        return bool(act) and self.method != "GET" and self.expected(viewer) == DONE

    def ask(self, viewer: Viewer) -> int | str:
        """The status of the answer, or the exception that nobody caught."""
        request = copy.copy(self.request)
        if viewer.token:
            request.META = {**request.META, "HTTP_AUTHORIZATION": f"Bearer {viewer.token}"}
            request.user, request.session = STRANGER, SessionStore()
            answer = ViewerMiddleware(self._view)
        else:
            request.user, request.viewer, request.session = viewer.user, viewer.scope, SessionStore()
            answer = self._view
        request._messages = SessionStorage(request)
        try:
            response = answer(request)
            if not response.streaming and hasattr(response, "render"):
                response.render()
            if response.streaming:
                b"".join(response)
        except Http404:
            return 404
        except PermissionDenied:
            return 403
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return int(response.status_code)

    def _view(self, request: HttpRequest) -> HttpResponse:
        return self.match.func(request, *self.match.args, **self.match.kwargs)


def cells_of(world: World) -> list[Cell]:
    """Every route × method × relation."""
    factory, found = RequestFactory(), []
    for route in RULED:
        for relation in relations_of(route):
            path = "/" + route.path.format(**world.things[relation])
            for method in METHODS:
                sent = {"POST": {"data": {**route.form, "seen": "{}"}}, "PATCH": AN_OLD_ONE}.get(method, {})
                request = getattr(factory, method.lower())(path, **sent)
                request._dont_enforce_csrf_checks = True
                assert request.body is not None, "read once, so that every copy has it"
                found.append(Cell(route, method, relation, request, resolve(path)))
    return found


def test_every_route_that_takes_an_object_has_its_rules() -> None:
    ruled = {resolve("/" + path.format_map(_Anything())).route for path in (r.path for r in RULED)}
    assert {route.pattern for route in GUARDED if "<" in route.pattern} == ruled


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "1"


@pytest.mark.django_db
def test_what_somebody_may_do_to_whose() -> None:
    """What the rules allow is done, all else refused; nothing raises; refusals and methods that read write nothing."""
    world = make_world()
    cells, wrong = cells_of(world), list[str]()
    assert len(cells) * len(VIEWERS) >= 50_000
    for name in VIEWERS:
        cache.clear()  # programs may ask so often a minute
        with transaction.atomic():
            wrong += _faults(viewer_of(world, name), cells)
            transaction.set_rollback(True)
    assert not wrong, f"{len(wrong)} cells\n" + "\n".join(wrong[:40])


def _faults(viewer: Viewer, cells: list[Cell]) -> Iterator[str]:
    """What is answered otherwise than the rules say. Pages are not drawn: other tests look at them."""
    with noticed() as written, patch.object(Template, "render", lambda *_: ""):
        for cell in cells:
            written.clear()
            status = _asked(cell, viewer)
            told = f"{viewer.name} {cell.method} {cell.request.path} ({cell.relation})"
            if status not in (wanted := cell.expected(viewer)):
                yield f"{told}: {status}, not {sorted(wanted)}"
            if written and not cell.may_write(viewer):
                yield f"{told}: writes {written[0][:200]}"


def _asked(cell: Cell, viewer: Viewer) -> int | str:
    """The answer; what it did is taken back. (What writes where nothing may be written fails the test.)"""
    token = memo.begin()
    try:
        if not cell.may_write(viewer):
            return cell.ask(viewer)
        with transaction.atomic():
            status = cell.ask(viewer)
            transaction.set_rollback(True)
        return status
    finally:
        memo.end(token)


@pytest.mark.django_db
def test_lists_hold_the_deals_in_reach_and_no_other() -> None:
    """Through the whole stack, walls and pages included; and a deal's own page answers alike."""
    world, before = make_world(), rows_of_deals()
    deals = {str(r): int(str(t["deal"])) for r, t in world.things.items() if r != MISSING}
    for role in Role:
        with transaction.atomic():
            client = signed_in(world.take_role(role), raise_request_exception=False)
            reads = {pk for relation, pk in deals.items() if may(role, "read a deal", relation)}
            for relation in ("own", "report", "peer", "peer, won"):
                status = client.get(f"/deals/{deals[relation]}").status_code
                none = 403 if role is Role.ADMIN else 404
                assert status == (200 if deals[relation] in reads else none), f"{role}, {relation}"
            answer = client.get("/api/v1/deals?state=all")
            told = {row["id"] for row in answer.json().get("results", ())}
            assert (answer.status_code, told) == (403 if role is Role.ADMIN else 200, reads), role
            transaction.set_rollback(True)
    assert rows_of_deals() == before, "nothing was asked for, nothing changed"


TRAIL = {Role.AUDITOR: {"deal", "person", "login"}, Role.ADMIN: {"person", "login"}}
"""Of what a role reads who did what; the others read nothing of it."""


@pytest.mark.django_db
def test_whose_trail_somebody_reads() -> None:
    """Of whatever relation: administrators read no word of deals, auditors all, the others nothing."""
    world, told_of = make_world(), {}
    for relation, kind in itertools.product(
        ("own", "report", "peer", "other branch"), ("deal", "person", "login")
    ):
        number = world.things[relation][kind]
        told_of[f"/audit/?type={kind}&id={number}"] = kind
        record(
            actor_id=None, actor_name="Ada", verb="UPDATE", object_type=kind, object_id=number,
            label="Trailed", before={"x": "1"}, after={"x": "2"},
        )  # fmt: skip
    for role in Role:
        with transaction.atomic():
            client = signed_in(world.take_role(role))
            for address, kind in told_of.items():
                answer = client.get(address)
                assert answer.status_code == (200 if role in TRAIL else 403)
                told = answer.status_code == 200 and "Trailed" in answer.content.decode()
                assert told == (kind in TRAIL.get(role, ())), f"{role} at {address}: {told}"
            transaction.set_rollback(True)
