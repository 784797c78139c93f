"""The functions other apps stand on, once each."""

import datetime as dt
from decimal import Decimal

import pytest

from organization import selectors
from organization.domain.roles import Capability, Role
from organization.models import FiscalDay, PersonClosure
from organization.scope import scope_for
from organization.services import OrganizationError, rebuild_person_closure, set_manager
from salesops.audit.models import AuditEvent
from tests.factories.organization import TEST, make_company, make_manager, make_person, make_rep, make_user

pytestmark = pytest.mark.django_db


def test_a_company_with_a_february_year() -> None:
    facts = make_company()
    assert (facts.name, facts.corporate_currency, facts.minor_unit) == ("Testers Ltd", "USD", 2)
    year = selectors.period_named("fy27")
    assert (year.from_date, year.to_date) == (dt.date(2026, 2, 1), dt.date(2027, 2, 1))
    quarter = selectors.period_containing("QUARTER", dt.date(2026, 11, 23))
    assert quarter.name == "FY27-Q4"
    assert [p.name for p in selectors.month_periods_of(quarter)] == ["FY27-M10", "FY27-M11", "FY27-M12"]
    assert len(selectors.month_periods_of(year)) == 12
    assert selectors.neighbour(quarter, -1).name == "FY27-Q3"
    assert selectors.neighbour(quarter, 1).name == "FY28-Q1"
    assert [p.name for p in selectors.ancestors_of(selectors.period_named("FY27-M12"))] == ["FY27", "FY27-Q4"]
    assert "FY26-Q4" in [p.name for p in selectors.periods("QUARTER", around=dt.date(2026, 3, 1))]
    day = FiscalDay.objects.get(day=dt.date(2027, 1, 31))
    assert (day.year_id, day.quarter_id) == (year.id, quarter.id)


def test_tree_subtree_and_dates() -> None:
    make_company()
    boss, _, _ = make_manager("Ada")
    lead, _, _ = make_manager("Ben", manager=boss)
    rep, _, _ = make_rep("Cy", manager=lead)
    other, other_user, _ = make_manager("Dee", manager=boss)
    set_manager(person_id=rep.pk, manager_id=other.pk, from_date=selectors.now_date(), scope=TEST)
    assert selectors.subtree_ids(lead.pk) == [lead.pk]
    assert set(selectors.subtree_ids(other.pk)) == {other.pk, rep.pk}
    assert set(selectors.subtree_ids(lead.pk, at=dt.date(2020, 1, 1))) == {lead.pk, rep.pk}
    assert selectors.subtree_ids(lead.pk, at=dt.date(2020, 1, 1), organization="TODAY") == [lead.pk]
    assert selectors.direct_reports(boss.pk) == [lead.pk, other.pk]
    nodes = selectors.people_tree(TEST)
    assert [(n.name, n.depth, n.is_leaf) for n in nodes] == [
        ("Ada", 0, False), ("Ben", 1, True), ("Dee", 1, False), ("Cy", 2, True),
    ]  # fmt: skip
    assert [n.name for n in selectors.people_tree(scope_for(other_user))] == ["Dee", "Cy"]
    assert rebuild_person_closure() == 0


def test_a_cycle_is_refused_at_any_date() -> None:
    make_company()
    a, b, c = make_person("A"), make_person("B"), make_person("C")
    set_manager(person_id=b.pk, manager_id=a.pk, from_date=dt.date(2020, 1, 1), scope=TEST)
    set_manager(person_id=c.pk, manager_id=b.pk, from_date=dt.date(2021, 1, 1), scope=TEST)
    with pytest.raises(OrganizationError, match="to themselves"):
        set_manager(person_id=a.pk, manager_id=c.pk, from_date=dt.date(2019, 1, 1), scope=TEST)
    set_manager(person_id=b.pk, manager_id=None, from_date=dt.date(2022, 1, 1), scope=TEST)
    set_manager(person_id=a.pk, manager_id=c.pk, from_date=dt.date(2022, 1, 1), scope=TEST)
    assert PersonClosure.objects.filter(ancestor=b, descendant=a, depth=2).exists()


def test_scope_follows_roles() -> None:
    make_company()
    boss, boss_user, _ = make_manager()
    rep, rep_user, rep_scope = make_rep(manager=boss)
    assert rep_scope.person_ids == {rep.pk}
    assert scope_for(boss_user).person_ids == {boss.pk, rep.pk}
    assert scope_for(make_user(Role.EXECUTIVE)).everything
    finance = scope_for(make_user(Role.FINANCE))
    assert finance.won_only_everywhere
    assert not finance.everything
    assert not scope_for(make_user(Role.ADMIN)).can(Capability.VIEW_DEALS)
    rep_user.is_active = False
    assert scope_for(rep_user).person_ids == frozenset()


def test_rates_by_month_and_as_of() -> None:
    make_company(
        rates=(("EUR", dt.date(2026, 1, 1), Decimal("1.10")), ("EUR", dt.date(2026, 6, 1), Decimal("1.20")))
    )
    book = selectors.rate_book(dt.date(2026, 6, 15))
    assert book.rate("EUR", dt.date(2026, 3, 1)) == Decimal("1.10")
    assert book.rate("EUR", dt.date(2026, 9, 1)) == Decimal("1.20")
    assert book.rate("EUR", dt.date(2020, 1, 1)) == Decimal("1.10")
    assert book.is_before_first("EUR", dt.date(2020, 1, 1))
    assert book.convert(Decimal("110"), "USD", dt.date(2026, 3, 1), "EUR") == 100
    assert AuditEvent.objects.filter(verb="RECORD", object_type="exchange_rate").count() == 2
