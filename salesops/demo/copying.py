"""Writes deals with their histories in bulk (COPY), through the same triggers every other write passes.

The present state goes into the deal's row, whose trigger appends the last version; the versions before it are
written directly, each ending where the next begins.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from salesops.demo.blueprint import LEAD_SOURCES, PROCESSES, SOURCE
from salesops.demo.portfolio import Deal
from salesops.demo.states import State

STATE_COLUMNS = (
    "name", "account_id", "owner_id", "process_id", "stage_id", "status", "category", "subcategory_id", "amount",
    "currency_id", "list_amount", "probability", "close_date", "started_on", "next_step", "deal_type", "lead_source",
    "territory_id", "product_id", "is_deleted",
)  # fmt: skip
DEAL_COLUMNS = (
    "id", "source", "external_id", "version", "changed_at", "change_set_id", "created_at", "stage_entered_at",
    "push_count", "attributes",
)  # fmt: skip
VERSION_COLUMNS = (
    "opportunity_id", "seq", "valid_from", "valid_to", "recorded_at", "superseded_at", "change_set_id", "origin",
)  # fmt: skip
FAR = "9999-12-31 00:00:00+00"


@dataclass
class Ids:
    """Keys of the database for the keys of the plan."""

    people: list[int]
    names: list[str]
    accounts: list[int]
    territories: list[int]
    products: list[int]
    processes: list[int]
    stages: list[list[int]]
    subcategories: dict[tuple[str, str], int]
    account_territory: list[int] = field(default_factory=list)


def copy_rows(table: str, columns: Sequence[str], lines: Iterable[str]) -> None:
    """COPY of tab-separated lines into a table."""
    with connection.cursor() as cursor:
        raw: Any = cursor.cursor
        raw.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", io.StringIO("".join(lines)))


def take_ids(table: str, count: int) -> list[int]:
    """So many keys from a table's sequence, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
        )
        return [row[0] for row in cursor.fetchall()]


def _line(values: Iterable[Any]) -> str:
    return "\t".join("\\N" if value is None else str(value) for value in values) + "\n"


class HistoryWriter:
    """Turns deals into rows of change sets, deals and versions."""

    def __init__(self, ids: Ids, now: dt.datetime) -> None:
        self.ids = ids
        self.now = now.isoformat()
        self.acts: dict[tuple[int, int], list[Any]] = {}
        self.act_ids: dict[tuple[int, int], int] = {}

    def write(self, deals: Sequence[Deal]) -> list[int]:
        """All of them; returns the deals' keys."""
        for deal in deals:
            for position, state in enumerate(deal.states):
                at = instant(deal.plan.key, position, state.day)
                act = self.acts.setdefault((state.owner, state.day), [at])
                act[0] = min(act[0], at)
        self._write_acts()
        keys = take_ids("opportunities_opportunity", len(deals))
        versions = (line for key, deal in zip(keys, deals, strict=True) for line in self._versions(key, deal))
        copy_rows(
            "opportunities_opportunity",
            DEAL_COLUMNS + STATE_COLUMNS,
            (self._deal(key, deal) for key, deal in zip(keys, deals, strict=True)),
        )
        copy_rows("opportunities_opportunityversion", VERSION_COLUMNS + STATE_COLUMNS, versions)
        return keys

    def present(self, deal: Deal) -> tuple[str, str, int]:
        """Since when the deal has been as it is, when that was recorded, and the act that made it so."""
        since = instant(deal.plan.key, len(deal.states) - 1, deal.now.day)
        return since, self.now, self.act_ids[(deal.now.owner, deal.now.day)]

    def _write_acts(self) -> None:
        self.acts = dict(
            sorted(self.acts.items(), key=lambda item: item[1][0])
        )  # the latest act has the last key
        keys = take_ids("opportunities_changeset", len(self.acts))
        self.act_ids = dict(zip(self.acts, keys, strict=True))
        copy_rows(
            "opportunities_changeset",
            ("id", "kind", "at", "actor_name", "note"),
            (
                _line((self.act_ids[act], "SEED", at[0], self.ids.names[act[0]], ""))
                for act, at in self.acts.items()
            ),
        )

    def _deal(self, key: int, deal: Deal) -> str:
        plan, last = deal.plan, deal.now
        position = len(deal.states) - 1
        entered = next(
            i for i in range(position, -1, -1) if i == 0 or deal.states[i - 1].stage_since != last.stage_since
        )
        return _line((
            key, SOURCE, f"OPP-{100_001 + plan.key}", position + 1, instant(plan.key, position, last.day),
            self.act_ids[(last.owner, last.day)], instant(plan.key, 0, deal.states[0].day),
            instant(plan.key, entered, deal.states[entered].day), last.pushes, "{}", *self._state(deal, last),
        ))  # fmt: skip

    def _versions(self, key: int, deal: Deal) -> Iterable[str]:
        for position, state in enumerate(deal.states[:-1]):
            after = instant(deal.plan.key, position + 1, deal.states[position + 1].day)
            yield _line((
                key, position + 1, instant(deal.plan.key, position, state.day), after, self.now, FAR,
                self.act_ids[(state.owner, state.day)], "STATED", *self._state(deal, state),
            ))  # fmt: skip

    def _state(self, deal: Deal, state: State) -> tuple[Any, ...]:
        plan, ids = deal.plan, self.ids
        listed = None if state.amount is None else round(state.amount / (1 - plan.discount))
        return (
            plan.name, ids.accounts[plan.account], ids.people[state.owner], ids.processes[plan.process],
            ids.stages[plan.process][state.stage], state.status, state.category,
            ids.subcategories[(state.category, state.sub)] if state.sub else None, state.amount, plan.currency, listed,
            state.probability(plan), day_text(state.close), day_text(plan.created), state.next_step,
            PROCESSES[plan.process].deal_type, LEAD_SOURCES[plan.source][0], ids.account_territory[plan.account],
            ids.products[plan.product], "f",
        )  # fmt: skip


_DAYS: dict[int, str] = {}


def day_text(ordinal: int) -> str:
    """The ISO date of an ordinal; there are few, so they are kept."""
    text = _DAYS.get(ordinal)
    if text is None:
        text = _DAYS[ordinal] = dt.date.fromordinal(ordinal).isoformat()
    return text


def instant(key: int, position: int, ordinal: int) -> str:
    """A moment of a working day in New York: the same one every time for the same change."""
    second = (key * 7919 + position * 104_729) % 25_000 + 52_000
    return f"{day_text(ordinal)} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+00"
