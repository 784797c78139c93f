"""The market of the demo company: a territory tree with unequal patches, and accounts that fill it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from salesops.demo.blueprint import REGIONS, SEGMENTS
from salesops.demo.names import INDUSTRIES, company_names
from salesops.demo.people import Workforce


@dataclass(frozen=True)
class TerritoryPlan:
    """A node of the territory tree."""

    key: int
    name: str
    kind: str
    parent: int | None


@dataclass(frozen=True)
class AccountPlan:
    """A customer or prospect; `seat` works it."""

    key: int
    name: str
    industry: str
    country: str
    region: str
    city: str
    employees: int
    revenue: int
    segment: int
    territory: int
    team: int
    seat: int
    currency: str


def build_territories() -> list[TerritoryPlan]:
    """Regions, countries and patches, parents first."""
    nodes: list[TerritoryPlan] = []

    def add(name: str, kind: str, parent: int | None) -> int:
        nodes.append(TerritoryPlan(len(nodes), name, kind, parent))
        return len(nodes) - 1

    for region in REGIONS:
        top = add(region.name, "REGION", None)
        countries: dict[str, int] = {}
        for area in region.areas:
            for team in area.teams:
                for country, patches in team.patches:
                    if country not in countries:
                        countries[country] = add(country, "COUNTRY", top)
                    if patches == (country,):
                        continue
                    for patch in patches:
                        add(patch, "PATCH", countries[country])
    return nodes


def build_accounts(
    rng: Random, force: Workforce, territories: list[TerritoryPlan], count: int
) -> list[AccountPlan]:
    """So many accounts, spread over the teams by potential (which is not how the people are spread)."""
    by_name = {node.name: node.key for node in territories}
    weights = [team.spec.potential for team in force.teams]
    teams = sorted(rng.choices(range(len(force.teams)), weights, k=count))
    industries = [rng.choice(INDUSTRIES) for _ in range(count)]
    names = company_names(rng, industries)
    turn: dict[int, int] = {}
    return [
        _account(rng, force, by_name, (key, names[key], industries[key], teams[key]), turn)
        for key in range(count)
    ]


def _account(
    rng: Random,
    force: Workforce,
    by_name: dict[str, int],
    what: tuple[int, str, str, int],
    turn: dict[int, int],
) -> AccountPlan:
    key, name, industry, team_key = what
    team = force.teams[team_key]
    position = turn[team_key] = turn.get(team_key, -1) + 1
    seat = force.seats[team.seats[position % len(team.seats)]]
    country = next(c for c, places in team.spec.patches if seat.patch in places)
    segment = rng.choices(range(len(SEGMENTS)), [s[1] for s in SEGMENTS])[0]
    size = (rng.lognormvariate(8.4, 0.6), rng.lognormvariate(6.3, 0.5), rng.lognormvariate(4.2, 0.7))[segment]
    return AccountPlan(
        key=key,
        name=name,
        industry=industry,
        country=country,
        region=team.region,
        city=seat.patch,
        employees=max(8, round(size)),
        revenue=max(1, round(size * rng.uniform(0.12, 0.34))) * 1_000_000,
        segment=segment,
        territory=by_name[seat.patch],
        team=team_key,
        seat=seat.key,
        currency="EUR" if country == "Ireland" else team.spec.currency,
    )
