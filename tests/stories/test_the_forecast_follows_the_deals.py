"""A rep changes a deal, the manager's figure follows at once; the past stays what it was; undo restores it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.utils import timezone

from opportunities.domain.deal import NotVisible
from opportunities.models import Opportunity, OpportunityVersion
from opportunities.services import change_deal, undo
from organization.domain.roles import Role
from organization.domain.scope import Scope
from organization.models import Person
from organization.selectors import now_date
from organization.services import set_manager
from pipeline.domain.figures import FigureQuery, NotYoursError
from pipeline.models import Tree
from pipeline.rollups import differences, fold
from pipeline.selectors import node_cells
from pipeline.selectors.figures import figures

Reach = Callable[[Role], Scope]
pytestmark = pytest.mark.django_db


def committed(
    scope: Scope, person_id: int, currency: str, at: dt.datetime | None = None, **how: str
) -> Decimal:
    cells = node_cells(scope, tree=Tree.PEOPLE, node_ids=[person_id], at=at, **how)
    return sum((c.amount for c in cells if c.category == "COMMIT" and c.currency == currency), Decimal(0))


def an_upside_deal(scope: Scope) -> Opportunity:
    mine = Opportunity.objects.visible_to(scope).filter(status="OPEN", amount__isnull=False)
    return mine.exclude(category="COMMIT").order_by("id").first()


def test_the_managers_commit_moves_by_exactly_the_deal(reach: Reach) -> None:
    rep, manager = reach(Role.REP), reach(Role.MANAGER)
    deal = an_upside_deal(rep)
    assert manager.person_id is not None
    before = committed(manager, manager.person_id, deal.currency_id)
    just_before = timezone.now()

    changed = change_deal(scope=rep, deal_id=deal.pk, version=deal.version, changes={"category": "COMMIT"})

    assert committed(manager, manager.person_id, deal.currency_id) == before + deal.amount
    assert committed(manager, manager.person_id, deal.currency_id, at=just_before) == before
    assert differences() == []
    fold()
    assert committed(manager, manager.person_id, deal.currency_id) == before + deal.amount
    assert differences() == []

    undo(scope=rep, change_set_id=changed.change_set_id)
    assert committed(manager, manager.person_id, deal.currency_id) == before
    again = Opportunity.objects.get(pk=deal.pk)
    assert (again.category, again.subcategory_id, again.version) == (
        deal.category,
        deal.subcategory_id,
        deal.version + 2,
    )
    assert OpportunityVersion.objects.filter(opportunity=deal).count() == again.version


def test_nobody_reaches_into_another_team(reach: Reach) -> None:
    rep = reach(Role.REP)
    foreign = Opportunity.objects.exclude(owner_id__in=rep.person_ids).first()
    with pytest.raises(NotVisible):
        change_deal(scope=rep, deal_id=foreign.pk, version=foreign.version, changes={"next_step": "Mine now"})


def test_a_rep_who_moves_keeps_the_past_with_the_former_manager(reach: Reach) -> None:
    ops = reach(Role.OPS)
    deal = Opportunity.objects.filter(
        status="OPEN", category="COMMIT", owner__title__contains="Account Exec"
    ).first()
    rep_id, currency = deal.owner_id, deal.currency_id
    lines = Person.objects.get(pk=rep_id).reporting_lines
    former = lines.order_by("-from_date").first().manager_id
    new = Person.objects.filter(title__startswith="Sales Manager").exclude(pk=former).order_by("id").last().pk
    own = committed(ops, rep_id, currency)
    old_before, new_before = committed(ops, former, currency), committed(ops, new, currency)
    yesterday = timezone.now() - dt.timedelta(days=1)
    old_yesterday = committed(ops, former, currency, at=yesterday)
    assert own > 0

    set_manager(person_id=rep_id, manager_id=new, from_date=now_date(), scope=Scope.system("reorganisation"))

    assert committed(ops, former, currency) == old_before - own
    assert committed(ops, new, currency) == new_before + own
    assert committed(ops, former, currency, at=yesterday) == old_yesterday
    of_today = committed(ops, former, currency, at=yesterday, organization="TODAY")
    assert of_today == old_yesterday - committed(ops, rep_id, currency, at=yesterday)
    assert differences() == []


def test_the_parts_of_a_figure_sum_to_the_whole(reach: Reach) -> None:
    ops = reach(Role.OPS)
    whole = figures(ops, FigureQuery(("deal_count", "won_amount"))).sums
    for dimension in ("owner", "region", "family", "close_quarter", "process", "stage"):
        rows = figures(ops, FigureQuery(("deal_count", "won_amount"), by=(dimension,))).rows
        assert sum(row.values["deal_count"] for row in rows) == whole["deal_count"], dimension
        assert sum(row.values["won_amount"] or 0 for row in rows) == whole["won_amount"], dimension


def test_a_manager_sees_the_sum_of_the_team_and_finance_only_what_is_won(reach: Reach) -> None:
    manager, finance = reach(Role.MANAGER), reach(Role.FINANCE)
    mine = figures(manager, FigureQuery(("deal_count",))).sums["deal_count"]
    assert mine == Opportunity.objects.filter(owner_id__in=manager.person_ids, is_deleted=False).count()
    with pytest.raises(NotYoursError):
        figures(finance, FigureQuery(("deal_count",)))
    seen = figures(finance, FigureQuery(("won_count",))).sums["won_count"]
    assert seen == Opportunity.objects.filter(status="WON", is_deleted=False).count()
