"""Display preferences of this browser, kept in one small cookie so that the first paint is already right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COOKIE: Final = "salesops_ui"
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "theme": ("auto", "light", "dark"),
    "density": ("comfortable", "compact"),
    "nav": ("open", "slim"),
    "keys": ("on", "off"),
}


@dataclass(frozen=True)
class Preferences:
    """Theme, density, navigation width and whether single-letter keys act (WCAG 2.1.4)."""

    theme: str = "auto"
    density: str = "comfortable"
    nav: str = "open"
    keys: str = "on"


def parse(cookie: str) -> Preferences:
    """Preferences from ``theme.dark_density.compact``; unknown names and values are ignored."""
    chosen: dict[str, str] = {}
    for part in cookie[:200].split("_"):
        name, _, value = part.partition(".")
        if value in CHOICES.get(name, ()):
            chosen[name] = value
    return Preferences(**chosen)
