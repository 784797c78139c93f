"""One's own tokens: made, shown once, revoked."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from organization import services
from organization.domain.roles import Capability
from organization.forms import TokenForm
from organization.permissions import requires
from organization.selectors.tokens import tokens_of
from organization.services import OrganizationError
from salesops.ui.form_page import press

SELF = Capability.USE_SELF_SERVICE


@requires(SELF)
@never_cache  # inside: an answer with a token must say so before it could be kept for a repeated request
def tokens(request: HttpRequest) -> HttpResponse:
    """The list, the form, and right after making one the token itself: nowhere else and never again."""
    form, made = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            _id, made = services.create_token(
                user_id=request.viewer.user_id,
                scope=request.viewer,
                **form.cleaned_data,  # type: ignore[attr-defined]
            )
            form = TokenForm()
        except OrganizationError as error:
            form.add_error(error.field or None, _(error.message))
    status = 422 if form.errors else 200
    context = {"form": form, "made": made, "tokens": tokens_of(request.viewer)}  # type: ignore[attr-defined]
    return render(request, "organization/tokens.html", context, status=status)


@require_POST
@requires(SELF)
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """End one at once."""
    viewer = request.viewer  # type: ignore[attr-defined]
    return press(
        request,
        lambda: services.revoke_token(token_id=token_id, user_id=viewer.user_id, scope=viewer),
        back=reverse("organization:tokens"),
        message=_("The token is revoked: the next request with it is refused."),
    )
