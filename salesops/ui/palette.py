"""What the command palette can find. Apps register a provider; the view asks each and merges the answers.

A provider is ``provider(request, query) -> Iterable[PaletteItem]``; it must apply the viewer's scope itself and return
at most ten items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from salesops.ui import navigation


@dataclass(frozen=True)
class PaletteItem:
    """One line: where it leads, and in which group (Pages, People, Deals, Actions) it stands.

    ``drawer`` opens the target in the drawer beside the page; ``event`` dispatches a DOM event instead of navigating.
    """

    label: str | Promise
    url: str = ""
    group: str | Promise = ""
    hint: str | Promise = ""
    icon: str = "arrow-right"
    drawer: bool = False
    event: str = ""


Provider = Callable[[HttpRequest, str], Iterable[PaletteItem]]
_providers: dict[str, Provider] = {}


def register(name: str, provider: Provider) -> None:
    """Add (or replace) the provider of that name."""
    _providers[name] = provider


def find(request: HttpRequest, query: str) -> list[PaletteItem]:
    """Everything that matches, pages first, then each provider in order of registration."""
    found = [item for item in _pages(request) if matches(query, str(item.label))]
    for provider in _providers.values():
        found.extend(list(provider(request, query))[:10])
    return found


def matches(query: str, label: str) -> bool:
    """Every word of the query starts a word of the label, or is contained in it."""
    folded = label.casefold()
    return all(word in folded for word in query.casefold().split())


def _pages(request: HttpRequest) -> list[PaletteItem]:
    return [
        PaletteItem(link.label, link.url, _("Pages"), f"G {link.key.upper()}" if link.key else "", link.icon)
        for link in navigation.links_for(request)
    ]
