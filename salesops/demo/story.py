"""What happens in the present quarter, so that the first page has something to say.

Won and commit cover about 94 % of the quota; a handful of large deals carry it; two of them became doubtful this
week, one was pushed out, one pulled in, and three *bridge* deals would close the gap.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from salesops.demo.blueprint import PROCESSES
from salesops.demo.dynamics import WON, DealPlan, Event
from salesops.demo.market import AccountPlan
from salesops.demo.portfolio import Deal, Portfolio, deal_name
from salesops.demo.quarters import Quarter, month_end, quarter_of, shifted, workday
from salesops.demo.rates import to_usd

COVERED = Decimal("0.94")
_FACTORS = {"lowered": 2.0, "pushed": 2.4, "pulled": 0.8}
DEMO_TEAM = "London & South"
SEVEN_DAYS = 7
ENOUGH_WORK = 6
"""Open, uncommitted deals of the quarter with which a rep has a Monday worth showing."""
WITHIN_REACH = 2
"""Upside deals among them: committing one changes the manager's page of the quarter."""
UNTIDY = 4
"""Early ones among them that are left with something to mend."""


@dataclass
class Story:
    """Adds headline deals to a portfolio and brings the present quarter to its tension."""

    rng: Random
    portfolio: Portfolio
    rates: dict[str, dict[dt.date, Decimal]]

    def __post_init__(self) -> None:
        self.today = self.portfolio.today.toordinal()
        self.quarter: Quarter = quarter_of(self.portfolio.today)
        self.last_day = self.quarter.to_date.toordinal() - 1

    def value(self, deal: Deal) -> Decimal:
        """Present value in USD at the rate of the month of close."""
        return to_usd(self.rates, deal.now.amount, deal.plan.currency, deal.now.close)

    def headlines(self, deals: list[Deal], quota: int) -> None:
        """Large deals, each with its turn of the last days."""
        usual = max(60_000, quota // 55)
        turns = ("at-risk", "at-risk", "pulled", "pushed", "lowered", "bridge", "bridge", "bridge") + (
            "",
        ) * 9
        teams = (
            "London & South",
            "Northeast",
            "Italy",
            "Germany North",
            "Pacific",
            "ASEAN",
            "London & South",
            "Canada",
            "Great Lakes",
            "ANZ",
            "France",
            "Nordics",
            "Mid-Atlantic",
            "Southeast",
            "Benelux",
            "Mountain & Texas",
            "North & Ireland",
        )
        for turn, team in zip(turns, teams, strict=True):
            factor = _FACTORS.get(turn, 1.0) * self.rng.uniform(0.85, 1.45)
            deals.append(self._headline(len(deals), team, turn, round(usual * factor / 1000) * 1000))
        deals.append(self._slipped_giant(len(deals), usual * 4))

    def _account(self, team_name: str) -> AccountPlan:
        large = [
            a
            for a in self.portfolio.accounts
            if self.portfolio.force.teams[a.team].spec.name == team_name and a.segment <= 1
        ]
        return self.rng.choice(large)

    def _plan(self, key: int, account: AccountPlan, created: int, usd: int, outcome_day: int) -> DealPlan:
        amount = (
            round(
                usd / (1.1 if account.currency == "EUR" else 1.3 if account.currency == "GBP" else 1) / 1000
            )
            * 1000
        )
        plan = DealPlan(
            key=key,
            process=0,
            account=account.key,
            seat=account.seat,
            created=created,
            product=self.rng.choice((1, 4, 8)),
            source=self.rng.choice((0, 2, 4)),
            currency=account.currency,
            amount=amount,
            discount=0.12,
            outcome=WON,
            outcome_day=outcome_day,
            scripted=True,
        )
        plan.name = deal_name(self.rng, account, plan)
        return plan

    def _walk(self, plan: DealPlan, close: int, until: int, reached: int = 4) -> list[Event]:
        """A steady way through the stages up to a day, without surprises."""
        span = until - plan.created
        stages = PROCESSES[0].stages
        steps = (
            "Find sponsor",
            "Meet economic buyer",
            "Business case workshop",
            "Present proposal to the board",
            "Redlines with legal",
        )
        return [
            Event(
                plan.created + span * stage // (reached + 1),
                {
                    "stage": stage,
                    "category": stages[stage].category,
                    "sub": None,
                    "close": close,
                    "amount": round(plan.amount * (1 + 0.05 * (reached - stage)) / 1000) * 1000,
                    "next_step": steps[stage],
                },
            )
            for stage in range(reached + 1)
        ]

    def _headline(self, key: int, team: str, turn: str, usd: int) -> Deal:
        created = workday(self.today - self.rng.randrange(90, 190))
        plan = self._plan(key, self._account(team), created, usd, self.last_day)
        close = month_end(self.last_day - self.rng.choice((0, 0, 31, 62)))
        close = max(close, min(self.last_day, self.today + 9))
        events = self._walk(plan, close, self.today - 12, 3 if turn == "bridge" else 4)
        ago = self.today - self.rng.randrange(2, SEVEN_DAYS - 1)
        beyond = month_end(self.last_day + 20)
        if turn == "at-risk":
            events.append(
                Event(ago, {"sub": "at-risk", "next_step": "Sponsor left; meet the new operations director"})
            )
        elif turn == "bridge":
            events.append(
                Event(
                    ago,
                    {"sub": "bridge", "next_step": "Ask for signature this quarter against earlier go-live"},
                )
            )
        elif turn == "lowered":
            events.append(
                Event(ago, {"category": "UPSIDE", "sub": None, "next_step": "Wait for revised budget"})
            )
        elif turn == "pushed":
            events.append(
                Event(
                    ago, {"close": beyond, "category": "UPSIDE", "next_step": "Board postponed its decision"}
                )
            )
        elif turn == "pulled":
            events = [Event(e.day, e.changes | {"close": beyond}) for e in events]
            events.append(
                Event(ago, {"close": close, "category": "COMMIT", "next_step": "Go-live moved up: sign now"})
            )
        return self._told(plan, events)

    def _slipped_giant(self, key: int, usd: int) -> Deal:
        """The deal that broke a quarter: committed for two months, pushed eleven days before its end, won after."""
        edge = shifted(self.quarter, -2).to_date.toordinal()
        plan = self._plan(key, self._account(DEMO_TEAM), edge - 170, usd, workday(edge + 41))
        plan.name = plan.name.split(":")[0] + ": Dock Enterprise, group framework"
        plan.product = 1
        events = self._walk(plan, edge - 1, edge - 40)
        events += [
            Event(
                edge - 11,
                {
                    "close": month_end(edge + 40),
                    "category": "UPSIDE",
                    "next_step": "Supervisory board wants a second reading",
                },
            ),
            Event(edge + 25, {"category": "COMMIT", "next_step": "Second reading passed; signature booked"}),
            Event(
                plan.outcome_day,
                {
                    "stage": 5,
                    "status": WON,
                    "category": WON,
                    "sub": None,
                    "close": plan.outcome_day,
                    "next_step": "Hand over to onboarding",
                },
            ),
        ]
        return self._told(plan, events)

    def _told(self, plan: DealPlan, events: list[Event]) -> Deal:
        deal = self.portfolio.tell(plan)
        handed = [e for e in deal.events if "owner" in e.changes]
        deal.events = events + handed
        deal.refold(self.today)
        return deal

    def calibrate(self, deals: list[Deal], quota: int, covered: Decimal = COVERED) -> None:
        """Moves ordinary open deals between Upside and Commit until won + commit is the wanted share of the quota."""
        here = [d for d in deals if self.quarter.holds(d.now.close)]
        standing = sum((self.value(d) for d in here if d.now.category in ("WON", "COMMIT")), Decimal(0))
        missing = quota * covered - standing
        source, target = ("UPSIDE", "COMMIT") if missing > 0 else ("COMMIT", "UPSIDE")
        movable = [d for d in here if self._movable(d) and d.now.category == source]
        self.rng.shuffle(movable)
        movable.sort(key=lambda d: (self._is_fresh(d), -d.now.stage if missing > 0 else d.now.stage))
        missing = abs(missing)
        for deal in movable:
            worth = self.value(deal)
            if Decimal(0) < worth <= missing + quota // 1000:
                first = max(deal.now.day + 1, self.today - 35)
                day = self.rng.randrange(first, max(first + 1, self.today - SEVEN_DAYS))
                deal.events.append(Event(day, {"category": target, "sub": None}))
                deal.refold(self.today)
                missing -= worth

    def _is_fresh(self, deal: Deal) -> bool:
        """Changed within the week: moved only when nothing older is left, so that the week keeps its own story."""
        return deal.now.day >= self.today - SEVEN_DAYS - 1

    def _movable(self, deal: Deal) -> bool:
        return not deal.plan.scripted and deal.now.status == "OPEN" and deal.now.day < self.today - 1

    def protagonist(self, deals: list[Deal], seats: list[int], quotas: dict[int, int]) -> int:
        """The rep nearest to 85 % of the quota by won and commit, among those of a team with enough to decide."""
        force, yesterday = self.portfolio.force, self.today - 1
        standing: dict[int, Decimal] = {force.seats[seat].holder(yesterday): Decimal(0) for seat in seats}
        for deal in deals:
            now = deal.now
            if now.owner in standing and self.quarter.holds(now.close) and now.category in ("WON", "COMMIT"):
                standing[now.owner] += self.value(deal)
        reps = [key for key in standing if force.people[key].level == 5 and quotas.get(key)]
        work = {key: self._work(deals, key) for key in reps}
        busy = [key for key in reps if work[key] >= ENOUGH_WORK] or [max(reps, key=lambda key: work[key])]
        return min(busy, key=lambda key: abs(standing[key] / quotas[key] - Decimal("0.85")))

    def _work(
        self, deals: list[Deal], owner: int, categories: tuple[str, ...] = ("UPSIDE", "PIPELINE")
    ) -> int:
        """Open deals of this quarter that are not committed yet: what there is to decide before the call."""
        return sum(
            deal.now.owner == owner
            and deal.now.category in categories
            and deal.now.status == "OPEN"
            and self.quarter.holds(deal.now.close)
            for deal in deals
        )

    def fill_desk(self, deals: list[Deal], owner: int, seats: list[int], quota: int) -> None:
        """Gives the rep enough to decide and to mend where a small company leaves too little."""
        seat = next(
            seat for seat in seats if self.portfolio.force.seats[seat].holder(self.today - 1) == owner
        )
        for _ in range(UNTIDY - len(self._early(deals, owner))):
            self._instead_of_a_lost_one(deals, seat, quota, reached=1)
        for _ in range(WITHIN_REACH - self._work(deals, owner, ("UPSIDE",))):
            self._instead_of_a_lost_one(deals, seat, quota, reached=3)
        for _ in range(ENOUGH_WORK - self._work(deals, owner)):
            self._instead_of_a_lost_one(deals, seat, quota, reached=2)

    def _instead_of_a_lost_one(self, deals: list[Deal], seat: int, quota: int, *, reached: int) -> None:
        """An open deal of the quarter that came so far without anything worth telling.

        The oldest lost deal makes room: there are as many as were asked for, and no quarter has won less.
        """
        place = next(i for i, d in enumerate(deals) if d.now.status == "LOST" and not d.plan.scripted)
        own = [account for account in self.portfolio.accounts if account.seat == seat]
        account = self.rng.choice(own) if own else self._account(DEMO_TEAM)
        usd = max(4, round(quota * self.rng.uniform(0.05, 0.2) / 1000)) * 1000
        created = workday(self.today - self.rng.randrange(40, 100))
        plan = self._plan(deals[place].plan.key, account, created, usd, self.last_day)
        plan.seat, plan.scripted = seat, False
        close = month_end(self.last_day - self.rng.choice((0, 31, 62)))
        close = max(close, min(self.last_day, self.today + 9))
        until = self.today - self.rng.randrange(8, 20)
        deals[place] = self._told(plan, self._walk(plan, close, until, reached))

    def _early(self, deals: list[Deal], owner: int) -> list[Deal]:
        return [
            d for d in deals if d.now.owner == owner and self._movable(d) and d.now.category == "PIPELINE"
        ]

    def untidy(self, deals: list[Deal], owner: int) -> None:
        """Leaves the rep something to mend before the call: close dates gone by, a next step missing."""
        for position, deal in enumerate(self._early(deals, owner)[:UNTIDY]):
            day = self.rng.randrange(max(deal.now.day + 1, self.today - 20), self.today)
            change = {"close": self.today - 3 - 4 * position} if position < 3 else {"next_step": ""}
            deal.events.append(Event(day, change))
            deal.refold(self.today)
