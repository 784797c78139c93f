"""What the pages of deals share: the instant asked for, the close-date windows, whose deals, the choices of selects."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from django.http import HttpRequest
from django.utils.translation import gettext as _

from opportunities.domain.listing import DealQuery
from opportunities.forms.deals import Asked, asked_from
from opportunities.selectors import rule_book
from opportunities.views.cells import Choices
from organization.domain.facts import PersonNode
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.selectors import business_date, company, people_tree, periods_containing
from organization.selectors.calendar import neighbour
from salesops.kernel.dates import asked_instant

Window = tuple[dt.date, dt.date]


def instant_asked(request: HttpRequest) -> dt.datetime | None:
    """`?as_of=` (or `at`): a date means its end in business time, an instant itself; None is now, or nonsense."""
    text = instant_written(request)
    if not text:
        return None
    try:
        found = asked_instant(text, company().zone)
    except ValueError:
        return None
    return found if found < dt.datetime.now(dt.UTC) else None


def instant_written(request: HttpRequest) -> str:
    """The same as the address writes it."""
    return request.GET.get("as_of") or request.GET.get("at") or ""


def windows(today: dt.date) -> tuple[dict[str, Window], dict[str, str]]:
    """Close-date windows around a day by name, and their labels in order."""
    here = {p.kind: p for p in periods_containing(today)}
    found: dict[str, Window] = {}
    labels: dict[str, str] = {}
    if "QUARTER" in here:
        quarter = here["QUARTER"]
        before = neighbour(quarter, -1)
        if before:
            found["last"], labels["last"] = (before.from_date, before.to_date), str(before)
        found["quarter"], labels["quarter"] = (quarter.from_date, quarter.to_date), str(quarter)
        following = neighbour(quarter, 1)
        if following:
            found["next"], labels["next"] = (following.from_date, following.to_date), str(following)
    if "MONTH" in here:
        month = here["MONTH"]
        found["month"], labels["month"] = (month.from_date, month.to_date), _("This month")
    found["past"], labels["past"] = (dt.date(1900, 1, 1), today), _("Past")
    labels["none"] = _("No date")
    return found, labels


@dataclass(frozen=True)
class Page:
    """What a list page knows before it reads deals."""

    scope: Scope
    at: dt.datetime | None
    as_of: str
    today: dt.date
    asked: Asked
    query: DealQuery
    people: tuple[PersonNode, ...]
    closing: dict[str, str]
    window: dict[str, Window]

    @staticmethod
    def of(request: HttpRequest) -> Page:
        """From a request."""
        scope: Scope = request.viewer  # type: ignore[attr-defined]
        at = instant_asked(request)
        today = business_date(at)
        found, labels = windows(today)
        only_won = sees_only_won(scope)
        get = request.GET.copy()
        if only_won:
            get.setdefault("sort", "-close_date")  # what finance comes for: bookings, the latest first
            get["state"] = "won"  # other states would be empty for them, whatever there is
        asked = asked_from(get, found, "won" if only_won else "open")
        seen = people_tree(scope) if scope.everything or len(scope.person_ids) > 1 else []
        return Page(
            scope,
            at,
            instant_written(request) if at else "",
            today,
            asked,
            asked.query,
            tuple(seen),
            labels,
            found,
        )

    @property
    def is_team(self) -> bool:
        """Whether the viewer sees more than one person's deals."""
        return len(self.people) > 1 or self.scope.everything or self.scope.won_only_everywhere

    @property
    def may_edit(self) -> bool:
        """Whether deals can be changed here: not in the past."""
        return self.at is None and self.scope.can(Capability.EDIT_DEALS)

    @property
    def shows_owner(self) -> bool:
        """Whether the list may hold deals of several people."""
        return self.is_team and len(self.query.owner_ids) != 1

    @property
    def all_categories(self) -> DealQuery:
        """The query without what the tiles choose: the totals each tile shows."""
        return replace(self.query, categories=(), flag="", page=1)

    @property
    def quarter_query(self) -> DealQuery:
        """What the sentence above the list speaks of: the deals of the chosen owners that close this quarter."""
        first, end = self.window.get("quarter", (None, None))
        return DealQuery(owner_ids=self.query.owner_ids, close_from=first, close_to=end)

    @property
    def attention(self) -> DealQuery:
        """The deals that need a look: every open one of the chosen owners, whatever else is filtered."""
        return DealQuery(owner_ids=self.query.owner_ids, flag="ANY", order="-amount", size=5)

    def choices(self) -> Choices:
        """What selects offer; owners only to those who may hand deals over."""
        able = [(p.id, p.name) for p in self.people if p.is_active and self.scope.may_edit_owner(p.id)]
        return Choices(rule_book(), tuple(able))

    @property
    def quarter_end(self) -> dt.date | None:
        """Last day of the fiscal quarter."""
        window = self.window.get("quarter")
        return window[1] - dt.timedelta(days=1) if window else None


def sees_only_won(scope: Scope) -> bool:
    """Whether the viewer sees won deals and no others, as finance does."""
    return scope.won_only_everywhere and not (scope.everything or scope.person_ids)


def choices_for(scope: Scope) -> Choices:
    """The same outside a list."""
    people = people_tree(scope) if len(scope.person_ids) > 1 else []
    able = [(p.id, p.name) for p in people if p.is_active and scope.may_edit_owner(p.id)]
    return Choices(rule_book(), tuple(able))
