"""Whatever is sent, by whomever: no answer is an error of the server, and a refusal has written nothing.

`make fuzz-http ARGS=100000` sends so many requests instead of the few of a run of all tests.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.http import HttpResponse
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis.extra.django import TestCase

from opportunities.models import Opportunity
from organization.domain.roles import Role
from organization.domain.tokens import TokenScope
from organization.scope import scope_for
from organization.services import create_token
from tests.factories.organization import make_person, make_user, signed_in
from tests.fuzz.requests import BUTTONS, FRAGMENTS, NO_NUMBERS, USUAL, Attempt, address, attempts, fields_of
from tests.house.relations import World, make_world
from tests.house.test_permission_matrix import RULED
from tests.writes import digest, noticed

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "0"))
NOT_ASKED = {"events", "system/examination"}
"""The stream never ends; the examination waits for workers."""
ROUTES = sorted({route.pattern for route in RULED} - NOT_ASKED)
SCHEMA: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
CHANGED: dict[str, Any] = SCHEMA["components"]["schemas"]["PatchedDealChange"]["properties"]
TRACE = "Traceback (most recent call last)"


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_the_routes_include_what_the_interface_describes() -> None:
    described = {path.removeprefix("/").replace("{id}", "<int:deal_id>").replace("{deal_id}", "<int:deal_id>")
                 for path in SCHEMA["paths"]}  # fmt: skip
    assert described
    assert described <= set(ROUTES)


class Requests(TestCase):
    """To a company in which everybody has everything there is; what a request does is taken back after it."""

    world: World
    visitors: dict[str, Client]
    before: dict[str, str]
    forms: dict[str, list[tuple[str, str]]]

    @classmethod
    def setUpTestData(cls) -> None:
        """A login of each role, one with all, a program and a stranger."""
        cls.world = make_world()
        manager = cls.world.take_role(Role.MANAGER)
        everything = make_user(*Role, person=make_person("Everything"))
        cls.visitors = {role.value: signed_in(make_user(role)) for role in Role}
        cls.visitors |= {
            "MANAGER": signed_in(manager),
            "everything": signed_in(everything),
            "stranger": Client(),
        }
        _, token = create_token(
            user_id=manager.pk, name="t", scopes=list(TokenScope), days=9, scope=scope_for(manager)
        )
        cls.visitors["token"] = Client(headers={"Authorization": f"Bearer {token}"})
        cls.before, cls.forms = digest(), {}

    @given(attempts(ROUTES, sorted(CHANGED)))
    @settings(
        max_examples=REQUESTS or 250, deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an attempt is small as it is
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    def test_no_request_breaks_anything(self, attempt: Attempt) -> None:
        cache.clear()  # throttles
        body, content_type = attempt.body(self._form(attempt.route))
        path = address(attempt.route, self.world.things["own"], attempt.odd_part)
        query = "?" + urlencode(attempt.query) if attempt.query else ""
        client = self.visitors[attempt.who]
        client.handler.enforce_csrf_checks = attempt.is_forged
        with noticed() as written:
            answer = client.generic(attempt.method, path + query, body, content_type=content_type)
        event(f"{attempt.method} by {attempt.who}: {answer.status_code}")
        self._holds(answer, written)
        form = (getattr(answer, "context", None) or {}).get("form")
        if answer.status_code == 422 and form is not None and attempt.kind == "form":
            assert form.errors, "refused, and no field says why"
        if attempt.is_forged and attempt.method != "GET" and attempt.who != "token":
            assert answer.status_code in {400, 401, 403, 404, 405}, (
                f"done for another site: {answer.status_code}"
            )

    def test_a_form_in_a_character_set_nobody_reads_is_refused(self) -> None:
        """Also by the pages for errors, which would look for the form's token in it."""
        kind, client = "application/x-www-form-urlencoded; charset=utf-16", self.visitors["everything"]
        client.handler.enforce_csrf_checks = True
        assert client.get("/deals/new").status_code == 200, (
            "which gives the cookie that belongs to the form's token"
        )
        answers = [
            client.generic("POST", path, b"a=1", content_type=kind) for path in ("/deals/new", "/nowhere")
        ]
        assert [answer.status_code for answer in answers] == [400, 404]

    def _holds(self, answer: HttpResponse, written: list[str]) -> None:
        """What is promised of every answer."""
        assert answer.status_code < 500
        content = b"" if answer.streaming else answer.content
        assert TRACE.encode() not in content
        if answer.status_code >= 400 and written:
            after = digest()
            assert after == self.before, sorted(t for t in after if after[t] != self.before.get(t))

    def test_what_is_no_number_is_refused_by_every_button(self) -> None:
        """Each field of each button with what looks like a number to Python only, or to no database."""
        client, wrong = self.visitors["MANAGER"], []
        client.handler.enforce_csrf_checks = False
        for route, fields in BUTTONS.items():
            path = address(route, self.world.things["own"])
            for field, text in itertools.product(fields, NO_NUMBERS):
                form = {name: USUAL.get(name, "") for name in fields} | {field: text}
                with noticed() as written, transaction.atomic():
                    try:
                        self._holds(client.post(path, form), written)
                    except (ValueError, OverflowError, DatabaseError) as error:
                        wrong.append(f"{route}, {field}={text[:30]!r}: {error!r:.150}")
                    transaction.set_rollback(True)
        assert not wrong, "\n".join(wrong)

    def _form(self, route: str) -> list[tuple[str, str]]:
        """The fields a page of this route shows, or its button sends; looked at once."""
        if route not in self.forms:
            named = [(name, USUAL.get(name, "")) for name in BUTTONS.get(route, ())]
            page = self.visitors["everything"].get(address(route, self.world.things["own"]))
            is_page = (
                not page.streaming and page.status_code == 200 and "html" in page.headers["Content-Type"]
            )
            self.forms[route] = named + (fields_of(page.content.decode()) if is_page else [])
        return self.forms[route]

    def test_the_interface_names_the_field_it_refuses(self) -> None:
        """Each field of the description with each value that is none: taken, or refused by its name; never half."""
        deal = Opportunity.objects.get(pk=self.world.things["own"]["deal"])
        client, wrong = self.visitors["MANAGER"], []
        client.handler.enforce_csrf_checks = False
        for field in sorted(CHANGED):
            for value in FRAGMENTS:
                told = f"{field}: {value[:20]!r}"
                version = b"" if field == "version" else b'"version": %d, ' % deal.version
                body = b"{" + version + b'"%s": %s}' % (field.encode(), value)
                with noticed() as written, transaction.atomic():
                    answer = client.generic(
                        "PATCH", f"/api/v1/deals/{deal.pk}", body, content_type="application/json"
                    )
                    self._holds(answer, written)
                    transaction.set_rollback(True)
                fault = _unnamed(answer, field)
                if fault:
                    wrong.append(f"{told}: {fault}")
        assert not wrong, "\n".join(wrong)


def _unnamed(answer: HttpResponse, field: str) -> str:
    """What is wrong with the answer to a change of this one field; "" when it was taken or the refusal names it."""
    told = json.loads(answer.content)
    if answer.status_code == 200 or (field == "version" and answer.status_code in {409, 428}):
        return ""
    if answer.status_code == 400:  # no JSON: there is no field to name yet
        return "" if told.get("detail") or told.get("message") else f"400 without a word: {told}"
    named = {told.get("field")} | set(told.get("errors", {}))
    return "" if answer.status_code == 422 and field in named else f"{answer.status_code} {told}"
