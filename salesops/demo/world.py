"""Puts the demo company together for a day: the same seed, day and size give the same world, to the cent."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from salesops.demo.blueprint import SEED
from salesops.demo.market import AccountPlan, TerritoryPlan, build_accounts, build_territories
from salesops.demo.people import Workforce, build_workforce
from salesops.demo.portfolio import Deal, Portfolio
from salesops.demo.quarters import Quarter, quarter_of, shifted
from salesops.demo.quotas import QuotaPlan, company_quotas, spread
from salesops.demo.rates import monthly_rates, to_usd
from salesops.demo.story import DEMO_TEAM, Story


@dataclass
class World:
    """Everything there is to write."""

    today: dt.date
    force: Workforce
    territories: list[TerritoryPlan]
    accounts: list[AccountPlan]
    rates: dict[str, dict[dt.date, Decimal]]
    deals: list[Deal]
    quotas: list[QuotaPlan]
    protagonist: int


def build_world(today: dt.date, deals: int = 12_000, seed: str = SEED) -> World:
    """The demo company as of the start of `today`, with so many deals (a headline deal or two are among them)."""

    def stream(name: str) -> Random:
        return Random(f"{seed}:{name}")

    force = build_workforce(stream("people"), today)
    territories = build_territories()
    accounts = build_accounts(stream("accounts"), force, territories, max(150, round(deals / 8)))
    rates = monthly_rates(stream("rates"), today)
    portfolio = Portfolio(stream("deals"), force, accounts, today)
    drawn = portfolio.build(max(200, deals - 18))
    story = Story(stream("story"), portfolio, rates)
    quarter = quarter_of(today)
    story.headlines(drawn, _company_numbers(drawn, rates, quarter)[0])
    numbers = _company_numbers(drawn, rates, quarter)
    quotas = [p for back, amount in numbers.items() for p in spread(force, shifted(quarter, back), amount)]
    team = next(t for t in force.teams if t.spec.name == DEMO_TEAM)
    own = next(p.amount for p in quotas if p.person == team.manager and p.quarter == quarter)
    story.calibrate([d for d in drawn if d.plan.seat in team.seats], own, Decimal("0.93"))
    story.calibrate([d for d in drawn if d.plan.seat not in team.seats], numbers[0] - own)
    present = {p.person: p.amount for p in quotas if p.quarter == quarter}
    rep = story.protagonist(drawn, team.seats, present)
    story.fill_desk(drawn, rep, team.seats, present[rep])
    story.untidy(drawn, rep)
    return World(today, force, territories, accounts, rates, drawn, quotas, rep)


def _company_numbers(
    deals: list[Deal], rates: dict[str, dict[dt.date, Decimal]], present: Quarter
) -> dict[int, int]:
    won: dict[int, Decimal] = {}
    starts = {shifted(present, back): back for back in range(-9, 1)}
    for deal in deals:
        if deal.now.status == "WON":
            back = starts.get(quarter_of(dt.date.fromordinal(deal.now.close)))
            if back is not None:
                value = to_usd(rates, deal.now.amount, deal.plan.currency, deal.now.close)
                won[back] = won.get(back, Decimal(0)) + value
    return company_quotas({back: int(amount) for back, amount in won.items()}, present)
