"""Export files to try the import with: one full of mistakes to repair, and next week's clean one."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from salesops.demo.blueprint import LEAD_SOURCES, PROCESSES, PRODUCTS, SEED
from salesops.demo.portfolio import Deal
from salesops.demo.quarters import workday
from salesops.demo.world import World

BROKEN = "crm-export-with-mistakes.csv"
NEXT_WEEK = "crm-export-next-week.csv"
BROKEN_ROWS = 400

HEADER = (
    "Opportunity ID", "Opportunity Name", "Account Name", "Opportunity Owner", "Opportunity Record Type", "Stage",
    "Amount", "Amount Currency", "Close Date", "Created Date", "Type", "Lead Source", "Product", "Next Step",
)  # fmt: skip


def write_exports(world: World, folder: Path) -> list[Path]:
    """Both files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _write(folder / BROKEN, mistaken_rows(world), ";"),
        _write(folder / NEXT_WEEK, next_week_rows(world), ","),
    ]


def _write(path: Path, rows: Iterable[Sequence[str]], delimiter: str) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(HEADER)
        writer.writerows(rows)
    return path


def _row(world: World, deal: Deal, external: str) -> list[str]:
    plan, now = deal.plan, deal.now
    return [
        external, plan.name, world.accounts[plan.account].name, world.force.people[now.owner].name,
        PROCESSES[plan.process].name, PROCESSES[plan.process].stages[now.stage].name,
        "" if now.amount is None else f"{now.amount}.00", plan.currency, _iso(now.close), _iso(plan.created),
        PROCESSES[plan.process].deal_type, LEAD_SOURCES[plan.source][0], PRODUCTS[plan.product][0], now.next_step,
    ]  # fmt: skip


def _iso(ordinal: int) -> str:
    return dt.date.fromordinal(ordinal).isoformat()


def next_week_rows(world: World) -> list[list[str]]:
    """Every open deal as the CRM would export it in a week.

    Some moved on, some were lost or won (one at least), a dozen are new.
    """
    rng = Random(f"{SEED}:next-week")
    rows, nobody_signed = [], True
    for deal in world.deals:
        if deal.now.status != "OPEN":
            continue
        row = _row(world, deal, f"OPP-{100_001 + deal.plan.key}")
        draw = rng.random()
        if nobody_signed and _may_sign(deal):
            draw, nobody_signed = 0.0, False
        _a_week_later(rng, draw, world, deal, row)
        rows.append(row)
    samples = rng.sample(world.deals, 12)
    for position, deal in enumerate(samples):
        row = _row(world, deal, f"OPP-{900_001 + position}")
        stages = PROCESSES[deal.plan.process].stages
        row[1] = f"{row[2]}: {row[12]}, next step"
        row[3] = world.force.people[world.force.seats[deal.plan.seat].holder(world.today.toordinal())].name
        row[5], row[8] = stages[0].name, _iso(workday(world.today.toordinal() + 75))
        row[9] = _iso(workday(world.today.toordinal() + 3))
        rows.append(row)
    return rows


def _may_sign(deal: Deal) -> bool:
    return deal.now.stage >= PROCESSES[deal.plan.process].open_stages - 2


def _a_week_later(rng: Random, draw: float, world: World, deal: Deal, row: list[str]) -> None:
    process, day = PROCESSES[deal.plan.process], world.today.toordinal() + 4
    if draw < 0.035 and _may_sign(deal):
        row[5], row[8] = process.stages[-2].name, _iso(workday(day))
    elif draw < 0.07:
        row[5], row[8] = process.stages[-1].name, _iso(workday(day))
    elif draw < 0.14 and deal.now.stage < process.open_stages - 1:
        row[5] = process.stages[deal.now.stage + 1].name
    elif draw < 0.2:
        row[8] = _iso(workday(max(deal.now.close, day) + 30))
    elif draw < 0.24 and deal.now.amount:
        row[6] = f"{round(deal.now.amount * rng.choice((0.9, 1.1, 1.25)) / 100) * 100}.00"


def mistaken_rows(world: World) -> list[list[str]]:
    """About 400 rows as a careless export has them; every kind of mistake has a cure in the wizard."""
    rng = Random(f"{SEED}:mistakes")
    priced = [deal for deal in world.deals if deal.now.amount]
    undecided = [deal for deal in priced if deal.now.status == "OPEN"]
    wanted = min(BROKEN_ROWS - 6, len(priced) // 2)
    first = rng.sample(undecided, min(len(undecided), wanted * 3 // 4))
    taken = {deal.plan.key for deal in first}
    rest = [deal for deal in priced if deal.plan.key not in taken]
    chosen = sorted(first + rng.sample(rest, wanted - len(first)), key=lambda deal: deal.plan.key)
    rows = []
    for position, deal in enumerate(chosen):
        row = _row(world, deal, f"X-{5001 + position}")
        _ambiguous_dates(rng, row)
        row[6] = _decimal_comma(rng, deal.now.amount or 0)
        _mistype(rng, row)
        rows.append(row)
    for position in (7, 31, 83):
        rows[position][7] = _CURRENCY_TYPOS.get(rows[position][7], rows[position][7])
    for position in (11, 57, 120, 199, 240):  # the same deal twice, once with another amount
        twin = list(rows[position % len(rows)])
        rows.append(twin)
    rows[-1][6] = "48.750,50"
    rows.append([*rows[3][:1], *rows[4][1:]])
    return rows


def _ambiguous_dates(rng: Random, row: list[str]) -> None:
    """Day and month are both at most twelve in every row: only a person can say which is which."""
    for column in (8, 9):
        date = dt.date.fromisoformat(row[column])
        row[column] = f"{min(date.day, 12):02d}/{date.month:02d}/{date.year}"


def _decimal_comma(rng: Random, amount: int) -> str:
    whole = f"{amount:,}".replace(",", ".")
    return f"{whole},{rng.choice(('00', '00', '50', '75'))}"


_TYPOS = {
    "Negotiation": "Negotiaton",
    "Qualification": "Qualificaton",
    "Closed Won": "Closed-Won",
    "Proposal": "Propsal",
}
_CURRENCY_TYPOS = {"EUR": "Euro", "GBP": "UKP", "USD": "US$"}


def _mistype(rng: Random, row: list[str]) -> None:
    draw = rng.random()
    if row[5] in _TYPOS and draw < 0.6:
        row[5] = _TYPOS[row[5]]
    elif draw > 0.97:
        row[3] = "Robin Sharpe"  # nobody of that name works here
    elif draw > 0.94:
        row[6] = ""
    elif draw > 0.92:
        row[7] = _CURRENCY_TYPOS[row[7]]
    elif draw > 0.91:
        row[8] = "soon"
    elif draw > 0.88:
        row[12] = row[12].replace(" ", "")
    elif draw > 0.87:
        row[6] = "tbd"
