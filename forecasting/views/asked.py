"""What every view of the forecast begins with: the question of its address."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from forecasting.domain.question import Question
from forecasting.forms import question_of
from forecasting.selectors.nodes import NotVisibleError
from organization.domain.roles import Capability
from organization.permissions import requires

Asked = Callable[[HttpRequest, Question], HttpResponse]


def asks(view: Asked) -> Callable[..., Any]:
    """Demands the right to see the forecast, parses the question; what is hidden is answered like what is not there."""

    @wraps(view)
    def parsed(request: HttpRequest) -> HttpResponse:
        try:
            return view(request, question_of(request.GET, request.viewer, timezone.now()))  # type: ignore[attr-defined]
        except NotVisibleError as error:
            raise Http404 from error

    return requires(Capability.VIEW_FORECAST)(parsed)
