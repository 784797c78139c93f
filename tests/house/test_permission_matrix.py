"""Every route carries a rule of who may use it, and every cell route × method × set of roles answers as declared.

The routes come from the URLconf itself: a page added without a rule fails here, as does a rule that is not kept.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import get_converters

from organization import permissions
from organization.domain.roles import Role, capabilities_of
from organization.domain.scope import Scope
from organization.domain.tokens import TokenScope
from organization.permissions import SAFE_METHODS, AccessRule, requires
from organization.scope import scope_for
from organization.services import create_token, revoke_token, set_active
from tests.factories.organization import (
    TEST,
    make_company,
    make_manager,
    make_person,
    make_rep,
    make_user,
    signed_in,
)
from tests.writes import noticed

BY_OTHERS = ("admin/", "i18n/")
"""Routes of libraries that guard themselves: Django's admin (staff only), choosing a language; and signing in, below."""
OPEN = {"healthz", "readyz", "metrics", "version"}
"""Machines ask these; `metrics` guards itself by address and token."""
SIGNED_IN_ONLY = {"api/schema", "api/docs/", "palette", "styleguide", "styleguide/drawer"}
"""Routes of layers below the roles, which ask for a login themselves; tested below by an anonymous request."""


@dataclass(frozen=True)
class Route:
    """One pattern of the URLconf with its view and rule."""

    pattern: str
    view: object
    rule: AccessRule | None


def _walk(resolver: URLResolver, prefix: str = "") -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry, pattern)
        elif isinstance(entry, URLPattern):
            view = entry.callback
            yield Route(pattern, view, getattr(view, "access_rule", None))


def routes() -> list[Route]:
    """Every route of ours. (Customers are at `accounts/`, too: not all that is there is for signing in.)"""
    signing_in = {f"accounts/{route.pattern}" for route in _walk(get_resolver("allauth.urls"))}
    return [
        route
        for route in _walk(get_resolver())
        if not route.pattern.startswith(BY_OTHERS) and route.pattern not in OPEN | SIGNED_IN_ONLY | signing_in
    ]


RULED = [route for route in routes() if route.rule is not None]
GUARDED = [route for route in RULED if not route.rule.is_public]


def test_every_route_carries_a_rule() -> None:
    bare = [route.pattern for route in routes() if route.rule is None]
    assert not bare, f"Decorate these views with organization.permissions.requires or public: {bare}"


def test_there_are_routes_to_check() -> None:
    assert len(RULED) > 40


def test_every_rule_names_a_capability_somebody_has() -> None:
    everything = capabilities_of(frozenset(Role))
    for route in RULED:
        wanted = set(route.rule.read) | set(route.rule.write)
        assert route.rule.is_public or wanted, f"{route.pattern} asks for nothing"
        assert wanted <= everything, f"{route.pattern} asks for a right that no role has"


def _address(pattern: str) -> str:
    """An address that fits the pattern, about objects that do not exist."""
    samples = {"int": "999999999", "str": "nothing", "slug": "nothing", "path": "nothing", "uuid": str(_UUID)}
    text = pattern
    for name, _converter in get_converters().items():
        while f"<{name}:" in text:
            start = text.index(f"<{name}:")
            text = text[:start] + samples.get(name, "nothing") + text[text.index(">", start) + 1 :]
    while "<" in text:
        start = text.index("<")
        text = text[:start] + "nothing" + text[text.index(">", start) + 1 :]
    return "/" + text


_UUID = "00000000-0000-4000-8000-000000000000"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ROLES = [None, *Role]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of requests need no log."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def _only_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind each guard stands nothing that could fail: what raises is the guard itself, and fails the test."""
    monkeypatch.setattr(permissions, "answer_once", lambda *_: HttpResponse("passed"))


def _ask(route: Route, method: str, scope: object | None) -> int:
    """The status of the guard's answer, without middleware, database or view; 200 from whoever it lets pass."""
    request = RequestFactory().generic(method, _address(route.pattern))
    request.user = SimpleNamespace(is_authenticated=scope is not None)
    request.viewer = scope
    try:
        return route.view(request).status_code
    except PermissionDenied:
        return 403


ROLE_SETS = [
    frozenset(roles) for number in (0, 1, 2, len(Role)) for roles in itertools.combinations(Role, number)
]
"""No role, each, each with each other, all. (Whose things they reach: `test_relation_matrix.py`.)"""


@pytest.mark.usefixtures("_only_guards")
@pytest.mark.parametrize("method", METHODS)
def test_the_guard_decides_every_cell(method: str) -> None:
    """Route × method × set of roles: who lacks the right gets 403 before the view looks at anything, others pass."""
    for route, roles in itertools.product(GUARDED, ROLE_SETS):
        wanted = set(route.rule.read if method in SAFE_METHODS else route.rule.write)
        may = bool(capabilities_of(roles) & wanted)
        status = _ask(route, method, Scope(user_id=1, roles=roles))
        assert status in ({200, 405} if may else {403, 405}), (
            f"{sorted(roles)} {method} {route.pattern}: {status}"
        )


@pytest.mark.usefixtures("_only_guards")
def test_strangers_are_sent_to_sign_in_everywhere() -> None:
    for route, method in itertools.product(GUARDED, METHODS):
        assert _ask(route, method, None) in {302, 401, 405}, f"{method} {route.pattern}"


def _no_longer_welcome() -> dict[str, tuple[Client, dict[str, str]]]:
    """Whoever came in and must be out: the browser or program, and what it sends along."""
    _, gone, _ = make_manager()
    _, other, scope = make_manager()
    scopes = [scope.value for scope in TokenScope]
    browser, tokens = signed_in(gone), {}
    for name, user in (("deactivated", gone), ("revoked", other), ("on a page", other)):
        number, token = create_token(user_id=user.pk, name=name, scopes=scopes, days=9, scope=scope_for(user))
        tokens[name] = {"Authorization": f"Bearer {token}"}
        if name == "revoked":
            revoke_token(token_id=number, user_id=user.pk, scope=scope)
    set_active(user_id=gone.pk, is_active=False, scope=TEST)
    return {"session of a deactivated login": (browser, {})} | {
        f"token: {name}": (Client(), sent) for name, sent in tokens.items()
    }


@pytest.mark.django_db
def test_who_is_no_longer_welcome_gets_in_nowhere() -> None:
    """Through the whole stack, every route: the session of a deactivated login, its token, a revoked one, and a good
    token on the pages, where none counts."""
    make_company()
    wrong = []
    for (name, (client, sent)), route in itertools.product(_no_longer_welcome().items(), GUARDED):
        is_program = route.pattern.startswith(("api/", "events"))
        if name == "token: on a page" and is_program:
            continue
        for method in ("get", "post"):
            answer = getattr(client, method)(_address(route.pattern), headers=sent)
            is_out = answer.status_code == 401 or "/accounts/login/" in answer.headers.get("Location", "")
            if not is_out and answer.status_code != 405:
                wrong.append(f"{name} {method} {route.pattern}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES[1:], ids=lambda role: role.value)
def test_cells_with_the_right_answer(role: Role) -> None:
    """Through the whole stack, about objects that do not exist: a page, a 404 or a refused form; never 403 or 5xx."""
    make_company()
    user = make_user(role, person=make_person("Viewer"))
    client = Client(raise_request_exception=False)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    rights = capabilities_of(frozenset([role]))
    faults = []
    for route in RULED:
        if route.rule.is_public or _streams(route) or not rights & set(route.rule.read):
            continue
        with noticed() as written:
            answer = client.get(_address(route.pattern))
        if answer.status_code not in {200, 302, 400, 404, 405}:
            faults.append(f"{role} GET {route.pattern}: {answer.status_code}")
        faults += [f"{role} GET {route.pattern} changes: {sql[:200]}" for sql in written]
    assert not faults, "\n".join(faults)


PARAMETERS = (
    "q", "actor", "verb", "type", "id", "from", "to", "role", "state", "year", "grain", "as_of", "at", "by", "node",
    "closing", "category", "owner", "stage", "sort", "flag", "view", "parent", "kind", "field", "period", "metric",
    "page", "size", "who", "open", "level",
)  # fmt: skip
"""Names that pages read from their address."""


def _who_may_everything() -> Client:
    """Signed in with every role; what breaks is an answer."""
    make_company()
    user = make_user(*Role, person=make_person("Viewer"))
    client = Client(raise_request_exception=False)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.mark.django_db
def test_no_character_in_an_address_breaks_a_page() -> None:
    """NUL in every value, and numbers that are none, through the whole stack: the database would refuse them."""
    client = _who_may_everything()
    queries = [
        *(
            "&".join(f"{name}={text}" for name in PARAMETERS)
            for text in ("%00", "x%00", "9" * 5000, "%C2%B2")
        ),
        "%00=1",
    ]
    addresses = [f"{_address(r.pattern)}?{query}" for r in RULED if not _streams(r) for query in queries]
    broken = [address for address in addresses if client.get(address).status_code >= 500]
    assert not broken, broken
    assert client.get("/users/?q=Vie%00wer").context["q"] == "Viewer", "what was meant is still found"


@pytest.mark.django_db
def test_empty_posts_are_refused_politely() -> None:
    """Nothing breaks for whoever may do everything and sends nothing."""
    client = _who_may_everything()
    answers = {r.pattern: client.post(_address(r.pattern)).status_code for r in RULED if not _streams(r)}
    broken = {pattern: status for pattern, status in answers.items() if status >= 500}
    assert not broken


def _streams(route: Route) -> bool:
    """The event stream never ends; its rule is tested with its app."""
    return route.pattern == "events"


@pytest.mark.django_db
def test_a_deactivated_login_is_a_stranger() -> None:
    make_company()
    _, user, _ = make_manager()
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/account/").status_code == 200
    user.is_active = False
    user.save()
    assert client.get("/account/").status_code == 302
    assert scope_for(user) == Scope()


@pytest.mark.django_db
def test_a_foreign_object_looks_like_a_missing_one() -> None:
    """Charlie, of another branch, gets for every person and quota of mine what a nonexistent one gives."""
    make_company()
    mine, _, _ = make_rep("Mine", manager=make_manager("Boss")[0])
    _, charlie, _ = make_manager("Charlie")
    client = Client()
    client.force_login(charlie, backend="allauth.account.auth_backends.AuthenticationBackend")
    for path in ("/people/{}", "/quotas/cell/{}/1"):
        foreign, missing = client.get(path.format(mine.pk)), client.get(path.format(999_999_999))
        assert foreign.status_code == missing.status_code == 404, path
        assert _plain(foreign) == _plain(missing).replace("999999999", str(mine.pk)), path


def _plain(answer: HttpResponse) -> str:
    """The body without what differs by chance: the form tokens."""
    return "\n".join(line for line in answer.content.decode().splitlines() if "csrf" not in line.lower())


@pytest.mark.django_db
def test_programs_are_refused_in_json() -> None:
    """Every address below /api/ whose whole area is closed, to strangers and to roles without the right."""
    make_company()
    addresses = {_address(route.pattern) for route in RULED if route.pattern.startswith("api/")}
    assert {"/api/v1/deals", "/api/v1/figures", "/api/v1/metrics"} <= addresses
    admin = Client()
    admin.force_login(make_user(Role.ADMIN), backend="allauth.account.auth_backends.AuthenticationBackend")
    for client, status in ((admin, 403), (Client(), 401)):
        for address, ask in itertools.product(addresses, (client.get, client.patch, client.post)):
            answer = ask(address)
            assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json"), (
                address
            )
            assert set(answer.json()) == {"message"}, address


@pytest.mark.parametrize("path", sorted(SIGNED_IN_ONLY))
@pytest.mark.django_db
def test_what_lies_below_the_roles_is_for_people_with_a_login(path: str) -> None:
    assert Client().get("/" + path).status_code in {302, 401, 403, 404}


def test_a_view_without_a_rule_would_be_found() -> None:
    """The checks can fail: a bare view has no rule, and an unguarded one lets a stranger in."""

    def bare(request: object) -> HttpResponse:
        return HttpResponse()

    assert getattr(bare, "access_rule", None) is None
    assert _ask(Route("bare", bare, AccessRule()), "GET", None) == 200


def test_a_guard_that_fails_is_no_guard_that_lets_pass() -> None:
    @requires(permissions.Capability.VIEW_DEALS)
    def guarded(request: object) -> HttpResponse:
        return HttpResponse()

    with pytest.raises(AttributeError):
        _ask(Route("deals", guarded, guarded.access_rule), "GET", object())


@pytest.mark.django_db
def test_whoever_is_not_signed_in_is_sent_there_from_the_page_for_programmers() -> None:
    answer = Client().get("/api/docs/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/login/?next=/api/docs/")
