"""Where others call us: the signals of signing in and out, and the command palette.

Signing in has no service of ours, so these are the only audit rows written from signals.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from organization.domain.roles import Capability
from organization.selectors import company, is_set_up
from organization.selectors.corrections import corrections_since_sign_in
from organization.selectors.people import people_matching
from salesops.audit.record import record
from salesops.ui import formats
from salesops.ui.palette import PaletteItem

CORRECTED = {
    "email": _lazy(
        "%(who)s changed the address with which you sign in from %(before)s to %(after)s: %(at)s."
    ),
    "name": _lazy("%(who)s changed your name from %(before)s to %(after)s: %(at)s."),
}
"""What is told of each field of a login that somebody else changed."""


def connect() -> None:
    """Listen to sign-ins, sign-outs and failed attempts."""
    user_logged_in.connect(_signed_in, dispatch_uid="organization.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="organization.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="organization.sign_in_failed")


def _signed_in(sender: Any, request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    told = _corrections(user)
    if told:
        messages.warning(request, told, fail_silently=True)
    _write("SIGN_IN", user)


def _corrections(user: Any) -> str:
    """What others changed of this login since the last sign-in, when and who, in the person's language; "" for nothing.

    Neither language nor zone are the person's yet: the request came from nobody.
    """
    zone, language = company().zone if is_set_up() else None, user.language or translation.get_language()
    with timezone.override(zone), translation.override(language):
        told = [
            CORRECTED[one.name]
            % {
                "who": event.actor_name, "before": one.before or formats.NONE, "after": one.after or formats.NONE,
                "at": formats.moment_in_zone(event.at),
            }
            for event in corrections_since_sign_in(user.pk)
            for one in event.differences
            if one.name in CORRECTED
        ]  # fmt: skip
        return " ".join([*told, _("If you did not ask for it, tell another administrator.")]) if told else ""


def _signed_out(sender: Any, request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    if user is not None:
        _write("SIGN_OUT", user)


def _write(verb: str, user: Any) -> None:
    record(
        actor_id=user.pk,
        actor_name=str(user),
        verb=verb,
        object_type="session",
        object_id=user.pk,
        label=str(user),
    )


def _failed(sender: Any, credentials: dict[str, Any], **_kwargs: Any) -> None:
    name = str(credentials.get("email") or credentials.get("username") or "")
    record(
        actor_id=None,
        actor_name="unknown",
        verb="SIGN_IN_FAILED",
        object_type="session",
        object_id="",
        label=name,
    )


def find_people(request: HttpRequest, query: str) -> list[PaletteItem]:
    """People the viewer may see whose name or title fits; at most ten."""
    scope = request.viewer
    if len(query.strip()) < 2 or not scope.can(Capability.VIEW_ORGANIZATION):
        return []
    return [
        PaletteItem(name, reverse("organization:person", args=[pk]), _("People"), title, "user", drawer=True)
        for pk, name, title in people_matching(scope, query.strip())
    ]
