"""Display preferences: kept with the account, and in one small cookie so that the first paint is already right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

YEAR: Final = 365 * 86_400
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


def kept_with(account: Any, *, nav: str = "open") -> Preferences:
    """What a login has chosen; the width of the navigation belongs to the screen, not to the account."""
    keys = "on" if getattr(account, "letter_keys", True) else "off"
    theme, density = getattr(account, "theme", ""), getattr(account, "density", "")
    return parse(f"theme.{theme}_density.{density}_nav.{nav}_keys.{keys}")


def shown_to(request: HttpRequest) -> Preferences:
    """This browser's choices; on a browser not seen before, those kept with the account."""
    cookie = request.COOKIES.get(settings.DISPLAY_COOKIE_NAME)
    user = getattr(request, "user", None)
    if cookie is None and user is not None and user.is_authenticated:
        return kept_with(user)
    return parse(cookie or "")


def remember(response: HttpResponse, chosen: Preferences, *, secure: bool) -> None:
    """Writes the cookie, as preferences.js does."""
    value = f"theme.{chosen.theme}_density.{chosen.density}_nav.{chosen.nav}_keys.{chosen.keys}"
    response.set_cookie(settings.DISPLAY_COOKIE_NAME, value, max_age=YEAR, samesite="Lax", secure=secure)
