"""The invented company behaves like one: rates of winning, lengths of cycles, slips, seasons, quotas that add up."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from salesops.demo.blueprint import PROCESSES, SUBCATEGORIES
from salesops.demo.exports import HEADER, mistaken_rows, next_week_rows
from salesops.demo.people import FOREVER
from salesops.demo.quarters import Quarter, month_end, quarter_end, quarter_of, shifted, workday
from salesops.demo.rates import to_usd
from salesops.demo.world import World, build_world

TODAY = dt.date(2026, 11, 23)


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(TODAY, 6000)


def usd(world: World, deal) -> Decimal:  # type: ignore[no-untyped-def]
    return to_usd(world.rates, deal.now.amount, deal.plan.currency, deal.now.close)


def test_the_same_day_gives_the_same_world() -> None:
    first, second = build_world(TODAY, 400), build_world(TODAY, 400)
    assert [d.states for d in first.deals] == [d.states for d in second.deals]
    assert first.quotas == second.quotas
    assert first.force.people == second.force.people


def test_history_ends_yesterday_and_states_follow_each_other(world: World) -> None:
    for deal in world.deals:
        days = [state.day for state in deal.states]
        assert days == sorted(set(days))
        assert days[-1] < TODAY.toordinal()


def test_every_state_is_one_the_database_accepts(world: World) -> None:
    known = {(category, code) for category, code, _n, _d in SUBCATEGORIES}
    for deal in world.deals:
        for state in deal.states:
            if state.status == "OPEN":
                assert state.category in {"COMMIT", "UPSIDE", "PIPELINE", "OMITTED"}
                assert state.stage < PROCESSES[deal.plan.process].open_stages
            else:
                assert state.category == state.status
            assert state.sub is None or (state.category, state.sub) in known
            assert state.amount is None or state.amount > 0


def test_win_rate_cycle_and_slips_are_plausible(world: World) -> None:
    won = [d for d in world.deals if d.now.status == "WON"]
    lost = [d for d in world.deals if d.now.status == "LOST"]
    assert 0.20 < len(won) / len(won + lost) < 0.36
    assert 45 < statistics.median(d.now.close - d.plan.created for d in won) < 110
    assert 0.2 < sum(d.now.pushes > 0 for d in won + lost) / len(won + lost) < 0.6
    assert 0.08 < sum(d.now.status == "OPEN" for d in world.deals) / len(world.deals) < 0.2
    reopened = sum(any(s.status == "LOST" for s in d.states[:-1]) for d in world.deals)
    assert 0.005 < reopened / len(world.deals) < 0.05


def test_signatures_crowd_at_the_end_of_the_quarter(world: World) -> None:
    won = [d.now.close for d in world.deals if d.now.status == "WON"]
    last_fortnight = sum(quarter_end(day) - day < 14 for day in won)
    assert last_fortnight / len(won) > 0.25  # a fortnight is 15 % of a quarter


def test_there_is_something_to_clean_up(world: World) -> None:
    still_open = [d.now for d in world.deals if d.now.status == "OPEN"]
    assert sum(s.close < TODAY.toordinal() for s in still_open) >= 5
    assert sum(not s.next_step for s in still_open) / len(still_open) > 0.05
    assert any(s.amount is None for s in still_open)


@pytest.mark.parametrize("today", [TODAY, dt.date(2027, 2, 1), dt.date(2027, 3, 14), dt.date(2028, 2, 29)])
def test_the_present_quarter_has_its_tension_on_any_day(today: dt.date) -> None:
    world = build_world(today, 6000)
    quarter = quarter_of(today)
    here = [d for d in world.deals if quarter.holds(d.now.close)]
    standing = sum(usd(world, d) for d in here if d.now.category in ("WON", "COMMIT"))
    quota = next(p.amount for p in world.quotas if p.person == 0 and p.quarter == quarter)
    assert Decimal("0.80") < standing / quota < Decimal("0.99")
    bridge = sum(usd(world, d) for d in here if d.now.sub == "bridge")
    assert bridge > 0
    assert any(d.now.sub == "at-risk" for d in here)


def test_one_quarter_slipped(world: World) -> None:
    won: dict[Quarter, Decimal] = defaultdict(Decimal)
    for deal in world.deals:
        if deal.now.status == "WON":
            won[quarter_of(dt.date.fromordinal(deal.now.close))] += usd(world, deal)
    present = quarter_of(TODAY)
    quota = {p.quarter: p.amount for p in world.quotas if p.person == 0}
    attained = {back: won[shifted(present, back)] / quota[shifted(present, back)] for back in range(-7, 0)}
    assert attained[-2] < Decimal("0.9")
    assert all(value > Decimal("0.9") for back, value in attained.items() if back != -2)


def test_italy_drowns_and_iberia_starves(world: World) -> None:
    per_seat: Counter[str] = Counter()
    for deal in world.deals:
        team = world.force.teams[world.force.seats[deal.plan.seat].team].spec
        per_seat[team.name] += 1 / team.reps  # type: ignore[assignment]
    assert per_seat["Italy"] > 5 * per_seat["Iberia"]


def test_five_levels_and_nobody_reports_to_two(world: World) -> None:
    force = world.force
    assert {person.level for person in force.people} == {1, 2, 3, 4, 5}
    assert 115 <= sum(p.left > TODAY.toordinal() for p in force.people) <= 126
    for day in range(TODAY.toordinal() - 720, TODAY.toordinal(), 60):
        for person in force.people:
            lines = [x for x in force.lines if x.person == person.key and x.from_day <= day < x.to_day]
            assert len(lines) <= 1
            if person.level > 1 and person.started <= day < min(person.left, FOREVER) and person.level < 5:
                assert lines, person


def test_quotas_carry_a_cushion_at_every_level(world: World) -> None:
    by_person = {(p.person, p.quarter): p.amount for p in world.quotas}
    assert len(by_person) == len(world.quotas)
    quarter = quarter_of(TODAY)
    heads = sum(by_person[(key, quarter)] for key in world.force.heads.values())
    assert 1.02 < heads / by_person[(0, quarter)] < 1.04


def test_export_files_hold_what_the_wizard_must_mend(world: World) -> None:
    rows = mistaken_rows(world)
    assert 350 <= len(rows) <= 420
    column = {name: index for index, name in enumerate(HEADER)}
    assert "Negotiaton" in {row[column["Stage"]] for row in rows}
    assert "Robin Sharpe" in {row[column["Opportunity Owner"]] for row in rows}
    assert any(not row[column["Amount"]] for row in rows)
    assert len({row[0] for row in rows}) < len(rows)
    dates = [row[column["Close Date"]] for row in rows if "/" in row[column["Close Date"]]]
    assert all(int(text[:2]) <= 12 and int(text[3:5]) <= 12 for text in dates)
    week = next_week_rows(world)
    assert len({row[0] for row in week}) == len(week)


def test_calendar_arithmetic() -> None:
    assert quarter_of(dt.date(2027, 1, 31)).name == "FY27-Q4"
    assert quarter_of(dt.date(2027, 2, 1)).name == "FY28-Q1"
    assert shifted(quarter_of(dt.date(2026, 2, 1)), -1).name == "FY26-Q4"
    assert month_end(dt.date(2024, 2, 3).toordinal()) == dt.date(2024, 2, 29).toordinal()
    assert workday(dt.date(2026, 11, 22).toordinal()) == dt.date(2026, 11, 20).toordinal()


@pytest.mark.parametrize("month", range(1, 13))
def test_a_small_company_has_work_for_its_rep_on_any_day(month: int) -> None:
    """On some days the rep of the demo had one deal, and nothing to settle."""
    today = dt.date(2027, month, 1) + dt.timedelta(2 * month)
    world = build_world(today, 1500)
    own = [d.now for d in world.deals if d.now.owner == world.protagonist and d.now.status == "OPEN"]
    assert sum(deal.category in {"UPSIDE", "PIPELINE"} for deal in own) >= 6
    assert sum(deal.close < today.toordinal() for deal in own) >= 3


@pytest.mark.parametrize("size", [1500, 12_000])
@pytest.mark.parametrize(
    "today", [dt.date(2026, 11, 30), dt.date(2027, 1, 30), dt.date(2027, 2, 1), dt.date(2027, 7, 15)]
)
def test_the_rep_has_upside_deals_that_the_managers_quarter_feels(today: dt.date, size: int) -> None:
    """The tour commits one of them, and the manager's page of the quarter changes."""
    world = build_world(today, size)
    quarter = quarter_of(today)
    own = [d.now for d in world.deals if d.now.owner == world.protagonist and d.now.status == "OPEN"]
    assert sum(deal.category == "UPSIDE" and quarter.holds(deal.close) for deal in own) >= 2
