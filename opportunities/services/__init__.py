"""What may be changed in the CRM's world; re-exported so that callers write `opportunities.services.change_deal(…)`."""

from opportunities.services.accounts import account_named
from opportunities.services.change_sets import new_change_set
from opportunities.services.changes import change_deal, change_deals
from opportunities.services.creation import NewDeal, create_deal, insert_deals
from opportunities.services.families import rebuild_family_closure
from opportunities.services.removal import remove_deal
from opportunities.services.rewriting import rewrite_history
from opportunities.services.splits import set_splits
from opportunities.services.undoing import undo

__all__ = [
    "NewDeal",
    "account_named",
    "change_deal",
    "change_deals",
    "create_deal",
    "insert_deals",
    "new_change_set",
    "rebuild_family_closure",
    "remove_deal",
    "rewrite_history",
    "set_splits",
    "undo",
]
