"""Product lines and splits of the deals. Parts always sum to the deal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from salesops.demo.blueprint import PRODUCTS, SEED
from salesops.demo.copying import FAR, HistoryWriter, Ids, copy_rows
from salesops.demo.portfolio import Deal
from salesops.demo.world import World

LINE_COLUMNS = ("opportunity_id", "position", "product_id", "quantity", "unit_price", "amount")
SPLIT_COLUMNS = (
    "opportunity_id", "person_id", "kind", "share", "valid_from", "valid_to", "recorded_at", "change_set_id",
)  # fmt: skip


def write_extras(world: World, writer: HistoryWriter, keys: Sequence[int]) -> None:
    """One or two lines on every deal that has an amount, and a split on one deal in twenty-five, since its owner did
    the last thing to it.
    """
    ids = writer.ids
    rng = Random(f"{SEED}:extras")
    pairs = list(zip(keys, world.deals, strict=True))
    copy_rows(
        "opportunities_opportunityline", LINE_COLUMNS, (t for k, d in pairs for t in _lines(rng, ids, k, d))
    )
    copy_rows(
        "opportunities_opportunitysplit",
        SPLIT_COLUMNS,
        (t for k, d in pairs for t in _splits(rng, world, writer, k, d)),
    )


def _lines(rng: Random, ids: Ids, key: int, deal: Deal) -> Iterator[str]:
    amount = deal.now.amount
    if amount is None:
        return
    second = amount // 5 if rng.random() < 0.25 and amount >= 10_000 else 0
    main = amount - second
    quantity = max(1, round(main / PRODUCTS[deal.plan.product][2]))
    yield f"{key}\t1\t{ids.products[deal.plan.product]}\t{quantity}\t{main / quantity:.4f}\t{main}\n"
    if second:
        other = (deal.plan.product + 1 + rng.randrange(len(PRODUCTS) - 1)) % len(PRODUCTS)
        yield f"{key}\t2\t{ids.products[other]}\t1\t{second}\t{second}\n"


def _splits(rng: Random, world: World, writer: HistoryWriter, key: int, deal: Deal) -> Iterator[str]:
    if rng.random() > 0.04:
        return
    team = world.force.teams[world.force.seats[deal.plan.seat].team]
    others = [world.force.seats[s].holder(deal.now.day) for s in team.seats]
    helpers = [p for p in others if p != deal.now.owner]
    if helpers:
        since, recorded, act = writer.present(deal)
        for person, share in ((deal.now.owner, 70), (rng.choice(helpers), 30)):
            who = writer.ids.people[person]
            yield f"{key}\t{who}\tREVENUE\t{share}\t{since}\t{FAR}\t{recorded}\t{act}\n"
