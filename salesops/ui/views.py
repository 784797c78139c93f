"""Pages of the shell itself: the palette's answers and the style guide."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from salesops.ui import palette, styleguide


@require_GET
@login_required
def palette_view(request: HttpRequest) -> JsonResponse:
    """``GET /palette?q=``: what the command palette offers for the query."""
    items = palette.find(request, request.GET.get("q", "").strip()[:100])
    answer = [
        {
            "label": str(item.label),
            "url": item.url,
            "group": str(item.group),
            "hint": str(item.hint),
            "drawer": item.drawer,
            "event": item.event,
        }
        for item in items
    ]
    return JsonResponse({"items": answer})


def _may_see_styleguide(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return bool(settings.DEBUG or (user and user.is_authenticated and getattr(user, "is_staff", False)))


@require_GET
def styleguide_view(request: HttpRequest) -> HttpResponse:
    """Every component on one page, for those who build pages; hidden from everybody else."""
    if not _may_see_styleguide(request):
        raise Http404
    return render(request, "styleguide/index.html", styleguide.context(request))


@require_GET
def styleguide_drawer(request: HttpRequest) -> HttpResponse:
    """Sample content for the drawer of the style guide."""
    if not _may_see_styleguide(request):
        raise Http404
    return render(request, "styleguide/drawer.html", styleguide.context(request))
