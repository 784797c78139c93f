"""Where do I stand? The signed-in person's own number, as a card for other pages and as a page."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from forecasting.domain.question import Question, TreeName
from forecasting.selectors.board import board
from forecasting.views import labels
from forecasting.views.asked import asks
from forecasting.views.shown import Shown


@require_GET
@asks
def my_number(request: HttpRequest, question: Question) -> HttpResponse:
    """Quota, won, commit and gap of the person who asks; nothing for a login that is no person's."""
    viewer = request.viewer  # type: ignore[attr-defined]
    if viewer.person_id is None or not viewer.sees_person(viewer.person_id):
        return HttpResponse("")
    own = replace(question, tree=TreeName.PEOPLE, top=viewer.person_id, opened=frozenset(), at=None)
    found = board(viewer, own)
    context = {
        "board": found,
        "question": own,
        "a": found.answer,
        "moved_words": labels.moved_words(found.answer, own),
        "strip": Shown(request, found).strip(),
    }
    part = (
        "forecasting/_my_number.html" if request.headers.get("HX-Request") else "forecasting/my_number.html"
    )
    return render(request, part, context)
