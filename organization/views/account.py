"""One's own account: how the pages look, and where one is signed in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from organization import services
from organization.domain.roles import Capability
from organization.forms import PreferencesForm
from organization.permissions import requires, signed_in
from salesops.ui import preferences as ui_preferences
from salesops.ui.form_page import done, form_page

SELF = Capability.USE_SELF_SERVICE


@requires(SELF)
def preferences(request: HttpRequest) -> HttpResponse:
    """Name, language, theme, density, letter keys; links to password, second factor and sessions."""
    scope, user = request.viewer, signed_in(request)
    shown = ui_preferences.shown_to(request)
    form = PreferencesForm(
        request.POST or None,
        initial={
            "name": user.name, "language": user.language, "theme": shown.theme,
            "density": shown.density, "letter_keys": shown.keys == "on",
        },
    )  # fmt: skip
    chosen: dict[str, Any] = {}

    def save(data: dict[str, Any]) -> str:
        services.save_preferences(scope=scope, **data)
        chosen.update(data)
        with translation.override(data["language"] or translation.get_language_from_request(request)):
            return _("Saved.")

    response = form_page(
        request, form, title=_("Your account"), submit=_("Save"), save=save,
        back=reverse("organization:account"), template="organization/account.html",
        context={"role_label": scope.role_label, "person_id": scope.person_id},
    )  # fmt: skip
    if chosen:
        _remember(response, request, chosen, shown.nav)
    return response


def _remember(response: HttpResponse, request: HttpRequest, chosen: dict[str, Any], nav: str) -> None:
    """Cookies, so that the first paint of the next page is right already."""
    secure = request.is_secure()
    keys = "on" if chosen["letter_keys"] else "off"
    display = ui_preferences.Preferences(chosen["theme"], chosen["density"], nav, keys)
    ui_preferences.remember(response, display, secure=secure)
    if not chosen["language"]:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, samesite="Lax")
        return
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen["language"],
        max_age=ui_preferences.YEAR,
        samesite="Lax",
        secure=secure,
        httponly=True,
    )


@require_POST
@requires(SELF)
def keep_display(request: HttpRequest) -> HttpResponse:
    """Keep with the account what the user menu has just written into this browser's cookie."""
    shown = ui_preferences.shown_to(request)
    services.save_preferences(
        scope=request.viewer, theme=shown.theme, density=shown.density, letter_keys=shown.keys == "on"
    )
    return HttpResponse(status=204)


@require_POST
@requires(SELF)
def language(request: HttpRequest) -> HttpResponse:
    """Change the language here at once, and keep it with the account."""
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        services.save_preferences(scope=request.viewer, language=chosen)
    return set_language(request)


@require_POST
@requires(SELF)
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """End every other session of one's own."""
    services.sign_out_everywhere(user_id=request.viewer.user_id, scope=request.viewer)
    user = signed_in(request)
    user.refresh_from_db(fields=["session_epoch"])
    update_session_auth_hash(request, user)
    return done(request, reverse("organization:account"), _("Every other session has ended."))
