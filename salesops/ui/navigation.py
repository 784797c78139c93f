"""The navigation registry: apps say at start-up which pages they offer; the shell shows those a viewer may open.

In an app's ``AppConfig.ready``::

    from salesops.ui.navigation import NavItem, register
    register(NavItem(_("Forecast"), "forecasting:home", icon="trending-up", key="f", capability="VIEW_FORECAST"))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True)
class NavItem:
    """A page of the left navigation.

    ``key`` is the letter after ``G``; ``capability`` one (or several, any of which will do) of Capability;
    ``prefixes`` are further URL prefixes under which the item counts as current; ``group`` is the heading above it.
    """

    label: Text
    url_name: str
    icon: str = "circle"
    key: str = ""
    capability: object = None
    order: int = 100
    group: Text = ""
    prefixes: tuple[str, ...] = ()
    visible: Callable[[HttpRequest], bool] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class NavLink:
    """A navigation item resolved for one request, in its language."""

    label: str
    url: str
    icon: str
    key: str
    group: str
    current: bool


_items: dict[str, NavItem] = {}


def register(*items: NavItem) -> None:
    """Add items; the same ``url_name`` again replaces the earlier one, so reloads do no harm."""
    for item in items:
        _items[item.url_name] = item


def registered() -> list[NavItem]:
    """All items in the order they are shown."""
    return sorted(_items.values(), key=lambda item: (item.order, str(item.label)))


def allowed(request: HttpRequest, capability: object) -> bool:
    """Whether the viewer has the capability (one of several); signed-in is enough while no viewer is attached."""
    user = getattr(request, "user", None)
    if capability is None:
        return bool(user and user.is_authenticated)
    can = getattr(getattr(request, "viewer", None), "can", None)
    if can is None or not (user and user.is_authenticated):
        return bool(user and user.is_authenticated)
    wanted = capability if isinstance(capability, tuple | list | frozenset | set) else (capability,)
    return any(can(one) for one in wanted)


@lru_cache(maxsize=256)
def _route(url_name: str) -> tuple[str, Any]:
    """Address of a route, and the rule its view carries (organization.permissions); ("", None) without a route."""
    try:
        url = reverse(url_name)
        return url, getattr(resolve(url).func, "access_rule", None)
    except (NoReverseMatch, Resolver404):
        return "", None


def address(request: HttpRequest, url_name: str) -> str:
    """Address of a route this viewer may open; "" when there is none or its own rule refuses."""
    url, rule = _route(url_name)
    viewer = getattr(request, "viewer", None)
    if rule is not None and viewer is not None and not rule.allows(viewer, "GET"):
        return ""
    return url


def links_for(request: HttpRequest) -> list[NavLink]:
    """The links this viewer may follow; items whose route does not exist are left out."""
    links = []
    for item in registered():
        if not allowed(request, item.capability) or (item.visible and not item.visible(request)):
            continue
        url = address(request, item.url_name)
        if not url:
            continue
        links.append(
            NavLink(
                str(item.label),
                url,
                item.icon,
                item.key,
                str(item.group),
                _is_current(request.path, url, item),
            )
        )
    return links


def _is_current(path: str, url: str, item: NavItem) -> bool:
    if url == "/":
        return path == "/" or any(path.startswith(prefix) for prefix in item.prefixes)
    return any(path.startswith(prefix) for prefix in (url, *item.prefixes))
