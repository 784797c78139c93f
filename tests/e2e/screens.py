"""The declared list of screens: which page, for whom, how to reach it. The screenshots and the page tests walk it."""

from __future__ import annotations

from dataclasses import dataclass

EVERYONE = ("REP", "MANAGER", "OPS", "ADMIN", "EXECUTIVE", "FINANCE", "AUDITOR")
FORECASTERS = ("REP", "MANAGER", "OPS", "EXECUTIVE", "FINANCE", "AUDITOR")


@dataclass(frozen=True)
class Screen:
    """A page and the roles that have it. `click` is a selector pressed after loading (a drawer, a menu)."""

    name: str
    path: str
    roles: tuple[str, ...]
    click: str = ""
    phone: bool = True


SCREENS: tuple[Screen, ...] = (
    Screen("home", "/", EVERYONE),
    Screen("forecast", "/forecast/", FORECASTERS),
    Screen("my-deals", "/deals/", FORECASTERS),
)
