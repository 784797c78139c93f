"""From a row of `opportunity` or `opportunity_version` to the state the rules speak of."""

from __future__ import annotations

from collections.abc import Iterable

from opportunities.domain.deal import TRACKED_FIELDS, Category, DealState, PastState, SavedDeal, Status
from opportunities.models import Opportunity, OpportunityVersion
from opportunities.models.opportunity import FAR_FUTURE_AT


def state_of(row: Opportunity | OpportunityVersion) -> DealState:
    """The tracked columns of a row."""
    values = {name: getattr(row, name) for name in TRACKED_FIELDS}
    values["status"], values["category"] = Status(row.status), Category(row.category)
    return DealState(**values)


def saved(row: Opportunity) -> SavedDeal:
    """A deal with the version its next change must name."""
    return SavedDeal(row.pk, row.version, row.changed_at, state_of(row))


def past_state_of(row: OpportunityVersion) -> PastState:
    """A version as a link of the deal's history."""
    return PastState(row.valid_from, state_of(row), row.origin, row.source_row, row.change_set_id)


def live_versions(deal_ids: Iterable[int]) -> dict[int, list[OpportunityVersion]]:
    """The history of each deal as known now, oldest first. For services, which have checked who asks."""
    found: dict[int, list[OpportunityVersion]] = {}
    rows = OpportunityVersion.objects.filter(opportunity_id__in=list(deal_ids), superseded_at=FAR_FUTURE_AT)
    for row in rows.order_by("opportunity_id", "valid_from", "seq"):
        found.setdefault(row.opportunity_id, []).append(row)
    return found
