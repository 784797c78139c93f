"""What the CRM's tables say; re-exported so that callers write `opportunities.selectors.deals(scope, …)`."""

from opportunities.selectors.absence import known_since, removal
from opportunities.selectors.detail import deal, timeline
from opportunities.selectors.hygiene import typical_days
from opportunities.selectors.listing import category_totals, deal_groups, deal_rows, deals, first_deals
from opportunities.selectors.processes import process_names, rule_book

__all__ = [
    "category_totals",
    "deal",
    "deal_groups",
    "deal_rows",
    "deals",
    "first_deals",
    "known_since",
    "process_names",
    "removal",
    "rule_book",
    "timeline",
    "typical_days",
]
