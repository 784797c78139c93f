"""How the company sells, as the rules need it: settings, hence visible to everybody signed in."""

from __future__ import annotations

from opportunities.domain.deal import Category, Status
from opportunities.domain.rules import RuleBook, StageFacts, SubcategoryFacts
from opportunities.models import SalesProcess, Stage, Subcategory
from organization.selectors.memo import remembered
from organization.selectors.standing import StandingQuestion

_STAGES = StandingQuestion(
    lambda: Stage.objects.order_by("process_id", "position", "id").values_list(
        "id", "process_id", "name", "position", "status", "category", "probability", "is_active"
    )
)
_SUBCATEGORIES = StandingQuestion(
    lambda: Subcategory.objects.order_by("category", "position", "id").values_list(
        "id", "category", "name", "is_active"
    )
)
_PROCESSES = StandingQuestion(
    lambda: SalesProcess.objects.filter(is_active=True).order_by("name", "id").values_list("id", "name")
)


def rule_book() -> RuleBook:
    """Every stage and subcategory, retired ones included: old deals still stand in them."""
    return remembered("opportunities.rule_book", _rule_book)


def _rule_book() -> RuleBook:
    stages = {
        pk: StageFacts(
            pk, process_id, name, position, Status(status), Category(category), probability, is_active
        )
        for pk, process_id, name, position, status, category, probability, is_active in _STAGES.rows()
    }
    subcategories = {
        pk: SubcategoryFacts(pk, Category(category), name, is_active)
        for pk, category, name, is_active in _SUBCATEGORIES.rows()
    }
    return RuleBook(stages, subcategories)


def process_names() -> dict[int, str]:
    """Name of every active process, by id, in order of name."""
    return remembered("opportunities.processes", lambda: dict(_PROCESSES.rows()))
