"""Random organisations: closure, past trees and visibility agree with a few lines of plain recursion.

`make worlds` tries 10,000. Which deals each login then finds: `tests/apps/opportunities/test_visible_worlds.py`.
"""

from __future__ import annotations

import datetime as dt
import io
import os

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from organization.domain.roles import Role
from organization.models import Person, PersonClosure, ReportingLine
from organization.scope import scope_for
from organization.selectors import now_date, people_tree, subtree_ids
from organization.services import (
    LineWanted,
    OrganizationError,
    place_territory,
    rebuild_person_closure,
    revoke_role,
    set_managers,
)
from tests.factories.organization import (
    TEST,
    make_company,
    make_manager,
    make_person,
    make_territory,
    make_user,
)

DAYS = [dt.date(2024, 1, 1), dt.date(2025, 1, 1), dt.date(2026, 1, 1)]
MOVES = st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 6), st.sampled_from(DAYS)), max_size=14)


def _below(person: int, day: dt.date) -> set[int]:
    """Everybody below somebody on a day, by recursion over the lines."""
    found = {person}
    for line in ReportingLine.objects.filter(manager_id=person, from_date__lte=day, to_date__gt=day):
        found |= _below(line.person_id, day)
    return found


class Worlds(TestCase):
    """Whatever moves are made, in whatever order, with whatever dates."""

    @given(MOVES)
    @settings(max_examples=int(os.environ.get("WORLDS", "0")) or 15, deadline=None)
    def test_closure_trees_and_scopes_agree_with_recursion(
        self, moves: list[tuple[int, int, dt.date]]
    ) -> None:
        make_company(first_year=2026, last_year=2026)
        people = [make_person(f"P{i}") for i in range(7)]
        for person, manager, day in moves:
            wanted = LineWanted(people[person].pk, people[manager].pk if manager >= 0 else None, day)
            try:
                set_managers(lines=[wanted], scope=TEST)
            except OrganizationError:
                continue  # a cycle, or oneself: refused, and nothing changed
        today = now_date()
        for person in people:
            assert set(subtree_ids(person.pk)) == _below(person.pk, today)
            for day in DAYS:
                assert set(subtree_ids(person.pk, at=day)) == _below(person.pk, day)
            user = make_user(Role.MANAGER, person=Person.objects.get(pk=person.pk))
            assert scope_for(user).person_ids == _below(person.pk, today)
            assert {node.id for node in people_tree(scope_for(user))} == _below(person.pk, today)
        assert rebuild_person_closure() == 0
        assert all(PersonClosure.objects.filter(ancestor=p, descendant=p, depth=0).exists() for p in people)


@pytest.mark.django_db
def test_a_planned_move_counts_from_its_day() -> None:
    make_company()
    boss, other = make_person("Boss"), make_person("Other")
    rep = make_person("Rep", manager=boss)
    soon = now_date() + dt.timedelta(days=5)
    set_managers(lines=[LineWanted(rep.pk, other.pk, soon)], scope=TEST)
    assert set(subtree_ids(boss.pk)) == {boss.pk, rep.pk}
    rebuild_person_closure(today=soon)
    assert set(subtree_ids(boss.pk)) == {boss.pk}
    assert set(subtree_ids(other.pk)) == {other.pk, rep.pk}


@pytest.mark.django_db
def test_an_earlier_move_ends_where_a_later_one_begins() -> None:
    make_company()
    a, b, rep = make_person("A"), make_person("B"), make_person("R")
    set_managers(lines=[LineWanted(rep.pk, b.pk, dt.date(2026, 1, 1))], scope=TEST)
    set_managers(lines=[LineWanted(rep.pk, a.pk, dt.date(2025, 1, 1))], scope=TEST)
    lines = ReportingLine.objects.filter(person=rep).order_by("from_date")
    assert [(line.manager_id, line.to_date.year) for line in lines] == [(a.pk, 2026), (b.pk, 9999)]


@pytest.mark.django_db
def test_a_territory_cannot_lie_within_itself() -> None:
    make_company()
    top = make_territory("Top")
    low = make_territory("Low", top)
    with pytest.raises(OrganizationError, match="within itself"):
        place_territory(name="Top", territory_id=top.pk, parent_id=low.pk, scope=TEST)


@pytest.mark.django_db
def test_a_revoked_role_and_a_moved_report_count_at_once() -> None:
    make_company()
    boss, user, _ = make_manager("Boss")
    rep = make_person("Rep", manager=boss)
    assert rep.pk in scope_for(user).person_ids
    set_managers(lines=[LineWanted(rep.pk, None, now_date())], scope=TEST)
    assert rep.pk not in scope_for(user).person_ids
    revoke_role(user_id=user.pk, role=Role.MANAGER, scope=TEST)
    assert scope_for(user).person_ids == frozenset()


@pytest.mark.django_db
def test_the_last_administrator_stays() -> None:
    make_company()
    admin = make_user(Role.ADMIN)
    with pytest.raises(OrganizationError, match="last administrator"):
        revoke_role(user_id=admin.pk, role=Role.ADMIN, scope=TEST)


@pytest.mark.django_db
def test_create_user_on_the_command_line() -> None:
    make_company()
    person = make_person("Nora Lind", email="nora@example.com")
    out = io.StringIO()
    call_command("create_user", "nora@example.com", "--name", "Nora", "--role", "admin", "--role", "REP", "--person",
                 "nora lind", "--generate-password", stdout=out)  # fmt: skip
    assert "ADMIN, REP" in out.getvalue()
    scope = scope_for(get_user_model().objects.get(email="nora@example.com"))
    assert scope.roles == {Role.ADMIN, Role.REP}
    assert scope.person_id == person.pk
    with pytest.raises(CommandError, match="already"):
        call_command(
            "create_user", "nora@example.com", "--role", "REP", "--generate-password", stdout=io.StringIO()
        )
    with pytest.raises(CommandError, match="fits 0 people"):
        call_command(
            "create_user",
            "x@example.com",
            "--role",
            "REP",
            "--person",
            "Nobody",
            "--generate-password",
            stdout=io.StringIO(),
        )
