"""What the command palette finds here: the forecast of a territory, and that of a fiscal quarter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from forecasting.domain.question import TreeName
from organization.domain.facts import PeriodFacts
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.selectors import now_date, periods, territory_tree
from salesops.ui import formats
from salesops.ui.palette import PaletteItem, matches

SHORTEST = 2
"""Fewer letters would match nearly everything."""
MOST = 6


def _forecast(**asked: object) -> str:
    return f"{reverse('forecasting:forecast')}?{urlencode(asked)}"


def find_territories(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    """The forecast of a territory, for who reads no forecast its set-up; those in use first."""
    scope: Scope = request.viewer  # type: ignore[attr-defined]
    may_open = scope.can(Capability.VIEW_FORECAST) or scope.can(Capability.MANAGE_ORGANIZATION)
    if len(query.strip()) < SHORTEST or not may_open:
        return
    tree = territory_tree(scope)
    names = {node.id: node.name for node in tree}
    found = sorted((n for n in tree if matches(query, n.name)), key=lambda node: not node.is_active)
    for node in found[:MOST]:
        if scope.can(Capability.VIEW_FORECAST):
            url = _forecast(tree=TreeName.TERRITORIES.value, who=node.id)
        else:
            url = reverse("organization:setup_territory", args=[node.id])
        yield PaletteItem(node.name, url, _("Territories"), names.get(node.parent_id or 0, ""), "map")


def find_periods(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    """The forecast of a fiscal quarter, found as "FY27 Q3", "FY27-Q3" or "fy27q3"; those near today first."""
    scope: Scope = request.viewer  # type: ignore[attr-defined]
    if len(query.strip()) < SHORTEST or not scope.can(Capability.VIEW_FORECAST):
        return
    today = now_date()
    found = [p for p in periods("QUARTER") if matches(query, f"{p.name} {p.name.replace('-', '')}")]
    for period in sorted(found, key=lambda p: _days_away(p, today))[:MOST]:
        hint = f"{formats.day(period.from_date)} – {formats.day(period.last_date)}"
        yield PaletteItem(period.name, _forecast(period=period.name), _("Periods"), hint, "calendar-range")


def _days_away(period: PeriodFacts, day: dt.date) -> int:
    """None of the period the day is in."""
    return max((period.from_date - day).days, (day - period.last_date).days, 0)
