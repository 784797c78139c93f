"""All deals of the demo company: who works which account when, with what chance, and what came of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from random import Random

from salesops.demo.blueprint import HISTORY_MONTHS, LEAD_SOURCES, PROCESSES, PRODUCTS, RATE_ANCHORS, SEGMENTS
from salesops.demo.dynamics import LOST, WON, DealPlan, Event, Rep, draw_cycle, hockey_stick, tell_life
from salesops.demo.market import AccountPlan
from salesops.demo.people import Workforce
from salesops.demo.quarters import Quarter, quarter_end, quarter_of, shifted, workday
from salesops.demo.states import State, fold

WARM_UP_DAYS = 120
_SEASON = {
    1: 1.05,
    2: 1.12,
    3: 1.05,
    4: 0.95,
    5: 1.08,
    6: 1.0,
    7: 0.85,
    8: 0.8,
    9: 1.15,
    10: 1.08,
    11: 1.05,
    12: 0.72,
}
_EXITS = ((30, 27, 20, 13, 10), (34, 30, 22, 14), (30, 40, 30))


@dataclass
class Deal:
    """A plan with its events and the states they lead to up to yesterday."""

    plan: DealPlan
    events: list[Event]
    states: list[State] = field(default_factory=list)

    @property
    def now(self) -> State:
        """The present state."""
        return self.states[-1]

    def refold(self, before: int) -> None:
        """Tells the states anew after events were added."""
        owner = self.states[0].owner
        self.events.sort(key=lambda e: e.day)
        self.states = fold(self.events, owner, before)


@dataclass
class Portfolio:
    """Draws deals for a workforce and a market."""

    rng: Random
    force: Workforce
    accounts: list[AccountPlan]
    today: dt.date

    def __post_init__(self) -> None:
        load: dict[int, int] = {}
        for account in self.accounts:
            load[account.seat] = load.get(account.seat, 0) + 1
        mean = len(self.accounts) / max(1, len(self.force.seats))
        self.load = {seat: count / mean for seat, count in load.items()}
        self.start = (self.today - dt.timedelta(days=round(HISTORY_MONTHS * 30.44))).toordinal()
        self.slipped: Quarter = shifted(quarter_of(self.today), -2)
        days = range(self.start - WARM_UP_DAYS, self.today.toordinal())
        self.days = [day for day in days if (day - 1) % 7 < 5]
        self.day_weights = [self._season(day) for day in self.days]

    def _season(self, day: int) -> float:
        growth = 1 + 0.17 * (day - self.start) / 365
        return growth * _SEASON[dt.date.fromordinal(day).month]

    def build(self, count: int) -> list[Deal]:
        """So many deals that were alive within the history, ordered by creation."""
        deals: list[Deal] = []
        while len(deals) < count:
            created = self.rng.choices(self.days, self.day_weights, k=count)
            for day in created:
                plan = self._plan(len(deals), day)
                if plan.outcome_day >= self.start and len(deals) < count:
                    deals.append(self.tell(plan))
        deals.sort(key=lambda deal: (deal.plan.created, deal.plan.key))
        for key, deal in enumerate(deals):
            deal.plan.key = key
        return deals

    def tell(self, plan: DealPlan) -> Deal:
        """A deal's life under its owner, handed over whenever its seat changes hands."""
        seat = self.force.seats[plan.seat]
        owner = seat.holder(plan.created)
        person = self.force.people[owner]
        events = tell_life(self.rng, plan, Rep(person.skill, person.discipline, person.optimism))
        events += [
            Event(since, {"owner": holder})
            for holder, since in seat.holders
            if plan.created < since < min(plan.outcome_day, self.today.toordinal())
        ]
        events.sort(key=lambda e: e.day)
        return Deal(plan, events, fold(events, owner, self.today.toordinal()))

    def _plan(self, key: int, created: int) -> DealPlan:
        rng = self.rng
        account = rng.choice(self.accounts)
        process = rng.choices(range(len(PROCESSES)), [p.share for p in PROCESSES])[0]
        source = rng.choices(range(len(LEAD_SOURCES)), [s[1] for s in LEAD_SOURCES])[0]
        product = rng.choices(range(len(PRODUCTS)), [p[3] for p in PRODUCTS])[0]
        person = self.force.people[self.force.seats[account.seat].holder(created)]
        load = self.load.get(account.seat, 1.0)
        chance = PROCESSES[process].win_rate * person.skill * min(1.3, load**-0.3)
        chance *= LEAD_SOURCES[source][2] if process == 0 else 1.0
        outcome = WON if rng.random() < min(0.93, chance) else LOST
        plan = DealPlan(
            key=key,
            process=process,
            account=account.key,
            seat=account.seat,
            created=created,
            product=product,
            source=source,
            currency=account.currency,
            amount=self._amount(account, process, product),
            discount=round(0.35 * rng.betavariate(1.6, 3.2), 3),
            outcome=outcome,
            outcome_day=created,
        )
        self._decide(plan, account, max(0.8, load**0.2))
        plan.name = deal_name(rng, account, plan)
        return plan

    def _amount(self, account: AccountPlan, process: int, product: int) -> int:
        usd = SEGMENTS[account.segment][2] * PROCESSES[process].size * PRODUCTS[product][4]
        local = (
            usd
            * self.rng.lognormvariate(0.0, 0.5)
            / (RATE_ANCHORS[account.currency][2] if account.currency != "USD" else 1)
        )
        return max(1200, min(round(local), 900_000))

    def _decide(self, plan: DealPlan, account: AccountPlan, drag: float) -> None:
        rng, process = self.rng, PROCESSES[plan.process]
        cycle = round(draw_cycle(rng, process, account.segment, plan.outcome) * drag)
        if plan.outcome == WON:
            day = hockey_stick(rng, plan.created + cycle)
            plan.outcome_day = max(day, workday(plan.created + 3))
            self._slip(plan)
            return
        exits = _EXITS[plan.process]
        plan.exit_stage = rng.choices(range(len(exits)), exits)[0]
        person = self.force.people[self.force.seats[plan.seat].holder(plan.created)]
        clinging = rng.expovariate(1 / 25) * (1 - person.discipline) * 3
        day = plan.created + round(cycle * (0.4 + 0.7 * plan.exit_stage / (len(exits) - 1)) + clinging)
        if rng.random() < 0.15 and quarter_end(day) - day < 30:
            day = quarter_end(day)
        plan.outcome_day = max(workday(day), workday(plan.created + 3))

    def _slip(self, plan: DealPlan) -> None:
        """In the slipped quarter, six in ten signatures of the last fortnight went over the edge."""
        edge = self.slipped.to_date.toordinal()
        if edge - 14 <= plan.outcome_day < edge and edge - plan.created > 60 and self.rng.random() < 0.6:
            plan.late_slip = edge - 1
            plan.outcome_day = workday(edge + self.rng.randrange(12, 75))


_MOTIONS = (
    (
        "rollout",
        "first site",
        "pilot to contract",
        "three sites",
        "group framework",
        "replacement of legacy tool",
    ),
    ("additional sites", "more users", "second module", "night shift", "new depot"),
    ("renewal", "renewal and co-term", "two-year renewal"),
)


def deal_name(rng: Random, account: AccountPlan, plan: DealPlan) -> str:
    """`Account: product, motion`, as reps name deals."""
    return f"{account.name}: {PRODUCTS[plan.product][0]}, {rng.choice(_MOTIONS[plan.process])}"
