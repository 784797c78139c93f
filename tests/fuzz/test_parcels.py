"""Exports of any roles in folders, zips and workbooks: whatever they hold, each row is taken or told."""

from __future__ import annotations

import tempfile
from pathlib import Path

from django.db import transaction
from hypothesis import event, example, given, settings

from opportunities.domain.import_mapping import DEAL_ROLES, Role
from opportunities.domain.import_plan import Plan
from opportunities.services.imports import (
    ImportRefused,
    recognise_import,
    start_import,
)
from opportunities.services.imports_prepare import REFERENCE_ROLES
from salesops.kernel.tabular import UnreadableFile
from tests.fuzz.bars import within_the_bars
from tests.fuzz.tables import Parcel, parcels
from tests.fuzz.test_imports import FILES, _words, applied, company, fuzzed, taken_as_proposed
from tests.stories.small_imports import SYSTEM

__all__ = ["company"]
WAYS = ("created", "updated", "unchanged", "rejected", "repeated")


@settings(fuzzed, max_examples=FILES // 10 or 25)
@given(parcels())
@example(
    Parcel({"stage": (Role.STAGE, [["external_id", "name"], ["A", "Demo"], ["B", "Demo"]])}, "folder", ())
)
@example(
    Parcel(
        {"process": (Role.PROCESS, [["external_id", "name"], ["A", "New"], ["B", "New"]])}, "workbooks", ()
    )
)
@example(
    Parcel(
        {
            "currency_rate": (
                Role.CURRENCY_RATE,
                [
                    ["from_currency", "to_currency", "rate", "from_date"],
                    ["💥", "USD", "2", "2026-02-01"],
                    ["EUR", "USD", "2", ""],
                ],
            ),
            "product": (
                Role.PRODUCT,
                [["external_id", "name", "list_price", "currency"], ["A", "A", "5", "Euros"]],
            ),
        },
        "zip",
        (),
    )
)
@example(
    Parcel(
        {
            "order_line": (
                Role.ORDER_LINE,
                [
                    ["external_id", "currency", "amount", "account", "unit_price", "product"],
                    ["B", "2", "-67739", "F", "-11337", "P"],
                    ["1e9", "USD", "5", "A", "5", "Q"],
                ],
            )
        },
        "folder",
        (),
    )
)
def test_rows_of_any_role_are_accounted_for(company: None, parcel: Parcel) -> None:
    with transaction.atomic(), tempfile.TemporaryDirectory() as folder, within_the_bars():
        try:
            event(f"{parcel.shape}: {_imported(parcel, parcel.send(Path(folder)), Path(folder))}")
        except (UnreadableFile, ImportRefused) as refused:
            event(f"{parcel.shape}: {_words(refused)}")
        transaction.set_rollback(True)


def _imported(parcel: Parcel, sent: Path, folder: Path) -> str:
    """Imports it twice, taking what is proposed wherever it asks; what became of it, in a word."""
    batch_id = start_import(path=sent, scope=SYSTEM, actor_name="Ada", keep_in=folder / "kept")
    recognise_import(batch_id=batch_id, source="crm", mapping=parcel.mapping())
    plan = taken_as_proposed(batch_id)
    if plan.is_blocked:
        return "asks"
    if not parcel.spoil and parcel.shape != "zip in a zip":
        _all_rows_counted(parcel, plan)
    applied(batch_id)
    return "applied"


def _all_rows_counted(parcel: Parcel, plan: Plan) -> None:
    """Each row of a file that came whole is counted under its role."""
    sent = {role: sum(1 for row in rows[1:] if any(row)) for role, rows in parcel.tables.values()}
    assert plan.rows == sum(count for role, count in sent.items() if role in DEAL_ROLES)
    assert plan.history_rows == sent.get(Role.STAGE_HISTORY, 0)
    assert plan.quotas.get("rows", 0) == sent.get(Role.QUOTA, 0)
    assert plan.rates.get("rows", 0) == sent.get(Role.CURRENCY_RATE, 0)
    for role in REFERENCE_ROLES:
        counts = plan.references.get(role)
        if not counts or role not in sent:
            continue
        found = sum(counts[way] for way in WAYS)
        if role in (Role.PERSON, Role.STAGE):  # owners and stages that deals merely name are made as well
            assert found >= counts["rows"] >= sent[role], (role, counts)
        else:
            assert found == counts["rows"] == sent[role], (role, counts)
