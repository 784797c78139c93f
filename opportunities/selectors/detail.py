"""One deal: its facts, and its history as changes a person can read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opportunities.domain.deal import TRACKED_FIELDS, Category, NotVisible
from opportunities.domain.listing import (
    DealDetail,
    FieldChange,
    LineRow,
    TimelineEntry,
)
from opportunities.models import (
    Account,
    ChangeSet,
    Opportunity,
    OpportunityLine,
    OpportunityVersion,
    Product,
    SalesProcess,
    Stage,
    Subcategory,
)
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.absence import made_by_hand
from opportunities.selectors.filters import visible_rows
from opportunities.selectors.listing import deal_rows
from opportunities.selectors.splits import split_entries, splits_of
from organization.domain.scope import Scope
from organization.models import Person, Territory
from organization.selectors import minor_units
from salesops.wall import context as wall

_NAMED: dict[str, Any] = {
    "account_id": Account,
    "owner_id": Person,
    "process_id": SalesProcess,
    "stage_id": Stage,
    "subcategory_id": Subcategory,
    "territory_id": Territory,
    "product_id": Product,
}
_MONEY = ("amount", "list_amount")
_SHOWN_AT_FIRST = ("stage_id", "category", "amount", "close_date", "owner_id")


def deal(scope: Scope, deal_id: int, at: dt.datetime | None = None) -> DealDetail:
    """The deal, now or as it was. Raises `NotVisible` alike for a hidden and for a missing one."""
    row = deal_rows(scope, [deal_id], at).get(deal_id)
    if row is None:
        raise NotVisible(deal_id)
    current = Opportunity.objects.filter(pk=deal_id).annotate(by_hand=made_by_hand())
    with wall.opened([deal_id]):
        now = current.values("source", "external_id", "attributes", "by_hand").get()
        lines, splits = _lines(deal_id) if at is None else (), splits_of(row, at)
    state = (
        visible_rows(scope, at)
        .filter(**{"pk" if at is None else "opportunity_id": deal_id})
        .values(
            "process__name", "stage__guidance", "list_amount", "account__industry", "account__country",
            "product__family__name",
        )
        .get()
    )  # fmt: skip
    return DealDetail(
        row=row,
        source=now["source"],
        external_id=now["external_id"],
        process_name=state["process__name"] or "",
        stage_guidance=state["stage__guidance"] or "",
        list_amount=state["list_amount"],
        account_industry=state["account__industry"] or "",
        account_country=state["account__country"] or "",
        family_name=state["product__family__name"] or "",
        minor_unit=minor_units().get(row.currency, 2),
        # These have no history: today's would be untrue of then, and the deal may no longer be the viewer's.
        lines=lines,
        splits=splits,
        attributes=now["attributes"] if at is None else {},
        is_current=at is None,
        is_by_hand=at is None and now["by_hand"],
    )


def _lines(deal_id: int) -> tuple[LineRow, ...]:
    rows = OpportunityLine.objects.filter(opportunity_id=deal_id).order_by("position")
    fields = ("position", "product__name", "product__family__name", "quantity", "unit_price", "amount")
    return tuple(
        LineRow(position, name, family or "", quantity, price, amount)
        for position, name, family, quantity, price, amount in rows.values_list(*fields)
    )


def timeline(scope: Scope, deal_id: int, at: dt.datetime | None = None) -> list[TimelineEntry]:
    """The deal's history as known now, newest first; with `at`, up to that instant. Raises `NotVisible` as `deal` does.

    Whoever sees a deal as of an instant sees all its past before it, and nothing of what came after.
    """
    seen = visible_rows(scope, at).filter(**{"pk" if at is None else "opportunity_id": deal_id})
    if not seen.exists():
        raise NotVisible(deal_id)
    with wall.opened([deal_id]):
        return _whole_timeline(deal_id, at)


def _whole_timeline(deal_id: int, at: dt.datetime | None) -> list[TimelineEntry]:
    rows = OpportunityVersion.objects.filter(opportunity_id=deal_id, superseded_at=FAR_FUTURE_AT)
    if at is not None:
        rows = rows.filter(valid_from__lte=at)
    versions = list(rows.select_related("change_set").order_by("valid_from", "seq"))
    names = _names(versions)
    entries = [_entry(version, versions[i - 1] if i else None, names) for i, version in enumerate(versions)]
    return sorted([*entries, *split_entries(deal_id, at, entries)], key=lambda entry: entry.at)[::-1]


def _entry(
    version: OpportunityVersion, before: OpportunityVersion | None, names: Mapping[str, Mapping[int, str]]
) -> TimelineEntry:
    act: ChangeSet = version.change_set
    return TimelineEntry(
        seq=version.seq,
        at=version.valid_from,
        until=None if version.valid_to == FAR_FUTURE_AT else version.valid_to,
        recorded_at=version.recorded_at,
        kind=act.kind,
        by=act.actor_name,
        note=act.note,
        is_derived=version.origin == OpportunityVersion.Origin.DERIVED,
        category=Category(version.category),
        changes=tuple(_changes(version, before, names)),
        import_batch_id=act.import_batch_id,
        source_row=version.source_row,
        is_first=before is None,
        is_undo=act.kind == ChangeSet.Kind.UNDO,
    )


def _changes(
    version: OpportunityVersion, before: OpportunityVersion | None, names: Mapping[str, Mapping[int, str]]
) -> Iterable[FieldChange]:
    for name in _SHOWN_AT_FIRST if before is None else TRACKED_FIELDS:
        old, new = getattr(before, name, None), getattr(version, name)
        if old != new and (before is not None or new not in (None, "")):
            currency = version.currency_id if name in _MONEY else ""
            yield FieldChange(name, _said(name, old, names), _said(name, new, names), currency)


def _said(name: str, value: Any, names: Mapping[str, Mapping[int, str]]) -> Any:
    if name in _NAMED:
        return names[name].get(value, "") if value is not None else None
    return value


def _names(versions: Sequence[OpportunityVersion]) -> dict[str, dict[int, str]]:
    """Names of what the history tells of: a query for each kind of record that was changed or is told at first."""
    found: dict[str, dict[int, str]] = {}
    for column, model in _NAMED.items():
        held = {getattr(version, column) for version in versions}
        if len(held) > 1 or column in _SHOWN_AT_FIRST:
            found[column] = dict(model.objects.filter(pk__in=held - {None}).values_list("id", "name"))
    return found
