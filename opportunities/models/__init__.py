"""Tables of the CRM's world: accounts, products, processes and stages, deals and their append-only versions."""

from opportunities.models.account import Account
from opportunities.models.change_set import ChangeSet
from opportunities.models.imports import (
    ImportBatch,
    ImportEffect,
    ImportFile,
    ImportProblem,
    ImportRow,
    RememberedMapping,
)
from opportunities.models.opportunity import (
    Opportunity,
    OpportunityLine,
    OpportunitySplit,
    OpportunityVersion,
)
from opportunities.models.process import SalesProcess, Stage, Subcategory
from opportunities.models.product import Product, ProductFamily, ProductFamilyClosure

__all__ = [
    "Account",
    "ChangeSet",
    "ImportBatch",
    "ImportEffect",
    "ImportFile",
    "ImportProblem",
    "ImportRow",
    "Opportunity",
    "OpportunityLine",
    "OpportunitySplit",
    "OpportunityVersion",
    "Product",
    "ProductFamily",
    "ProductFamilyClosure",
    "RememberedMapping",
    "SalesProcess",
    "Stage",
    "Subcategory",
]
