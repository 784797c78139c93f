"""What writing deals needs to know, put together from a batch: the same for the preview and for the run."""

from __future__ import annotations

from opportunities.domain.import_changes import StageDefaults
from opportunities.domain.import_history import Semantics
from opportunities.domain.import_mapping import ImportMapping, Policy, Role
from opportunities.models import Stage
from opportunities.services.imports_copy import Writer
from opportunities.services.imports_prepare import Prepared
from opportunities.services.imports_references import Keys


def writer_for(prepared: Prepared, keys: Keys) -> Writer:
    """Of a batch, and of the ids its references have (or, in a preview, will have)."""
    batch = prepared.batch
    rules = Semantics(
        zone=prepared.business_zone,
        now=prepared.now,
        start_stage=_start_stage(prepared),
        start_category=_category_of(prepared.mapping),
        close_from_history=prepared.mapping.close_from_history,
    )
    sets = batch.files.values_list("position", "change_set_id")
    written = {position: change_set for position, change_set in sets if change_set is not None}
    return Writer(
        batch.pk, prepared.mapping.source, keys, rules, batch.applied_at or prepared.now, written,
        _policies(prepared.mapping), _stage_defaults(),
    )  # fmt: skip


def _start_stage(prepared: Prepared) -> str | None:
    """The key of the stage the start date means, if there is or will be one."""
    mapping = prepared.mapping
    key = f"{mapping.process} / {mapping.start_stage}"
    return key if mapping.start_stage and key in prepared.known.stages else None


def _category_of(mapping: ImportMapping) -> str:
    return next((rule.category for rule in mapping.stages if rule.name == mapping.start_stage), "PIPELINE")


def _policies(mapping: ImportMapping) -> dict[str, str]:
    """Fields that do not simply overwrite, under the names of the tables' columns.

    What no column of the files says is kept where it is known; a missing currency column says nothing of the
    currency a deal has.
    """
    found = dict.fromkeys(_KEPT_UNLESS_STATED, "IF_STATED")
    if not _brings_prices(mapping):
        found["list_amount"] = "NEVER"  # what is concluded from a price known here is no news of a known deal
    found["currency_id"] = "ALWAYS" if mapping.currency else "NEVER"
    for file in mapping.files:
        for part in file.extracts:
            if part.role is Role.OPPORTUNITY:
                for name, column in part.columns.items():
                    found[f"{name}_id" if name in _LINKS else name] = str(column.policy)
    return {name: policy for name, policy in found.items() if policy != Policy.ALWAYS}


def _brings_prices(mapping: ImportMapping) -> bool:
    parts = (part for file in mapping.files for part in file.extracts)
    return any(part.role is Role.PRODUCT and "list_price" in part.columns for part in parts)


_KEPT_UNLESS_STATED = (
    "account_id", "owner_id", "product_id", "territory_id", "amount", "list_amount", "probability", "close_date",
    "started_on", "next_step", "deal_type", "lead_source",
)  # fmt: skip
_LINKS = frozenset({"account", "owner", "process", "stage", "product", "territory", "currency"})


def _stage_defaults() -> dict[int, StageDefaults]:
    rows = Stage.objects.values_list("pk", "category", "probability")
    return {pk: StageDefaults(category, probability) for pk, category, probability in rows}
