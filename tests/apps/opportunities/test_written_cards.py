"""Cards and the queue, and sums read once for tiles and totals: the same as if each were made by itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from opportunities.domain.listing import DealQuery
from opportunities.selectors import deal_groups, deal_rows, deals, first_deals, rule_book
from opportunities.selectors.hygiene import ANY
from opportunities.views.cards import CardWriter, QueueWriter
from opportunities.views.cells import Choices, Deal
from organization.domain.scope import Scope
from organization.scope import scope_for
from tests.apps.ui.test_components import EVIL, render
from tests.factories.opportunities import make_account, make_deal
from tests.factories.organization import make_company, make_manager, make_rep

pytestmark = pytest.mark.django_db
EUR = (("EUR", dt.date(2015, 1, 1), Decimal("1.1")),)


@pytest.fixture
def boss() -> Scope:
    make_company(rates=EUR)
    person, user, _ = make_manager("Ada")
    rep, _, _ = make_rep(EVIL, manager=person)
    make_deal(rep, name=EVIL, account=make_account(EVIL), next_step=EVIL, close_date=dt.date(2020, 1, 1))
    for number, category in enumerate(("COMMIT", "UPSIDE", "PIPELINE", "PIPELINE", "OMITTED")):
        currency = "EUR" if number % 2 else "USD"
        make_deal(rep, amount=100 + number, category=category, currency=currency, next_step="")
    make_deal(rep, amount=None, category="COMMIT")
    return scope_for(user)


def _shown(boss: Scope, part: str, **changes: Any) -> Deal:
    row = next(row for row in deals(boss, DealQuery(size=0)).rows if row.name == EVIL)
    return Deal(replace(row, **changes), Choices(rule_book()), part)


def test_typed_text_stays_text(boss: Scope) -> None:
    quick = [("2027-01-01", EVIL)]
    for may_edit in (True, False):
        deal = _shown(boss, "card", may_edit=may_edit)
        card = CardWriter(owners=True).card(deal)
        item = QueueWriter(owners=True, quick=quick).write([deal])
        for html in (card, item):
            assert "<script>" not in html
            assert "&lt;script&gt;" in html
            assert (deal.edit_url in html) is may_edit


def test_the_menu_of_a_card_is_the_component(boss: Scope) -> None:
    deal = _shown(boss, "card", may_edit=True)
    component = (
        """<c-menu label="Move to" icon="ellipsis" variant="quiet">{% for value, label in moves %}"""
        """<c-menu-item data-move="{{ value }}">{% pill value label %}</c-menu-item>{% endfor %}</c-menu>"""
    )
    assert render(component, moves=deal.moves) in CardWriter(owners=True).card(deal)


def test_a_changed_card_is_the_card_of_the_board() -> None:
    make_company()
    rep, user, _ = make_rep("Ben")
    deal = make_deal(rep, name="Apollo")
    client = Client()
    client.force_login(user)
    url = reverse("opportunities:edit", args=[deal.pk]) + "?part=card"
    answer = client.post(
        url, {"field": "next_step", "value": "Call", "version": 1}, headers={"HX-Request": "true"}
    )
    board = client.get(reverse("opportunities:deals") + "?view=board").content.decode()
    assert answer.json()["row"].strip() in board


@pytest.mark.parametrize("categories", [(), ("COMMIT",), ("PIPELINE", "OMITTED")])
def test_totals_from_the_groups_of_all_are_those_read(boss: Scope, categories: tuple[str, ...]) -> None:
    query = DealQuery(categories=categories)
    groups = deal_groups(boss, replace(query, categories=()))
    assert deals(boss, query, None, groups) == deals(boss, query)


def test_the_first_deals_and_their_number(boss: Scope) -> None:
    query = DealQuery(flag=ANY, order="-amount", size=3)
    page, (rows, count) = deals(boss, query), first_deals(boss, query)
    assert (rows, count) == (page.rows, page.total_count)
    assert count > len(rows) == 3


def test_addresses_are_those_of_the_routes(boss: Scope) -> None:
    deal = _shown(boss, "card")
    assert deal.url == reverse("opportunities:deal", args=[deal.id])
    assert deal.edit_url == reverse("opportunities:edit", args=[deal.id]) + "?part=card"
    assert deal.id in deal_rows(boss, [deal.id])
