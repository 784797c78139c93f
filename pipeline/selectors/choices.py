"""What a question for figures can be made of: the values a dimension really has, and the periods near today."""

from __future__ import annotations

import datetime as dt

from organization import selectors as organization
from organization.domain.facts import CompanyNotSetUpError
from organization.domain.scope import Scope
from pipeline.domain.figures import FigureQuery
from pipeline.selectors.figures import figures
from pipeline.selectors.ground import company_facts, today

MOST_VALUES = 500


def values_of(scope: Scope, dimension: str) -> list[str]:
    """The labels that the deals this viewer sees have, in the dimension's order; "" stands for none."""
    table = figures(scope, FigureQuery(metrics=("won_count",), by=(dimension,), limit=MOST_VALUES))
    return list(dict.fromkeys(row.labels[0] or "" for row in table.rows))


def current_quarter(at: dt.datetime | None = None) -> str:
    """The name of the fiscal quarter an instant (None: now) lies in; "" where there is no calendar for it."""
    day = company_facts().date_of(at) if at else today()
    try:
        return organization.period_containing("QUARTER", day).name
    except (CompanyNotSetUpError, organization.PeriodUnknownError):
        return ""


def periods_near() -> list[str]:
    """Names of the fiscal years and quarters around today, each year before its quarters."""
    try:
        years = organization.periods("YEAR", around=today())
        quarters = organization.periods("QUARTER", around=today())
    except CompanyNotSetUpError:
        return []
    return [
        name for year in years for name in (year.name, *(q.name for q in quarters if q.parent_id == year.id))
    ]
