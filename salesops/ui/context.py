"""Context processor of the shell. Cheap: one cookie, the registry, no database query."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from salesops.ui import navigation, preferences


def shell(request: HttpRequest) -> dict[str, Any]:
    """Preferences, navigation, endpoints and the texts scripts need; ``base_template`` fits page or drawer."""
    return {
        "ui": SimpleLazyObject(lambda: preferences.shown_to(request)),
        "nav_links": SimpleLazyObject(lambda: navigation.links_for(request)),
        "shell_urls": SimpleLazyObject(lambda: _urls(request)),
        "shell_texts": texts,  # called only where a template prints it
        "languages": settings.LANGUAGES,
        "zone": timezone.get_current_timezone_name(),
        "display_cookie": settings.DISPLAY_COOKIE_NAME,
        "base_template": _base_template(request),
    }


def _base_template(request: HttpRequest) -> str:
    htmx = getattr(request, "htmx", None)
    return "base_drawer.html" if htmx and htmx.target == "drawer-host" else "base.html"


SHELL_ROUTES = {
    "palette": "ui:palette",
    "events": "events",
    "poll": "events_poll",
    "help": "help",
    "logout": "account_logout",
    "login": "account_login",
    "password": "account_change_password",
    "mfa": "mfa_index",
    "account": "organization:account",
    "keep_display": "organization:keep_display",
    "language": "organization:language",
}


def _urls(request: HttpRequest) -> dict[str, str]:
    """Addresses of the shell's own controls, "" for what does not exist or is not open to this viewer."""
    return {key: navigation.address(request, name) for key, name in SHELL_ROUTES.items()}


def texts() -> dict[str, str]:
    """Words the scripts say, in the viewer's language (rendered once as JSON data)."""
    return _texts(get_language())


@lru_cache(maxsize=8)
def _texts(_language: str | None) -> dict[str, str]:
    return {
        "undo": _("Undo"),
        "undone": _("Undone."),
        "nothingToUndo": _("Nothing to undo."),
        "undoFailed": _("Could not undo. The data may have changed meanwhile."),
        "dismiss": _("Dismiss"),
        "saving": _("Saving"),
        "saved": _("Saved"),
        "saveFailed": _("Not saved: the server could not be reached. Your earlier value is shown."),
        "refused": _("Not saved."),
        "conflict": _("Changed by someone else meanwhile"),
        "theirs": _("Now"),
        "yours": _("Yours"),
        "keepTheirs": _("Keep theirs"),
        "useMine": _("Use mine"),
        "cancel": _("Cancel"),
        "closeWon": _("Close as won"),
        "closeWonAsked": _("Close as won?"),
        "closeLost": _("Close as lost"),
        "closeLostAsked": _("Close as lost?"),
        "copied": _("Link copied"),
        "copyFailed": _("Could not copy. The address bar has the link."),
        "unsaved": _("You have changes that are not saved."),
        "failed": _("That did not work. Please try again."),
        "forbidden": _("You may not do this."),
        "signedOut": _("You have been signed out. Sign in again to continue."),
        "offline": _("The server cannot be reached. Trying again."),
        "refresh": _("New data: refresh"),
        "chartFailed": _("The chart could not be drawn. The table has the same figures."),
        "passkeyFailed": _("That did not work, or was cancelled. Please try again."),
        "passkeyAddress": _("Browsers offer passkeys only at an address with a name, such as localhost."),
        "showTable": _("Show as table"),
        "showChart": _("Show as chart"),
        "noResults": _("Nothing found for that."),
        "loading": _("Loading"),
        "selected": _("selected"),
        "loaded": _("Loaded"),
        "justNow": _("just now"),
    }
