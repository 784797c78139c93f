"""The life of one deal: stages, pushes, changes of amount and mind, as dated events. Pure; days are date ordinals.

An outcome is drawn first, then the way there; what the rep says on the way (category, expected close date) is the
truth seen through the rep's optimism and discipline. Cutting the events off at today leaves open deals whose
present looks exactly as past deals looked at the same age.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from salesops.demo.blueprint import PROCESSES, ProcessSpec
from salesops.demo.quarters import month_end, quarter_end, workday

WON, LOST = "WON", "LOST"


@dataclass(frozen=True)
class Rep:
    """The traits of the owner that show in a deal."""

    skill: float
    discipline: float
    optimism: float


@dataclass
class DealPlan:
    """What is decided about a deal before its life is told. Amounts in whole units of its currency."""

    key: int
    process: int
    account: int
    seat: int
    created: int
    product: int
    source: int
    currency: str
    amount: int
    discount: float
    outcome: str
    outcome_day: int
    name: str = ""
    exit_stage: int = 0
    late_slip: int = 0
    scripted: bool = False


@dataclass(frozen=True)
class Event:
    """Fields that take new values on a day."""

    day: int
    changes: dict[str, Any]


def draw_cycle(rng: Random, process: ProcessSpec, segment: int, outcome: str) -> int:
    """Days from creation to decision: log-normal, longer for large customers and for what ends lost."""
    stretch = (1.35, 1.05, 0.8)[segment] * (1.12 if outcome == LOST else 1.0)
    return max(4, round(process.cycle * stretch * rng.lognormvariate(0.0, 0.52)))


def hockey_stick(rng: Random, day: int) -> int:
    """Signatures crowd at the end of the month, and more at the end of the quarter."""
    to_quarter, to_month = quarter_end(day) - day, month_end(day) - day
    draw = rng.random()
    if to_quarter < 40 and draw < 0.5:
        return workday(quarter_end(day) - min(int(rng.expovariate(0.22)), to_quarter))
    if draw < 0.72:
        return workday(month_end(day) - min(int(rng.expovariate(0.3)), to_month))
    return workday(day)


def tell_life(rng: Random, deal: DealPlan, rep: Rep) -> list[Event]:
    """Every event of the deal's life from creation to decision, in order of time."""
    process = PROCESSES[deal.process]
    entries = _stage_days(rng, deal, process)
    first_close = _first_expectation(rng, deal, process)
    events = [Event(deal.created, _opening(rng, deal, process, rep, first_close))]
    for stage, day in entries[1:]:
        events.append(Event(day, _stage_change(rng, deal, process, rep, stage)))
    events += _expectations(rng, deal, rep, first_close)
    events += _second_thoughts(rng, deal, process, rep, entries)
    events += _reopening(rng, deal, process)
    events.append(Event(deal.outcome_day, _decision(rng, deal, process)))
    events = [e for e in events if deal.created <= e.day <= deal.outcome_day]
    events.sort(key=lambda e: e.day)
    return events


def _opening(rng: Random, deal: DealPlan, process: ProcessSpec, rep: Rep, close: int) -> dict[str, Any]:
    unknown = deal.process == 0 and rng.random() < 0.06
    return {
        "stage": 0,
        "category": process.stages[0].category,
        "sub": "early" if process.key == "new" and rng.random() < 0.25 else None,
        "amount": None if unknown else _rounded(deal.amount * rng.choice((0.7, 0.85, 1, 1, 1, 1.15, 1.4))),
        "close": close,
        "next_step": _next_step(rng, 0, rep),
    }


def _stage_days(rng: Random, deal: DealPlan, process: ProcessSpec) -> list[tuple[int, int]]:
    """(stage, day entered), with an occasional skip and an occasional step back."""
    last = process.open_stages - 1 if deal.outcome == WON else deal.exit_stage
    span = max(1, deal.outcome_day - deal.created)
    shares = [rng.gammavariate(1.6, 1.0) for _ in range(last + 1)]
    total, elapsed, entries = sum(shares), 0.0, []
    for stage in range(last + 1):
        if stage == 0 or stage == last or rng.random() > 0.07:
            entries.append((stage, deal.created + int(span * elapsed / total)))
        elapsed += shares[stage]
    if last >= 2 and span > 30 and rng.random() < 0.06:
        back = entries[-1][1]
        entries.append((last - 1, back + (deal.outcome_day - back) // 3))
        entries.append((last, back + 2 * (deal.outcome_day - back) // 3))
    return entries


def _stage_change(rng: Random, deal: DealPlan, process: ProcessSpec, rep: Rep, stage: int) -> dict[str, Any]:
    change: dict[str, Any] = {
        "stage": stage,
        "category": _judgement(rng, deal, process, rep, stage),
        "sub": None,
    }
    if change["category"] == "COMMIT" and rng.random() < 0.2:
        change["sub"] = "firm"
    if change["category"] == "UPSIDE" and rng.random() < 0.12:
        change["sub"] = "stretch"
    if rng.random() < 0.75:
        change["next_step"] = _next_step(rng, stage, rep)
    closeness = stage / max(1, process.open_stages - 1)
    if stage >= 2 or closeness > 0.5:
        change["amount"] = _rounded(deal.amount * (1 + (1 - closeness) * rng.uniform(-0.15, 0.2)))
    return change


def _judgement(rng: Random, deal: DealPlan, process: ProcessSpec, rep: Rep, stage: int) -> str:
    """The stage suggests; optimism raises, caution lowers, and people sense a little of the truth."""
    suggested = process.stages[stage].category
    feeling = (0.25 if deal.outcome == WON else -0.2) + 0.5 * (rep.optimism - 0.5) + rng.gauss(0, 0.3)
    if feeling > 0.45 and suggested in ("PIPELINE", "UPSIDE") and stage >= 1:
        return "COMMIT" if suggested == "UPSIDE" else "UPSIDE"
    if feeling < -0.25 and suggested in ("COMMIT", "UPSIDE"):
        return "UPSIDE" if suggested == "COMMIT" else "PIPELINE"
    return suggested


def _first_expectation(rng: Random, deal: DealPlan, process: ProcessSpec) -> int:
    large = 1.3 if deal.amount > 60_000 else 1.0
    guess = deal.created + max(14, round(process.cycle * large * rng.lognormvariate(0.12, 0.45)))
    return _snapped(rng, guess)


def _snapped(rng: Random, day: int) -> int:
    """Expected dates are month ends and quarter ends more often than honest guesses."""
    draw = rng.random()
    if draw < 0.35:
        return quarter_end(day) if quarter_end(day) - day < 50 else month_end(day)
    return month_end(day) if draw < 0.75 else workday(day)


def _expectations(rng: Random, deal: DealPlan, rep: Rep, first: int) -> list[Event]:
    """Pushes as expected dates run out, and the last correction shortly before the decision."""
    events: list[Event] = []
    expected, day = first, deal.created
    for _ in range(9):
        notice = (
            expected - rng.randrange(0, 9)
            if rng.random() < rep.discipline
            else expected + rng.randrange(1, 60)
        )
        notice = max(notice, day + 1)
        if notice >= deal.outcome_day - 3:
            break
        expected, day = _snapped(rng, notice + rng.choice((14, 25, 30, 45, 60, 90, 120))), notice
        change: dict[str, Any] = {"close": expected}
        if rng.random() < 0.3:
            change["downgrade"] = True
        events.append(Event(notice, change))
    near = deal.outcome_day - rng.randrange(4, 18)
    if deal.outcome == WON and near > day and abs(expected - deal.outcome_day) > 6:
        events.append(Event(near, {"close": month_end(deal.outcome_day)}))
    if deal.late_slip:
        events += [
            Event(deal.late_slip - 45, {"close": deal.late_slip, "category": "COMMIT", "sub": None}),
            Event(
                deal.late_slip - rng.randrange(1, 12),
                {"close": month_end(deal.outcome_day), "category": "UPSIDE"},
            ),
        ]
    return events


def _second_thoughts(
    rng: Random, deal: DealPlan, process: ProcessSpec, rep: Rep, entries: list[tuple[int, int]]
) -> list[Event]:
    """Warnings, commitments shortly before signature, omissions, next steps kept up to date."""
    events: list[Event] = []
    late = entries[-1][1]
    span = max(1, deal.outcome_day - late)
    if deal.outcome == WON and rng.random() < 0.7:
        events.append(Event(deal.outcome_day - rng.randrange(3, 24), {"category": "COMMIT", "sub": None}))
    if deal.outcome == LOST and len(entries) >= process.open_stages - 1 and rng.random() < 0.35:
        events.append(Event(late + int(span * 0.6), {"category": "COMMIT", "sub": "at-risk"}))
    if deal.outcome == LOST and rng.random() < 0.03:
        events.append(
            Event(
                deal.created + (deal.outcome_day - deal.created) // 2,
                {"category": "OMITTED", "sub": "duplicate"},
            )
        )
    if rng.random() < 0.3 * rep.discipline + 0.1:
        events.append(Event(late + int(span * rng.uniform(0.2, 0.9)), {"next_step": _next_step(rng, 3, rep)}))
    return events


def _reopening(rng: Random, deal: DealPlan, process: ProcessSpec) -> list[Event]:
    """A few deals are lost, and come back before they are decided for good."""
    span = deal.outcome_day - deal.created
    if span < 60 or rng.random() > 0.035:
        return []
    gone = deal.created + int(span * rng.uniform(0.35, 0.55))
    back = gone + max(10, int(span * 0.2))
    lost, stage = process.open_stages + 1, min(1, process.open_stages - 1)
    return [
        Event(gone, {"stage": lost, "status": LOST, "category": LOST, "sub": None, "close": gone}),
        Event(
            back,
            {
                "stage": stage,
                "status": "OPEN",
                "category": process.stages[stage].category,
                "sub": None,
                "close": month_end(back + 45),
                "next_step": "Reopened: sponsor has budget again",
            },
        ),
    ]


def _decision(rng: Random, deal: DealPlan, process: ProcessSpec) -> dict[str, Any]:
    stage = process.open_stages if deal.outcome == WON else process.open_stages + 1
    change: dict[str, Any] = {
        "stage": stage,
        "status": deal.outcome,
        "category": deal.outcome,
        "sub": None,
        "close": deal.outcome_day,
    }
    if deal.outcome == WON:
        cut = 1.0 if rng.random() < 0.6 else 1 - rng.uniform(0.02, 0.09)
        change |= {"amount": _rounded(deal.amount * cut), "next_step": "Hand over to onboarding"}
    else:
        change["next_step"] = f"Lost: {rng.choice(_REASONS)}"
    return change


_REASONS = (
    "no decision",
    "no decision",
    "price",
    "competitor",
    "competitor",
    "timing",
    "sponsor left",
    "budget cut",
)

_STEPS = (
    (
        "Qualify budget with operations lead",
        "First call with site manager",
        "Send questionnaire",
        "Find sponsor",
    ),
    (
        "Site visit to map flows",
        "Meet economic buyer",
        "Collect volumes of last peak",
        "Confirm success criteria",
    ),
    (
        "Trial review with users",
        "Reference call with similar site",
        "Security questionnaire",
        "Business case workshop",
    ),
    (
        "Present proposal to the board",
        "Agree decision date",
        "Revise price for three sites",
        "Send order form",
    ),
    (
        "Redlines with legal",
        "Purchase order from purchasing",
        "Signature by finance director",
        "Agree start date",
    ),
)


def _next_step(rng: Random, stage: int, rep: Rep) -> str:
    if rng.random() > rep.discipline + 0.08:
        return ""
    return rng.choice(_STEPS[min(stage, len(_STEPS) - 1)])


def _rounded(amount: float) -> int:
    """Amounts as people type them."""
    step = 500 if amount > 20_000 else 100
    return max(step, round(amount / step) * step)
