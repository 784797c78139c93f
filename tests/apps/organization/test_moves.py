"""Moving somebody: what changes nothing says so, and the day lies within the company's calendar."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from organization.domain.roles import Role
from organization.models import ReportingLine
from organization.selectors import manager_of, now_date
from organization.services import set_manager
from tests.factories.organization import TEST, make_company, make_person, make_user, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def ops() -> Client:
    make_company()
    return signed_in(make_user(Role.OPS, name="Olga Ops"))


def test_a_move_that_moves_nothing_says_so_and_offers_none(ops) -> None:
    boss, former = make_person("Boss"), make_person("Former")
    rep = make_person("Rep", manager=former)
    since = now_date() - dt.timedelta(days=9)
    set_manager(person_id=rep.pk, manager_id=boss.pk, from_date=since, scope=TEST)
    client, url = ops, reverse("organization:person_move", args=[rep.pk])
    data = {"manager_id": boss.pk, "from_date": now_date().isoformat(), "step": "move"}
    lines = ReportingLine.objects.count()
    for step in ("preview", "move"):
        page = client.post(url, {**data, "step": step}).content.decode()
        assert "Nothing changes: on" in page
        assert 'value="move"' not in page
    earlier = {**data, "from_date": (since - dt.timedelta(days=5)).isoformat(), "step": "preview"}
    page = client.post(url, earlier).content.decode()
    assert "instead of Former" in page, "on that day it was another one"
    assert 'value="move"' in page
    alone = client.post(reverse("organization:person_move", args=[boss.pk]), {**data, "manager_id": ""})
    assert "reports to nobody already" in alone.content.decode()
    assert ReportingLine.objects.count() == lines


@pytest.mark.parametrize("day", ["1800-01-01", "2999-01-01"])
def test_reporting_dates_lie_within_the_calendar(ops, day: str) -> None:
    boss, rep = make_person("Boss"), make_person("Rep")
    client, fields = ops, {"manager_id": boss.pk, "from_date": day, "name": "New", "step": "move"}
    for url in (reverse("organization:person_move", args=[rep.pk]), reverse("organization:person_new")):
        answer = client.post(url, fields)
        assert answer.status_code == 422
        assert (
            answer.context["form"]
            .errors["from_date"][0]
            .startswith("The company's calendar goes from 1 Feb 2014 to ")
        )
    assert manager_of(rep.pk) is None


def test_a_move_holds_until_the_next_planned_change_also_when_that_is_to_report_to_nobody() -> None:
    make_company()
    boss, other, day = make_person("Boss"), make_person("Other"), now_date()
    rep, leaves = make_person("Rep", manager=boss), day + dt.timedelta(days=30)
    set_manager(person_id=rep.pk, manager_id=None, from_date=leaves, scope=TEST)
    set_manager(person_id=rep.pk, manager_id=other.pk, from_date=day, scope=TEST)
    lines = ReportingLine.objects.filter(person=rep).order_by("from_date")
    assert list(lines.values_list("manager__name", "to_date")) == [("Boss", day), ("Other", leaves)]
