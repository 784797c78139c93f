"""What the command palette finds here: visible deals and their owners, accounts with a visible deal."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from opportunities.selectors.accounts import accounts_like, deals_like
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.selectors import people_tree
from salesops.ui.categories import CATEGORY_LABELS
from salesops.ui.palette import PaletteItem, matches

SHORTEST = 2
"""Fewer letters would match nearly everything."""


def _scope(request: HttpRequest, query: str) -> Scope | None:
    scope: Scope = request.viewer  # type: ignore[attr-defined]
    return scope if len(query.strip()) >= SHORTEST and scope.can(Capability.VIEW_DEALS) else None


def find_deals(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    """Deals by name or account; they open in the drawer."""
    scope = _scope(request, query)
    for pk, name, account, category in deals_like(scope, query[:100], 8) if scope else []:
        hint = f"{account} · {CATEGORY_LABELS[category]}" if account else CATEGORY_LABELS[category]
        yield PaletteItem(
            name, reverse("opportunities:deal", args=[pk]), _("Deals"), hint, "circle-dot", drawer=True
        )


def find_accounts(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    """Accounts."""
    scope = _scope(request, query)
    for pk, name, country in accounts_like(scope, query[:100], 6) if scope else []:
        url = reverse("opportunities:account", args=[pk])
        yield PaletteItem(name, url, _("Accounts"), country, "building-2", drawer=True)


def find_owners(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    """The list of somebody's deals."""
    scope = _scope(request, query)
    if scope is None or not (scope.everything or len(scope.person_ids) > 1):
        return
    found = [p for p in people_tree(scope) if matches(query, p.name)]
    for person in found[:4]:
        url = f"{reverse('opportunities:deals')}?owner={person.id}"
        label = _("Deals of %(name)s") % {"name": person.name}
        yield PaletteItem(label, url, _("Deals"), person.title, "briefcase")


def find_actions(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    """What can be done."""
    scope: Scope = request.viewer  # type: ignore[attr-defined]
    label = _("New deal")
    if scope.can(Capability.EDIT_DEALS) and matches(query, label):
        yield PaletteItem(label, reverse("opportunities:new"), _("Actions"), "", "plus", drawer=True)
