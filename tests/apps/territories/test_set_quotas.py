"""Quotas are appended, never overwritten; a stale save changes nothing; a save can be taken back."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from organization.domain.roles import Role
from organization.scope import scope_for
from organization.selectors import period_named
from salesops.audit.models import AuditEvent
from territories.domain.quotas import QuotaChange
from territories.models import Quota
from territories.selectors import node_quotas, quota_history
from territories.services import QuotaError, set_quotas, undo_quotas
from tests.factories.organization import (
    TEST,
    make_company,
    make_manager,
    make_person,
    make_rep,
    make_user,
    period,
)

pytestmark = pytest.mark.django_db


def _change(person, name: str, amount: str | None, **fields) -> QuotaChange:
    value = Decimal(amount) if amount is not None else None
    return QuotaChange(person.pk, period(name).pk, value, fields.pop("currency", "USD"), **fields)


@pytest.fixture
def ops():
    make_company()
    return scope_for(make_user(Role.OPS, name="Olga"))


def test_a_change_supersedes_and_is_audited(ops) -> None:
    rep = make_person("Cy")
    first = set_quotas(scope=ops, items=[_change(rep, "FY27-Q1", "100"), _change(rep, "FY27-Q2", "200")])
    assert first.changed == 2
    assert set_quotas(scope=ops, items=[_change(rep, "FY27-Q1", "100.00")]).changed == 0
    set_quotas(scope=ops, items=[_change(rep, "FY27-Q1", "150")])
    history = quota_history(ops, rep.pk, period("FY27-Q1").pk)
    assert [(event.amount, event.actor_name) for event in history] == [(150, "Olga"), (100, "Olga")]
    assert history[1].superseded_at == history[0].recorded_at
    event = AuditEvent.objects.filter(object_type="quota").last()
    assert event.label == "Cy, FY27-Q1"
    assert (Decimal(event.before["amount"]), event.after["amount"]) == (100, "150")


def test_undo_restores_each_cell_and_refuses_when_changed_since(ops) -> None:
    rep = make_person("Cy")
    set_quotas(scope=ops, items=[_change(rep, "FY27-Q1", "100")])
    save = set_quotas(
        scope=ops,
        items=[_change(rep, "FY27-Q1", None), _change(rep, "FY27-Q2", "5"), _change(rep, "FY27-Q3", "7")],
    )
    assert node_quotas(ops, [rep.pk], period_named("FY27"))[rep.pk].value == 12
    assert undo_quotas(scope=ops, token=save.token) == 3
    assert node_quotas(ops, [rep.pk], period_named("FY27"))[rep.pk].value == 100
    with pytest.raises(QuotaError, match="changed since"):
        undo_quotas(scope=ops, token=save.token)
    with pytest.raises(QuotaError, match="no such save"):
        undo_quotas(scope=ops, token="yesterday")


def test_a_stale_cell_stops_the_whole_save(ops) -> None:
    rep = make_person("Cy")
    set_quotas(scope=ops, items=[_change(rep, "FY27-Q1", "100")])
    seen = Quota.objects.get()
    set_quotas(scope=ops, items=[_change(rep, "FY27-Q1", "120")])
    result = set_quotas(
        scope=ops,
        items=[
            _change(rep, "FY27-Q1", "130", expected_id=seen.pk, is_checked=True),
            _change(rep, "FY27-Q2", "9", expected_id=None, is_checked=True),
        ],
    )
    assert result.changed == 0
    assert [(c.label, c.theirs, c.yours) for c in result.conflicts] == [("Cy, FY27-Q1", 120, 130)]
    assert not Quota.objects.filter(period=period("FY27-Q2")).exists()


@pytest.mark.parametrize("amount", ["-1", "1e15", "1.005"])
def test_impossible_amounts(ops, amount: str) -> None:
    with pytest.raises(QuotaError):
        set_quotas(scope=ops, items=[_change(make_person(), "FY27-Q1", amount)])


def test_only_operations_set_quotas(ops) -> None:
    _, user, _ = make_manager()
    with pytest.raises(QuotaError, match="operations"):
        set_quotas(scope=scope_for(user), items=[_change(make_person(), "FY27-Q1", "1")])


def test_a_yen_has_no_decimals(ops) -> None:
    rep, _, _ = make_rep()
    set_quotas(scope=ops, items=[_change(rep, "FY27-Q1", "1000", currency="JPY")])
    with pytest.raises(QuotaError, match="0 decimals"):
        set_quotas(scope=ops, items=[_change(rep, "FY27-Q1", "1000.5", currency="JPY")])


class AnyTree(TestCase):
    """Whatever the tree and the numbers, a root's quota is its own, or the sum of what counts below."""

    @given(
        parents=st.lists(st.integers(-1, 6), min_size=1, max_size=8),
        amounts=st.dictionaries(st.integers(0, 7), st.integers(0, 10**6), max_size=8),
    )
    @settings(max_examples=15, deadline=None)
    def test_node_quotas_agree_with_a_recursion(self, parents: list[int], amounts: dict[int, int]) -> None:
        make_company(first_year=2026, last_year=2026)
        people: list = []
        for index, parent in enumerate(parents):
            boss = people[parent % len(people)] if people and parent >= 0 else None
            people.append((make_person(f"P{index}", manager=boss[0] if boss else None), boss))
        own = {people[i][0].pk: Decimal(a) for i, a in amounts.items() if i < len(people)}
        set_quotas(scope=TEST, items=[QuotaChange(p, period("FY26-Q2").pk, a, "USD") for p, a in own.items()])
        below = {p.pk: [q.pk for q, b in people if b and b[0].pk == p.pk] for p, _ in people}

        def value(person: int) -> Decimal | None:
            if person in own:
                return own[person]
            parts = [v for v in (value(r) for r in below[person]) if v is not None]
            return sum(parts) if parts else None

        found = node_quotas(TEST, [p.pk for p, _ in people], period_named("FY26"))
        assert {p: q.value for p, q in found.items()} == {
            p.pk: value(p.pk) for p, _ in people if value(p.pk) is not None
        }
