"""A node's quota: assigned, or the sum of the reports', in corporate currency, as of any instant."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from organization import selectors
from organization.domain.roles import Role
from organization.scope import scope_for
from territories.models import Quota
from territories.selectors import node_quotas, quota_table
from tests.factories.organization import TEST, make_company, make_manager, make_rep, make_user, period

pytestmark = pytest.mark.django_db
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def _quota(person, name: str, amount: str, currency: str = "USD", **fields) -> Quota:
    return Quota.objects.create(
        person=person, period=period(name), amount=Decimal(amount), currency_id=currency,
        **{"recorded_at": LONG_AGO, **fields},
    )  # fmt: skip


@pytest.fixture
def team():
    make_company(rates=(("EUR", dt.date(2026, 1, 1), Decimal("1.25")),))
    boss, _, _ = make_manager("Ada")
    lead, lead_user, _ = make_manager("Ben", manager=boss)
    reps = [make_rep(name, manager=lead)[0] for name in ("Cy", "Di")]
    return boss, lead, reps, scope_for(lead_user)


def test_months_make_a_quarter_unless_it_has_its_own(team) -> None:
    boss, lead, (cy, di), _ = team
    for month, amount in (("M01", "100"), ("M02", "50.50")):
        _quota(cy, f"FY27-{month}", amount)
    _quota(di, "FY27-Q1", "80", "EUR")
    _quota(lead, "FY27-Q1", "200")
    quotas = node_quotas(TEST, [boss.pk, lead.pk, cy.pk, di.pk], selectors.period_named("FY27-Q1"))
    assert quotas[cy.pk].assigned == Decimal("150.50")
    assert quotas[di.pk].assigned == 100
    assert quotas[lead.pk].assigned == 200
    assert quotas[lead.pk].from_reports == Decimal("250.50")
    assert quotas[lead.pk].over_assignment == Decimal("50.50")
    assert quotas[boss.pk].assigned is None
    assert quotas[boss.pk].value == 200
    year = node_quotas(TEST, [boss.pk, lead.pk], selectors.period_named("FY27"))
    assert year[boss.pk].value == 200
    assert year[lead.pk].assigned == 200
    month = node_quotas(TEST, [lead.pk], selectors.period_named("FY27-M01"))
    assert month[lead.pk].value == 100


def test_as_of_then(team) -> None:
    boss, _, (cy, _), _ = team
    changed = timezone.now() - dt.timedelta(days=10)
    _quota(cy, "FY27-Q1", "100", superseded_at=changed)
    _quota(cy, "FY27-Q1", "300", recorded_at=changed)
    quarter = selectors.period_named("FY27-Q1")
    assert node_quotas(TEST, [boss.pk], quarter)[boss.pk].value == 300
    assert node_quotas(TEST, [boss.pk], quarter, changed - dt.timedelta(days=1))[boss.pk].value == 100


def test_who_sees_whose(team) -> None:
    boss, lead, (cy, _), lead_scope = team
    _quota(boss, "FY27-Q1", "900")
    _quota(cy, "FY27-Q1", "100")
    quarter, ids = selectors.period_named("FY27-Q1"), [boss.pk, lead.pk, cy.pk]
    assert set(node_quotas(lead_scope, ids, quarter)) == {lead.pk, cy.pk}
    assert set(node_quotas(scope_for(make_user(Role.FINANCE)), ids, quarter)) == set(ids)
    assert node_quotas(scope_for(make_user(Role.ADMIN)), ids, quarter) == {}


def test_the_grid_of_a_year(team) -> None:
    boss, lead, (cy, di), lead_scope = team
    _quota(cy, "FY27-Q1", "100")
    _quota(di, "FY27-Q2", "70")
    _quota(lead, "FY27-Q1", "90")
    table = quota_table(TEST, selectors.period_named("FY27"), "QUARTER")
    assert [c.name for c in table.columns] == ["FY27-Q1", "FY27-Q2", "FY27-Q3", "FY27-Q4"]
    assert [row.name for row in table.rows] == ["Ada", "Ben", "Cy", "Di"]
    assert table.footer == (Decimal(90), Decimal(70), None, None)
    ben = table.rows[1]
    assert ben.cells[0].variance == 10
    assert ben.total.value == 160
    assert [row.name for row in quota_table(lead_scope, selectors.period_named("FY27")).rows] == [
        "Ben",
        "Cy",
        "Di",
    ]
