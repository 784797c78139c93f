"""What a view says back to the person: toasts (with undo) and change notices, as htmx response headers."""

from __future__ import annotations

import json

from django.http import HttpResponse
from django.utils.functional import Promise

HEADER = "HX-Trigger"


def _trigger(response: HttpResponse, name: str, detail: dict[str, object]) -> HttpResponse:
    raw = response.headers.get(HEADER)
    events = json.loads(raw) if raw else {}
    events[name] = detail
    response.headers[HEADER] = json.dumps(events)  # ASCII: headers are latin-1
    return response


def toast(
    response: HttpResponse, message: str | Promise, *, undo_url: str = "", level: str = "info"
) -> HttpResponse:
    """Show ``message``; with ``undo_url`` it offers Undo for ten seconds (button and ``Z``), which POSTs there."""
    return _trigger(response, "salesops:toast", {"message": str(message), "undo": undo_url, "level": level})


def changed(response: HttpResponse, **detail: object) -> HttpResponse:
    """Tell the page something changed (same event as the live stream), so that parts listening to it refetch."""
    return _trigger(response, "salesops:changed", detail)


def close_drawer(response: HttpResponse) -> HttpResponse:
    """Close the right drawer after the response has been handled."""
    return _trigger(response, "salesops:close-drawer", {})
