"""Who only reads is offered what there is to read: finance won deals, nobody keys that would do nothing."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from organization.domain.roles import Role
from tests.factories.opportunities import make_deal, make_process, stage_of
from tests.factories.organization import make_company, make_person, make_rep, make_user, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance() -> Client:
    make_company()
    return signed_in(make_user(Role.FINANCE))


def test_finance_is_offered_won_deals_only(finance) -> None:
    process = make_process("New business")
    owner = make_person("Ben")
    make_deal(owner, name="Signed", process=process, stage=stage_of(process, "Won"), category="WON")
    make_deal(owner, name="Going on", process=process, stage=stage_of(process, "Propose"))
    for query in (
        {},
        {"state": "open"},
        {"state": "lost"},
        {"state": "all"},
        {"state": "open", "view": "board"},
    ):
        page = finance.get(reverse("opportunities:deals"), query)
        assert [row.name for row in page.context["found"].rows] == ["Signed"], query
        assert [state for state, _label in page.context["states"]] == ["won"]
        assert [label for _stage, label in page.context["stages"]] == ["Any stage", "Won"]
        assert [str(column.category) for column in page.context["columns"]] in ([], ["WON"])


def test_finance_is_told_why_a_list_is_empty(finance) -> None:
    page = finance.get(
        reverse("opportunities:deals"), {"state": "open", "q": "nothing like it"}
    ).content.decode()
    assert "Your role reads won deals only, and none fits these filters." in page
    assert "Show all won deals" in page
    assert "Deals you own appear here" not in page
    assert "Show all open deals" not in page


EDITING = ("Select the row", "Edit the row", "Undo the last change", "Focused or selected deals to")


def test_keys_that_change_deals_are_shown_to_who_may(finance) -> None:
    person, rep, _scope = make_rep("Ben")
    deal = make_deal(person, name="Mine")
    address, own = reverse("opportunities:deals"), reverse("opportunities:deal", args=[deal.pk])
    page = signed_in(rep).get(address).content.decode()
    assert [words for words in EDITING if words in page] == list(EDITING)
    assert '<kbd class="kbd">2</kbd>' in signed_in(rep).get(own).content.decode()
    auditor = signed_in(make_user(Role.AUDITOR))
    page = auditor.get(address).content.decode()
    assert [words for words in EDITING if words in page] == []
    assert '<kbd class="kbd">2</kbd>' not in auditor.get(own).content.decode()
    quotas = signed_in(make_user(Role.OPS)).get(reverse("territories:quotas")).content.decode()
    assert "Undo the last change" in quotas, "quotas are taken back by it too"
