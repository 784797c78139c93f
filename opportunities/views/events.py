"""Live updates: `/events` streams what changed for this viewer, `/events/poll` answers the same now and then."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils import timezone

from opportunities.domain.live import as_data
from opportunities.views.hub import HUB, READERS, Subscription, cursor_now, missed, reach_of, since_of
from organization.permissions import credential_of, requires

HERE_SECONDS = 20
"""A line that says nothing, so that no proxy takes the stream for dead, and a reader who has gone is noticed."""
ANEW_MS = (2000, 4000)
"""A browser opens a stream that has ended after so long, and up to so much longer: not all of them at once."""


class _Stream:
    """What one stream sends, until its viewer is no longer welcome."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription

    def close(self) -> None:
        """Called by the server when the reader has gone."""
        HUB.unsubscribe(self._subscription)

    async def __aiter__(self) -> AsyncIterator[str]:
        HUB.subscribe(self._subscription)
        yield f"retry: {ANEW_MS[0] + secrets.randbelow(ANEW_MS[1])}\n\n: here\n\n"
        while True:
            owners = await self._subscription.heard(HERE_SECONDS)
            if self._subscription.reach is None:
                return
            # Whoever comes back with this cursor must have been told what was before it.
            cursor = f"id: {HUB.cursor}\n" if self._subscription.is_caught_up else ""
            yield cursor + (": here\n\n" if owners is None else _message(owners))


def _message(owners: tuple[int, ...]) -> str:
    data = json.dumps(as_data(owners, timezone.now().isoformat()))
    return f"event: changed\ndata: {data}\n\n"


@requires(*READERS)
def events(request: HttpRequest) -> StreamingHttpResponse:
    """A stream of `changed` events with the owners concerned, as far as this viewer may see their deals."""
    cursor = request.headers.get("Last-Event-ID") or request.GET.get("since", "")
    viewer = request.viewer  # type: ignore[attr-defined]
    stream = _Stream(Subscription(credential_of(request), reach_of(viewer), cursor))
    unbuffered = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(stream, content_type="text/event-stream", headers=unbuffered)


@requires(*READERS)
def poll(request: HttpRequest) -> HttpResponse:
    """`{cursor, events}` since `?since=`; the first call only gives the cursor to go on from."""
    cursor = cursor_now()  # read first: what is written meanwhile is told again rather than never
    news = missed(since_of(request.GET.get("since", "")))
    owners = reach_of(request.viewer).hears(news)  # type: ignore[attr-defined]
    told = [] if owners is None else [as_data(owners, timezone.now().isoformat())]
    return JsonResponse({"cursor": cursor, "events": told}, headers={"Cache-Control": "no-store"})
