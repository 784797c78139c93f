"""What stages, products and the like are called, for whoever reads their numbers elsewhere (the audit trail)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from opportunities.models import Account, Product, SalesProcess, Stage, Subcategory


def _named(model: Any, ids: list[int]) -> Mapping[int, str]:
    return dict(model.objects.filter(pk__in=ids).values_list("pk", "name"))


NAMINGS = {
    "account_id": partial(_named, Account),
    "process_id": partial(_named, SalesProcess),
    "product_id": partial(_named, Product),
    "stage_id": partial(_named, Stage),
    "subcategory_id": partial(_named, Subcategory),
}
"""For each field that holds such numbers."""
