"""People at their desks: each edits, bulk edits, creates, removes, shares and undoes at random through the services, and
keeps what it was told is saved."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from opportunities.domain.deal import Conflict, DealChanged, DealError, DealState, NotVisible
from opportunities.domain.splits import REVENUE, Split
from opportunities.models import Opportunity, OpportunitySplit, OpportunityVersion
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.states import past_state_of
from opportunities.services import change_deal, change_deals, create_deal, remove_deal, set_splits, undo
from tests.factories.organization import TEST

NOTE = "at a desk"


class Desk:
    """One writer. `saved` holds what it was acknowledged: the deal's state by act; `shared` the splits by deal."""

    def __init__(self, ids: Sequence[int], people: Sequence[int], seed: int) -> None:
        self.ids, self.people, self.rng = list(ids), list(people), random.Random(seed)
        self.seen: dict[int, int] = {}
        self.own: list[int] = []
        self.bulks: list[int] = []
        self.saved: dict[tuple[int, int], DealState] = {}
        self.shared: dict[int, set[Split]] = {}
        self.told: Counter[str] = Counter()

    def work(self) -> None:
        """One thing; to be told that somebody was first, or that the deal is gone, is part of it."""
        (thing,) = self.rng.choices(
            [self._edit, self._bulk, self._create, self._remove, self._share, self._take_back],
            [10, 2, 2, 1, 1, 1],
        )
        try:
            thing()
        except Conflict:
            self.told["conflict"] += 1
            self.seen.clear()
        except NotVisible:
            self.told["gone"] += 1
        except DealError:
            self.told["refused"] += 1

    def _version(self, deal_id: int) -> int:
        """As this desk last saw it: often an old one."""
        if deal_id not in self.seen:
            self.seen[deal_id] = Opportunity.objects.values_list("version", flat=True).get(pk=deal_id)
        return self.seen[deal_id]

    def _wishes(self) -> dict[str, Any]:
        day = dt.date(2026, 1, 1) + dt.timedelta(self.rng.randint(0, 500))
        wishes = {
            "amount": Decimal(self.rng.randint(1, 99999)) / 100, "owner_id": self.rng.choice(self.people),
            "close_date": day, "category": self.rng.choice(["COMMIT", "UPSIDE", "PIPELINE"]),
        }  # fmt: skip
        return {name: wishes[name] for name in self.rng.sample(sorted(wishes), self.rng.randint(1, 2))}

    def _keep(self, done: DealChanged) -> None:
        self.seen[done.deal.id] = done.deal.version
        if done.change_set_id is not None:
            self.saved[done.deal.id, done.change_set_id] = done.deal.state

    def _edit(self) -> None:
        deal_id = self.rng.choice(self.ids)
        version = self._version(deal_id)
        self._keep(
            change_deal(scope=TEST, deal_id=deal_id, version=version, changes=self._wishes(), note=NOTE)
        )

    def _bulk(self) -> None:
        items = [(pk, self._version(pk)) for pk in self.rng.sample(self.ids, 8)]
        done = change_deals(scope=TEST, items=items, changes=self._wishes(), note=NOTE)
        for change in done.changed:
            self._keep(change)
        for refusal in done.refused:
            self.seen.pop(refusal.id, None)
            self.told["conflict" if refusal.is_conflict else "refused"] += 1
        if done.change_set_id is not None:
            self.bulks.append(done.change_set_id)

    def _create(self) -> None:
        values = {"name": "Made at a desk", "owner_id": self.rng.choice(self.people), "amount": Decimal(5)}
        done = create_deal(scope=TEST, values=values, note=NOTE)
        self._keep(done)
        self.own.append(done.deal.id)

    def _remove(self) -> None:
        if self.own:
            deal_id = self.own.pop()
            self._keep(remove_deal(scope=TEST, deal_id=deal_id, version=self._version(deal_id)))

    def _share(self) -> None:
        deal_id = self.rng.choice(self.ids)
        part = Decimal(self.rng.randint(1, 99))
        splits = [
            Split(person, REVENUE, share)
            for person, share in zip(self.rng.sample(self.people, 2), (part, 100 - part), strict=True)
        ]
        if set_splits(scope=TEST, deal_id=deal_id, splits=splits) is not None:
            self.shared[deal_id] = set(splits)

    def _take_back(self) -> None:
        if self.bulks:
            done = undo(scope=TEST, change_set_id=self.bulks.pop())
            for change in done.changed:
                self._keep(change)
            self.told["left by undo"] += len(done.refused)


def lost(desks: Sequence[Desk]) -> list[str]:
    """What a desk was told is saved and is no longer known: states by their act, and that a deal has shares at all."""
    ids = {deal_id for desk in desks for deal_id, _ in desk.saved}
    live = OpportunityVersion.objects.filter(opportunity_id__in=ids, superseded_at=FAR_FUTURE_AT)
    known = {(v.opportunity_id, v.change_set_id): past_state_of(v).state for v in live}
    shared = {deal_id for desk in desks for deal_id in desk.shared}
    alive = set(
        OpportunitySplit.objects.filter(valid_to=FAR_FUTURE_AT, opportunity__is_deleted=False).values_list(
            "opportunity_id", flat=True
        )
    )
    return [
        *(f"deal {key[0]}, act {key[1]}" for desk in desks for key in desk.saved if known.get(key) != desk.saved[key]),
        *(f"shares of deal {deal_id}" for deal_id in sorted(shared - alive)),
    ]  # fmt: skip
