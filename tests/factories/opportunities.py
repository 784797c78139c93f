"""Processes, accounts, products and deals for tests. A company must exist (`make_company`)."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from opportunities.domain.deal import Category, DealState, PastState, Status
from opportunities.models import (
    Account,
    Opportunity,
    Product,
    ProductFamily,
    SalesProcess,
    Stage,
    Subcategory,
)
from opportunities.services import NewDeal, change_deal, insert_deals, new_change_set, rebuild_family_closure
from organization.domain.scope import Scope
from organization.models import Person
from organization.selectors import company

_numbers = itertools.count(1)
TEST = Scope.system("test")
STAGES: tuple[tuple[str, Status, Category, int], ...] = (
    ("Qualify", Status.OPEN, Category.PIPELINE, 10),
    ("Discover", Status.OPEN, Category.PIPELINE, 25),
    ("Propose", Status.OPEN, Category.UPSIDE, 50),
    ("Negotiate", Status.OPEN, Category.COMMIT, 80),
    ("Won", Status.WON, Category.WON, 100),
    ("Lost", Status.LOST, Category.LOST, 0),
)


def make_process(
    name: str = "", stages: Sequence[tuple[str, Status, Category, int]] = STAGES
) -> SalesProcess:
    """A process with `Qualify, Discover, Propose, Negotiate, Won, Lost`; `stage_of(process, name)` finds one."""
    process = SalesProcess.objects.create(name=name or f"Process {next(_numbers)}")
    Stage.objects.bulk_create(
        Stage(
            process=process, name=label, position=i, status=status, category=category, probability=probability
        )
        for i, (label, status, category, probability) in enumerate(stages, 1)
    )
    return process


def stage_of(process: SalesProcess, name: str) -> Stage:
    """The stage of a process with this name."""
    return Stage.objects.get(process=process, name=name)


def make_subcategory(
    category: Category = Category.COMMIT, code: str = "at-risk", name: str = ""
) -> Subcategory:
    """A subcategory, made once."""
    found, _ = Subcategory.objects.get_or_create(
        category=category, code=code, defaults={"name": name or code.replace("-", " ").capitalize()}
    )
    return found


def make_account(name: str = "", **fields: Any) -> Account:
    """A customer."""
    return Account.objects.create(name=name or f"Account {next(_numbers)}", **fields)


def make_family(name: str = "", parent: ProductFamily | None = None) -> ProductFamily:
    """A product family in its place of the tree."""
    family = ProductFamily.objects.create(name=name or f"Family {next(_numbers)}", parent=parent)
    rebuild_family_closure()
    return family


def make_product(name: str = "", family: ProductFamily | None = None, **fields: Any) -> Product:
    """A product."""
    return Product.objects.create(name=name or f"Product {next(_numbers)}", family=family, **fields)


def make_deal(
    owner: Person | None = None,
    *,
    amount: Decimal | int | str | None = Decimal(1000),
    category: Category | str = Category.PIPELINE,
    close_date: dt.date | None = dt.date(2026, 12, 15),
    currency: str = "",
    created_at: dt.datetime = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC),
    source: str = "local",
    external_id: str = "",
    **fields: Any,
) -> Opportunity:
    """A deal with one version since `created_at`; status follows the category. Fields may be objects or `…_id`."""
    number = next(_numbers)
    values: dict[str, Any] = {"name": f"Deal {number}", "started_on": created_at.date()}
    for name, value in fields.items():
        values[name if not hasattr(value, "pk") else f"{name}_id"] = (
            value.pk if hasattr(value, "pk") else value
        )
    chosen = Category(category)
    status = {Category.WON: Status.WON, Category.LOST: Status.LOST}.get(chosen, Status.OPEN)
    state = DealState(
        owner_id=owner.pk if owner else None,
        amount=None if amount is None else Decimal(amount),
        category=chosen,
        status=status,
        close_date=close_date,
        currency_id=currency or company().corporate_currency,
        **values,
    )
    return make_deal_with_past([PastState(created_at, state)], source, external_id or f"T-{number}")


def make_deal_with_past(
    states: Sequence[PastState], source: str = "local", external_id: str = ""
) -> Opportunity:
    """A deal that went through these states."""
    change_set_id = new_change_set(scope=TEST, kind="SEED", at=states[0].valid_from)
    deal = NewDeal(source, external_id or f"T-{next(_numbers)}", states)
    (deal_id,) = insert_deals(change_set_id=change_set_id, deals=[deal])
    return Opportunity.objects.get(pk=deal_id)


def move_deal(
    deal: Opportunity, at: dt.datetime | None = None, scope: Scope = TEST, **changes: Any
) -> Opportunity:
    """Change a deal by the service, at an instant, with what the rules entail; returns the fresh row."""
    values = {
        (f"{name}_id" if hasattr(value, "pk") else name): (value.pk if hasattr(value, "pk") else value)
        for name, value in changes.items()
    }
    row = Opportunity.objects.get(pk=deal.pk)
    change_deal(scope=scope, deal_id=row.pk, version=row.version, changes=values, at=at)
    return Opportunity.objects.get(pk=deal.pk)
