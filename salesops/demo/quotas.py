"""Quotas of the demo company: from the company's number down, each level a little more than its share (the cushion)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from salesops.demo.blueprint import REGIONS
from salesops.demo.people import PersonPlan, TeamPlan, Workforce
from salesops.demo.quarters import Quarter, shifted

SCRIPT = {-8: 0.93, -7: 0.99, -6: 1.04, -5: 0.96, -4: 1.02, -3: 1.05, -2: 0.88, -1: 1.03}
"""Attainment by quarter before the present one: a steady house with one quarter that slipped."""

CUSHION = {2: 1.03, 3: 1.04, 4: 1.06, 5: 1.12}
"""Sum of the quotas of a level over that of the level above."""


@dataclass(frozen=True)
class QuotaPlan:
    """What a person is to sell in a quarter, in whole USD."""

    person: int
    quarter: Quarter
    amount: int


def company_quotas(won: Mapping[int, int], present: Quarter) -> dict[int, int]:
    """The company's number by quarter relative to the present one, from what was won and the scripted attainment."""
    quotas = {
        back: _round(won[back] / attained, 50_000)
        for back, attained in SCRIPT.items()
        if won.get(back, 0) > 0
    }
    recent = [won.get(back, 0) for back in (-4, -3, -2, -1)]
    quotas[0] = _round(max(sum(recent) / 4 * 1.09, won.get(0, 0) / 0.9), 50_000)
    for ahead in range(1, 5 - present.number + 1):
        quotas[ahead] = _round(quotas[0] * (1 + 0.04 * ahead), 50_000)
    return quotas


def spread(force: Workforce, quarter: Quarter, company: int) -> list[QuotaPlan]:
    """One quarter's number for everybody, from the chief down to the reps, by heads and the region's productivity."""
    productivity = {region.name: region.productivity for region in REGIONS}
    middle = (quarter.from_date.toordinal() + quarter.to_date.toordinal()) // 2
    weights = {team.key: team.spec.reps * productivity[team.region] for team in force.teams}
    chief = next(person for person in force.people if person.level == 1)
    plans = [QuotaPlan(chief.key, quarter, company)]
    regional = _divide(company * CUSHION[2], {r.name: _weight(force, weights, r.name) for r in REGIONS})
    for region, amount in regional.items():
        plans.append(QuotaPlan(force.heads[region], quarter, amount))
        teams = [team for team in force.teams if team.region == region]
        areas: dict[int, float] = {}
        for team in teams:
            director = force.manager_of(team.manager, middle)
            areas[director or 0] = areas.get(director or 0, 0.0) + weights[team.key]
        for director, share in _divide(amount * CUSHION[3], areas).items():
            plans.append(QuotaPlan(director, quarter, share))
            mine = [team for team in teams if force.manager_of(team.manager, middle) == director]
            plans += _team_plans(force, quarter, mine, {t.key: weights[t.key] for t in mine}, share)
    return plans


def _team_plans(
    force: Workforce, quarter: Quarter, teams: list[TeamPlan], weights: dict[int, float], amount: int
) -> list[QuotaPlan]:
    plans = []
    for key, share in _divide(amount * CUSHION[4], weights).items():
        team = next(team for team in teams if team.key == key)
        plans.append(QuotaPlan(team.manager, quarter, share))
        holders = _holders(force, team, quarter)
        reps = {person.key: _ramp(person, quarter) for person in holders}
        plans += [
            QuotaPlan(rep, quarter, part) for rep, part in _divide(share * CUSHION[5], reps, 500).items()
        ]
    return plans


def _holders(force: Workforce, team: TeamPlan, quarter: Quarter) -> list[PersonPlan]:
    """The reps who report to the team's manager a third into the quarter."""
    day = quarter.from_date.toordinal() + 30
    found = [
        person
        for person in force.people
        if person.level == 5 and person.left > day and force.manager_of(person.key, day) == team.manager
    ]
    return found or [force.people[force.seats[team.seats[0]].holders[0][0]]]


def _ramp(person: PersonPlan, quarter: Quarter) -> float:
    """Half a quota in the first quarter, seniors a little more."""
    if person.started > quarter.from_date.toordinal() - 60:
        return 0.5
    return 1.15 if person.title.startswith("Senior") else 1.0


def _weight(force: Workforce, weights: dict[int, float], region: str) -> float:
    return sum(weights[team.key] for team in force.teams if team.region == region)


def _divide(total: float, weights: Mapping, step: int = 1000) -> dict:  # type: ignore[type-arg]
    """Parts of a total by weight, rounded to the step; the largest part takes what rounding left."""
    whole = sum(weights.values())
    parts = {key: _round(total * weight / whole, step) for key, weight in weights.items()}
    rest = _round(total, step) - sum(parts.values())
    largest = max(parts, key=lambda key: parts[key])
    parts[largest] += rest
    return parts


def _round(value: float, step: int) -> int:
    return round(value / step) * step


def quarters_with_quota(present: Quarter, quotas: Mapping[int, int]) -> dict[int, Quarter]:
    """The quarter of each relative position."""
    return {back: shifted(present, back) for back in quotas}
