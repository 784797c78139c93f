"""Whatever the situation: what the preview announces is what applying does, counted from the tables themselves."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from opportunities.domain.deal import TRACKED_FIELDS
from opportunities.models import ImportBatch, ImportEffect, Opportunity, OpportunityLine, OpportunityVersion
from opportunities.services.imports_apply import apply_import
from pipeline.rollups import differences
from tests.factories.opportunities import make_deal, move_deal
from tests.factories.organization import make_company
from tests.stories.small_imports import HEAD, Files, Steps, counts, deal, deals, imported, planned, undone

pytestmark = pytest.mark.django_db
OPEN = "D-1,Roof,Acme,Ann Smith,Verbal OK,100,2026-12-20"
TWO = (OPEN, "D-2,Wall,Bolt,Bob Stone,Prospecting,50,2026-12-21")
CREATED = HEAD + ",Created Date"
HISTORY = "Deal ID,Stage,Entered At\nD-1,Prospecting,2026-02-03T10:00:00\nD-1,Verbal OK,2026-03-04T10:00:00\n"
ORDERS = "SalesOrderNumber,OrderDate,ResellerKey,EmployeeKey,SalesTerritoryKey,ProductKey,Quantity,Unit Price,Sales\n"


@pytest.fixture(autouse=True)
def company() -> None:
    make_company()


def orders(first: tuple[int, int], second: tuple[int, int]) -> Files:
    """An order of two lines, (quantity, price) each, and another that never changes."""
    lines = [("SO1", 7, *first), ("SO1", 8, *second), ("SO2", 7, 1, 3)]
    rows = "".join(
        f"{order},2026-05-05,,,,{product},{n},{price},{n * price}\n" for order, product, n, price in lines
    )
    products = "ProductKey,Product,Category\n7,Bolt,Parts\n8,Nut,Parts\n"
    return {"orders.csv": ORDERS + rows, "products.csv": products}


def before_by_hand(tmp_path: Path) -> None:
    """A deal of the source that never came from a file, otherwise as the first row of `TWO` says."""
    imported(tmp_path, deals("D-9,Other,Acme,Ann Smith,Verbal OK,1,2026-12-20"))
    ann, acme = deal("D-9").owner, deal("D-9").account
    process, stage = deal("D-9").process, deal("D-9").stage
    make_deal(
        ann, external_id="D-1", source="crm", name="Roof", account=acme, amount=100, category="COMMIT", process=process,
        stage=stage, close_date=dt.date(2026, 12, 20), started_on=None,
    )  # fmt: skip


def nothing(tmp_path: Path) -> None:
    """Nothing is known."""


def two(tmp_path: Path) -> None:
    imported(tmp_path, deals(*TWO))


def two_undone(tmp_path: Path) -> None:
    undone(imported(tmp_path, deals(*TWO)))


def edited(tmp_path: Path) -> None:
    two(tmp_path)
    move_deal(deal(), next_step="Call")


def recategorised(tmp_path: Path) -> None:
    two(tmp_path)
    move_deal(deal(), category="UPSIDE")


def with_history(tmp_path: Path) -> None:
    imported(tmp_path, {**deals(*TWO), "history.csv": HISTORY})


def with_creation(tmp_path: Path) -> None:
    imported(tmp_path, deals(OPEN + ",2025-03-04", head=CREATED))


def two_orders(tmp_path: Path) -> None:
    imported(tmp_path, orders((2, 10), (1, 5)))


CHEAPER = OPEN.replace("100", "90")
# Situation: what is known, the file that comes, policies, and (created, updated, unchanged) it must come to.
SITUATIONS: dict[str, tuple[Callable[[Path], None], Files, Mapping[str, str], tuple[int, int, int]]] = {
    "new": (nothing, deals(*TWO), {}, (2, 0, 0)),
    "the same": (two, deals(*TWO), {}, (0, 0, 2)),
    "changed": (two, deals(CHEAPER, TWO[1]), {}, (0, 1, 1)),
    "repeated and rejected": (two, deals(OPEN, OPEN, TWO[1], TWO[1].replace("50", "51")), {}, (0, 0, 1)),
    "made by hand": (before_by_hand, deals(*TWO), {}, (1, 0, 1)),
    "made by hand, otherwise": (before_by_hand, deals(CHEAPER, TWO[1]), {}, (1, 1, 0)),
    "never overwritten": (two, deals(CHEAPER, TWO[1]), {"amount": "NEVER"}, (0, 0, 2)),
    "only blanks filled": (two, deals(CHEAPER, TWO[1]), {"amount": "IF_BLANK"}, (0, 0, 2)),
    "another account, new": (two, deals(OPEN.replace("Acme", "Newco"), TWO[1]), {}, (0, 1, 1)),
    "another stage, new": (two, deals(OPEN.replace("Verbal OK", "Closed Won"), TWO[1]), {}, (0, 1, 1)),
    "column gone": (two, deals("D-1,Roof,Verbal OK,100", "D-2,Wall,Prospecting,50", head="Deal ID,Deal Name,Stage,Amount"), {}, (0, 0, 2)),
    "column come": (two, deals(*(f"{row}," for row in TWO), head=HEAD + ",Lead Source"), {}, (0, 0, 2)),
    "edited here": (edited, deals(CHEAPER, TWO[1]), {}, (0, 1, 1)),
    "edited here, with a next step": (edited, deals(f"{OPEN},Call", head=HEAD + ",Next Step"), {}, (0, 0, 1)),
    "category chosen here": (recategorised, deals(*TWO, head=HEAD), {}, (0, 0, 2)),
    "undone": (two_undone, deals(*TWO), {}, (2, 0, 0)),
    "history the same": (with_history, {**deals(*TWO), "history.csv": HISTORY}, {}, (0, 0, 2)),
    "history gone": (with_history, deals(*TWO), {}, (0, 0, 2)),
    "history come": (two, {**deals(*TWO), "history.csv": HISTORY}, {}, (0, 1, 1)),
    "history of one edited here": (edited, {**deals(*TWO), "history.csv": HISTORY}, {}, (0, 1, 1)),
    "history in another order": (
        with_history, {**deals(*TWO), "history.csv": HISTORY + "D-1,Verbal OK,2026-03-04T10:00:00\n"}, {}, (0, 0, 2),
    ),
    "creation the same": (with_creation, deals(OPEN + ",2025-03-04", head=CREATED), {}, (0, 0, 1)),
    "creation corrected": (with_creation, deals(OPEN + ",2025-03-05", head=CREATED), {}, (0, 1, 0)),
    "order lines the same": (two_orders, orders((2, 10), (1, 5)), {}, (0, 0, 3)),
    "order lines of the same sum": (two_orders, orders((4, 5), (1, 5)), {}, (0, 2, 1)),
    "order lines of another": (two_orders, orders((3, 10), (1, 5)), {}, (0, 2, 1)),
}  # fmt: skip


def seen() -> dict[str, tuple[object, ...]]:
    """Every deal in sight with all that an import can write of it but the row's hash."""
    lines: dict[int, list[object]] = {}
    for pk, *line in OpportunityLine.objects.order_by("position").values_list(
        "opportunity_id", "product_id", "quantity", "unit_price", "amount"
    ):
        lines.setdefault(pk, []).append(line)
    versions = Counter(OpportunityVersion.objects.values_list("opportunity_id", flat=True))
    rows = Opportunity.objects.filter(is_deleted=False).values_list(
        "pk", "external_id", "created_at", *TRACKED_FIELDS
    )
    return {key: (versions[pk], lines.get(pk), *rest) for pk, key, *rest in rows}


@pytest.mark.parametrize("name", SITUATIONS)
def test_preview_counts_are_applied_counts(tmp_path: Path, name: str) -> None:
    known, files, policies, expected = SITUATIONS[name]
    known(tmp_path)
    before = seen()
    batch_id = planned(tmp_path, files, policies=policies)
    previewed = counts(batch_id)
    assert seen() == before, "a preview writes nothing"
    apply_import(batch_id=batch_id, steps=Steps())
    assert counts(batch_id) == previewed
    assert tuple(previewed[word] for word in ("created", "updated", "unchanged")) == expected
    after, weight = seen(), ({"SO1": 2} if "orders.csv" in files else {})
    created = sum(weight.get(key, 1) for key in after if key not in before)
    changed = sum(weight.get(key, 1) for key in after if key in before and after[key] != before[key])
    assert (created, changed) == expected[:2], "and that is what the tables say"
    effects = Counter(ImportEffect.objects.filter(batch=batch_id).values_list("kind", "action"))
    for role, part in previewed["references"].items():  # type: ignore[attr-defined]
        assert effects[role, "CREATED"] == part["created"], role
        assert effects[role, "UPDATED"] == part["updated"], role
    assert not differences()
    undone(batch_id)
    assert {key: row[1:] for key, row in seen().items()} == {key: row[1:] for key, row in before.items()}
    assert not differences()


def test_an_edit_between_preview_and_run_shows_in_what_was_done(tmp_path: Path) -> None:
    """Somebody writes by hand what the file would have changed: nothing is left to change, and the report says so."""
    two(tmp_path)
    batch_id = planned(tmp_path, deals(CHEAPER, TWO[1]))
    assert counts(batch_id)["updated"] == 1
    move_deal(deal(), amount=Decimal(90))
    apply_import(batch_id=batch_id, steps=Steps())
    done = counts(batch_id)
    assert (done["created"], done["updated"], done["unchanged"]) == (0, 0, 2)


def test_a_row_that_changes_nothing_is_not_shown_among_the_largest_changes(tmp_path: Path) -> None:
    two(tmp_path)
    batch_id = planned(tmp_path, deals(CHEAPER, TWO[1].replace("50", "70")), policies={"amount": "IF_BLANK"})
    assert ImportBatch.objects.get(pk=batch_id).plan["largest_changes"] == []
    batch_id = planned(tmp_path, deals(CHEAPER, TWO[1].replace("50", "70")))
    changes = ImportBatch.objects.get(pk=batch_id).plan["largest_changes"]
    assert [(c["key"], Decimal(c["before"]), Decimal(c["after"])) for c in changes] == [
        ("D-2", 50, 70), ("D-1", 100, 90),
    ]  # fmt: skip


def test_what_was_only_noted_is_neither_restored_nor_kept_by_undo(tmp_path: Path) -> None:
    """A row read anew told nothing new; its hash goes back, and an edit since is none of undo's business."""
    two(tmp_path)
    noted = deal().content_hash
    batch_id = imported(tmp_path, deals(CHEAPER, TWO[1]), policies={"amount": "NEVER"})
    assert deal().content_hash != noted
    move_deal(deal(), next_step="Call")
    done = undone(batch_id)
    assert (done.deals_restored, done.deals_kept) == (0, 0)
    assert (deal().content_hash, deal().next_step) == (noted, "Call")
