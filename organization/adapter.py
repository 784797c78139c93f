"""Where others call us: the signals of signing in and out, and the command palette.

Signing in has no service of ours, so these are the only audit rows written from signals.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from organization.domain.roles import Capability
from organization.selectors.people import people_matching
from salesops.audit.record import record
from salesops.ui.palette import PaletteItem


def connect() -> None:
    """Listen to sign-ins, sign-outs and failed attempts."""
    user_logged_in.connect(_signed_in, dispatch_uid="organization.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="organization.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="organization.sign_in_failed")


def _signed_in(sender: Any, request: HttpRequest, user: Any, **_kwargs: Any) -> None:
    _write("SIGN_IN", user)


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
