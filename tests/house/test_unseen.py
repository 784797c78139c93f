"""Nothing is overwritten unseen: every route that writes demands to know what was seen, or is listed here with why not.

The routes come from the URLconf; one that is in neither table fails.
"""

from __future__ import annotations

import datetime as dt
import inspect
import re
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from types import CodeType, FunctionType
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import Client

from opportunities.models import Opportunity, SalesProcess, Stage, Subcategory
from opportunities.services.setup import save_process, save_stage, save_subcategory
from organization.domain.roles import Role
from organization.models import Company, ExchangeRate, FiscalCalendar, Person, Territory, User
from organization.permissions import SAFE_METHODS
from organization.selectors import manager_of, now_date
from organization.services import (
    change_person,
    correct_login,
    link_person,
    place_territory,
    set_manager,
    set_up_company,
)
from salesops.ui.meanwhile import ChangedMeanwhileError
from tests.factories.forms import seen_in
from tests.factories.opportunities import make_deal, make_process, stage_of
from tests.factories.organization import (
    TEST,
    make_company,
    make_person,
    make_territory,
    make_user,
    period,
    signed_in,
)
from tests.house.test_permission_matrix import routes

FORMS = {
    "people/<int:person_id>/edit": ("title", "Chief", "Head"),
    "users/<int:user_id>/edit": ("name", "Tim Taller", "Tim Smaller"),
    "users/<int:user_id>/person": ("person_id", "Anna", "Bert"),
    "setup/company": ("name", "Acme", "Apex"),
    "setup/territories/<int:territory_id>": ("name", "Far West", "Wild West"),
    "setup/processes/<int:process_id>": ("name", "Renewals", "Renewing"),
    "setup/processes/<int:process_id>/stages/<int:stage_id>": ("guidance", "Ask twice", "Ask once"),
    "setup/subcategories/<int:subcategory_id>": ("description", "Of partners", "Of friends"),
}
"""Forms of what exists: a field, what somebody else saves there meanwhile, and what is typed."""
STATED = {
    "people/<int:person_id>/move",
    "api/v1/deals/<int:deal_id>",
    "deals/<int:deal_id>/edit",
    "deals/<int:deal_id>/remove",
    "deals/<int:deal_id>/splits",
    "deals/bulk",
    "quotas/save",
}
"""Say in their own way what was seen; each has a test below."""
NEW = "makes something new; a press sent twice bears one key"
NOW = "says how one thing is to be; said again it changes nothing"
ADDS = "adds to what is kept: what was recorded before stays and is shown"
STEP = "one place per press, and a press sent twice bears one key"
GONE = "takes away only what nothing uses, and says when it is gone already"
BACK = "takes one act back, and leaves what was changed since"
OWN = "one's own settings"
ASKS = "writes nothing"
DRAFT = "an import on its way: it writes nothing of the company's, and each step asks whether it still may"
EXEMPT = {
    "people/new": NEW, "users/new": NEW, "setup/calendars/new": NEW, "setup/territories/new": NEW,
    "setup/processes/new": NEW, "setup/processes/<int:process_id>/stages/new": NEW, "setup/subcategories/new": NEW,
    "deals/new": NEW, "imports/new": NEW, "account/tokens/": NEW, "users/<int:user_id>/password-link": NEW,
    "setup/rates/new": ADDS, "setup/rates/import": ADDS, "quotas/import": ADDS,
    "users/<int:user_id>/role": NOW, "users/<int:user_id>/active": NOW, "users/<int:user_id>/second-step": NOW,
    "users/<int:user_id>/sign-out": NOW, "users/grants/<int:grant_id>/confirm": NOW,
    "setup/calendars/<int:calendar_id>/activate": NOW, "account/tokens/<int:token_id>/revoke": NOW,
    "system/jobs/<int:job_id>/retry": NOW, "system/jobs/<int:job_id>/cancel": NOW,
    "imports/<int:batch_id>/cancel": NOW,
    "setup/stages/<int:stage_id>/move": STEP, "setup/subcategories/<int:subcategory_id>/move": STEP,
    "setup/<str:kind>/<int:row_id>/delete": GONE, "setup/calendars/<int:calendar_id>/delete": GONE,
    "setup/currencies/<str:code>/delete": GONE, "setup/territories/<int:territory_id>/delete": GONE,
    "imports/<int:batch_id>/discard": GONE,
    "deals/undo/<int:change_set_id>": BACK, "quotas/undo/<str:token>": BACK, "imports/<int:batch_id>/undo": BACK,
    "account/": OWN, "account/display": OWN, "account/language": OWN, "account/sign-out-elsewhere": OWN,
    "forecast/fold": OWN,
    "quotas/check": ASKS,
    "imports/<int:batch_id>/match": DRAFT, "imports/<int:batch_id>/repair": DRAFT,
    "imports/<int:batch_id>/take-back": DRAFT, "imports/<int:batch_id>/confirm": DRAFT,
}  # fmt: skip
SENT = {"POST", "FILES", "form_page", "press"}
"""What the code of a view names that looks at what was sent, or whether anything was."""


def test_every_route_that_writes_says_how_it_overwrites_nothing_unseen() -> None:
    writing = {route.pattern for route in routes() if _writes(route.view)}
    known = FORMS.keys() | STATED | EXEMPT.keys()
    assert writing - known == set(), "Pass `opened` to form_page, or say above why not."
    assert known - writing == set(), "no longer there"
    assert len(known) == len(FORMS) + len(STATED) + len(EXEMPT), "in one table each"


def test_what_a_route_does_is_told_from_its_code() -> None:
    """The walk can fail: of these the first three write and the last two do not."""
    told = {route.pattern: _writes(route.view) for route in routes()}
    names = (
        "imports/<int:batch_id>/cancel",
        "setup/company",
        "api/v1/deals/<int:deal_id>",
        "deals/",
        "api/v1/deals",
    )
    assert [told[name] for name in names] == [True, True, True, False, False]


def _writes(view: Any) -> bool:
    """By the methods it admits, where it says so; else by whether its code, or what it calls beside it, reads a form."""
    while True:
        if hasattr(view, "cls"):
            return bool({method.upper() for method in view.cls.http_method_names} - SAFE_METHODS)
        admitted = inspect.getclosurevars(view).nonlocals.get("request_method_list")
        if admitted is not None:
            return bool(set(admitted) - SAFE_METHODS)
        if not hasattr(view, "__wrapped__"):
            return bool(SENT & set(_names(view, set())))
        view = view.__wrapped__


def _names(function: FunctionType, met: set[str]) -> Iterator[str]:
    if function.__qualname__ in met:
        return
    met.add(function.__qualname__)
    for name in list(_named(function.__code__)):
        yield name
        beside = function.__globals__.get(name)
        if isinstance(beside, FunctionType) and beside.__module__ == function.__module__:
            yield from _names(beside, met)


def _named(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _named(constant)
        elif isinstance(constant, str):
            yield constant


@pytest.fixture
def two() -> tuple[Client, Client]:
    """Two who may everything, in a company."""
    make_company()
    ada, eve = (signed_in(make_user(*Role, person=make_person(name))) for name in ("Ada", "Eve"))
    return ada, eve


@pytest.fixture
def rows() -> dict[str, int]:
    """What exists, by what addresses call it."""
    process = make_process()
    return {
        "person_id": make_person("Pia").pk, "user_id": make_user(Role.REP, name="Tim").pk,
        "territory_id": make_territory("West").pk, "process_id": process.pk,
        "stage_id": stage_of(process, "Negotiate").pk,
        "subcategory_id": save_subcategory(category="COMMIT", name="Partners", scope=TEST),
    }  # fmt: skip


def _address(pattern: str, rows: dict[str, int]) -> str:
    """Of something that exists."""
    return "/" + re.sub(r"<int:(\w+)>", lambda found: str(rows[found[1]]), pattern)


def _opened(client: Client, address: str) -> dict[str, Any]:
    """What a browser would send of the form as it opens."""
    page = client.get(address)
    values = {field.name: field.value() for field in page.context["form"]}
    return {
        name: "on" if value is True else value for name, value in values.items() if value not in (None, False)
    } | (seen_in(page))


@pytest.mark.django_db
def test_who_saves_second_is_told_and_loses_nothing(two: tuple[Client, Client], rows: dict[str, int]) -> None:
    """Two open a form; the second to save gets 409, the first one's value beside what was typed, and may replace it."""
    (ada, eve), people = two, {text: make_person(text).pk for text in ("Anna", "Bert")}
    for pattern, (name, theirs, mine) in FORMS.items():
        address, typed = _address(pattern, rows), {text: people.get(text, text) for text in (theirs, mine)}
        ada_has, eve_has = _opened(ada, address), _opened(eve, address)
        unsaid = {key: value for key, value in ada_has.items() if key != "seen"} | {name: typed[mine]}
        assert ada.post(address, unsaid).status_code == 428, pattern
        assert ada.post(address, unsaid | {"seen": "[1]"}).status_code == 428, pattern
        assert eve.post(address, eve_has | {name: typed[theirs]}).status_code == 302, pattern
        told = ada.post(address, ada_has | {name: typed[mine]})
        assert told.status_code == 409, pattern
        assert _opened(eve, address)[name] == typed[theirs], f"{pattern}: the first one's is kept"
        assert told.context["form"].errors[name] == [f"By now: {theirs}"], pattern
        assert str(told.context["form"][name].value()) == str(typed[mine]), pattern
        assert ada.post(address, ada_has | {name: typed[mine]} | seen_in(told)).status_code == 302, pattern
        assert _opened(eve, address)[name] == typed[mine], f"{pattern}: knowing it, one may replace it"
        assert eve.post(address, _opened(eve, address)).status_code == 302, pattern


@pytest.mark.django_db
def test_another_field_is_not_put_back_and_the_same_form_twice_is_no_conflict(
    two: tuple[Client, Client], rows: dict[str, int]
) -> None:
    ada, eve = two
    address = _address("people/<int:person_id>/edit", rows)
    ada_has, eve_has = _opened(ada, address), _opened(eve, address)
    for _ in range(2):
        assert eve.post(address, eve_has | {"title": "Chief", "is_active": ""}).status_code == 302
    told = ada.post(address, ada_has | {"email": "pia@example.com"})
    assert told.status_code == 409
    form = told.context["form"]
    assert form.errors["title"] == ["Changed meanwhile, and taken over: Chief"]
    assert form.errors["is_active"] == ["Changed meanwhile, and taken over: No"]
    assert "email" not in form.errors
    shown = {name: form[name].value() for name in ("title", "is_active", "email")}
    assert shown == {"title": "Chief", "is_active": False, "email": "pia@example.com"}, (
        "saving again takes nothing back"
    )
    bad = ada.post(address, ada_has | {"email": "nonsense"} | seen_in(told))
    assert (bad.status_code, seen_in(bad)) == (422, seen_in(told)), (
        "a slip does not make it forget what was seen"
    )


@pytest.mark.django_db
def test_a_move_previewed_before_somebody_elses_is_not_made(two: tuple[Client, Client]) -> None:
    ada, _ = two
    pia, former, new, other = (make_person(name) for name in ("Pia", "Former", "New", "Other"))
    set_manager(person_id=pia.pk, manager_id=former.pk, from_date=dt.date(2020, 1, 1), scope=TEST)
    address, move = f"/people/{pia.pk}/move", {"manager_id": new.pk, "from_date": now_date().isoformat()}
    previewed = move | seen_in(ada.post(address, move | {"step": "preview"})) | {"step": "move"}
    assert ada.post(address, move | {"step": "move"}).status_code == 428
    set_manager(person_id=pia.pk, manager_id=other.pk, from_date=now_date(), scope=TEST)
    of_another_day = ada.post(address, previewed | {"from_date": "2026-01-05"})
    assert (of_another_day.status_code, manager_of(pia.pk)) == (200, other.pk), (
        "what it brings then is shown first"
    )
    told = ada.post(address, previewed)
    assert told.status_code == 409
    assert manager_of(pia.pk) == other.pk
    assert b"instead of Other" in told.content, "what it would be by now is shown at once"
    assert ada.post(address, previewed | seen_in(told)).status_code == 302
    assert manager_of(pia.pk) == new.pk


@pytest.mark.django_db
def test_deals_splits_and_quotas_are_not_overwritten_unseen(two: tuple[Client, Client]) -> None:
    ada, owner = two[0], Person.objects.get(name="Ada")
    deal = make_deal(owner, amount=Decimal(10), name="As it was")
    path, json = f"/deals/{deal.pk}", "application/json"
    change = {"field": "name", "value": "Mine"}
    assert ada.patch(f"/api/v1{path}", {"name": "Mine"}, json).status_code == 428
    assert ada.patch(f"/api/v1{path}", {"name": "Mine", "version": deal.version + 7}, json).status_code == 409
    for action in ("edit", "remove"):
        assert ada.post(f"{path}/{action}", change).status_code == 428, action
        assert ada.post(f"{path}/{action}", change | {"version": deal.version + 7}).status_code == 409, action
    many = ada.post(
        "/deals/bulk", {"field": "next_step", "value": "Mine", "items": f"{deal.pk}:{deal.version + 7}"}
    )
    assert [refused["conflict"] for refused in many.json()["refused"]] == [True]
    assert (
        ada.post("/deals/bulk", {"field": "next_step", "value": "Mine", "items": f"{deal.pk}"}).status_code
        == 422
    )
    lines = {"person": [owner.pk], "kind": ["REVENUE"], "share": ["100"]}
    assert ada.post(f"{path}/splits", lines).status_code == 428
    assert ada.post(f"{path}/splits", lines | {"seen": "somebody else"}).status_code == 409
    version = deal.version
    deal.refresh_from_db()
    assert (deal.name, deal.next_step, deal.version, deal.is_deleted) == ("As it was", "", version, False)
    cell = {"person": owner.pk, "period": period("FY27-Q1").pk, "currency": "USD"}
    for value, status in (("10", 200), ("20", 409)):
        assert (
            ada.post("/quotas/save", {"cells": [cell | {"value": value, "seen": ""}]}, json).status_code
            == status
        )


MADE: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "people/new": (Person, {"name": "Twice", "from_date": "2026-01-01"}),
    "users/new": (User, {"name": "Twice", "email": "twice@example.com", "roles": ["REP"]}),
    "setup/calendars/new": (
        FiscalCalendar,
        {"name": "Twice", "kind": "MONTHS", "start_month": "3", "week_start": "0", "step": "define"},
    ),
    "setup/territories/new": (Territory, {"name": "Twice", "kind": "REGION"}),
    "setup/processes/new": (SalesProcess, {"name": "Twice"}),
    "setup/subcategories/new": (Subcategory, {"name": "Twice", "category": "COMMIT"}),
    "deals/new": (Opportunity, {"name": "Twice", "amount": "10", "currency": "USD"}),
    "setup/rates/new": (ExchangeRate, {"currency": "EUR", "from_date": "2026-01-01", "rate": "1.1"}),
}


@pytest.mark.django_db
def test_a_form_sent_twice_with_its_key_makes_one(two: tuple[Client, Client]) -> None:
    for pattern, (model, form) in MADE.items():
        before, sent = model._default_manager.count(), form | {"idempotency_key": f"twice:{pattern}"}
        answers = [two[0].post(f"/{pattern}", sent) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [302, 302], pattern
        assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [None, "true"], pattern
        assert model._default_manager.count() == before + 1, pattern


@pytest.mark.django_db(transaction=True)
def test_two_who_save_at_the_same_moment_do_not_overwrite_each_other() -> None:
    """The second waits for the first's lock and compares after it: what it had seen is old by then."""
    make_company()
    process, pia, tim, west = (
        make_process(),
        make_person("Pia"),
        make_user(Role.REP, name="Tim"),
        make_territory("West"),
    )
    stage, anna, bert = stage_of(process, "Negotiate"), make_person("Anna"), make_person("Bert")
    partners = save_subcategory(category="COMMIT", name="Partners", scope=TEST)
    company = Company.objects.get()
    settings = {
        "corporate_currency": company.corporate_currency_id, "time_zone": company.time_zone,
        "calendar_id": company.calendar_id, "seen": {"name": company.name},
    }  # fmt: skip
    means = {
        "status": "OPEN", "category": stage.category, "probability": stage.probability, "process_id": process.pk,
        "stage_id": stage.pk, "seen": {"name": stage.name},
    }  # fmt: skip
    link = {"user_id": tim.pk, "seen": {"person_id": ""}, "scope": TEST}
    move = {"person_id": pia.pk, "from_date": dt.date(2026, 1, 1), "seen": {"manager_id": ""}, "scope": TEST}
    person = {"person_id": pia.pk, "seen": {"title": ""}, "scope": TEST}
    login = {"user_id": tim.pk, "email": tim.email, "seen": {"name": "Tim"}, "scope": TEST}
    saves: list[Callable[[str], Any]] = [
        lambda text: save_process(name=text, process_id=process.pk, seen={"name": process.name}, scope=TEST),
        lambda text: save_stage(name=text, **means, scope=TEST),
        lambda text: save_subcategory(
            name=text, category="COMMIT", subcategory_id=partners, seen={"name": "Partners"}, scope=TEST
        ),
        lambda text: place_territory(name=text, territory_id=west.pk, seen={"name": "West"}, scope=TEST),
        lambda text: change_person(changes={"title": text}, **person),
        lambda text: correct_login(name=text, **login),
        lambda text: link_person(person_id=(anna if text == "First" else bert).pk, **link),
        lambda text: set_manager(manager_id=(anna if text == "First" else bert).pk, **move),
        lambda text: set_up_company(name=text, **settings, scope=TEST),
    ]
    assert [_at_once(save) for save in saves] == [ChangedMeanwhileError] * len(saves)
    process.refresh_from_db()
    assert process.name == "First"
    assert Stage.objects.get(pk=stage.pk).name == "First"


def _at_once(save: Callable[[str], Any]) -> type[BaseException] | None:
    """How a second one ends that begins while the first has saved and not yet committed."""
    ended: list[type[BaseException] | None] = []

    def second() -> None:
        try:
            save("Second")
            ended.append(None)
        except Exception as error:
            ended.append(type(error))
        finally:
            connections.close_all()

    other = threading.Thread(target=second)
    with transaction.atomic():
        save("First")
        other.start()
        other.join(0.15)
    other.join(20)
    return ended[0] if ended else TimeoutError
