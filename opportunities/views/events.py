"""Live updates: `/events` streams what changed for this viewer, `/events/poll` answers the same now and then."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import time
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from opportunities.domain.live import Change, Reach, as_data
from opportunities.selectors.live import (
    changes_of,
    version_id_before,
    versions_since,
    withdrawn_since,
)
from opportunities.views.hub import HUB
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.permissions import requires
from organization.scope import scope_for

CHECK_SECONDS = 10
OVERLAP = dt.timedelta(seconds=30)
"""A transaction may commit later than the ids it took; a page that polls looks back so far."""
RENDERING = dt.timedelta(seconds=5)
"""A page may show what was so this long before it was rendered."""
_CURSOR = re.compile(r"\.?[0-9]{1,11}")
_READERS = (Capability.VIEW_DEALS, Capability.VIEW_FORECAST)


def _reach(scope: Scope) -> Reach:
    return Reach(scope.everything, scope.person_ids, scope.won_only_everywhere)


def _cursor() -> str:
    """Where to go on from: a time, since the number of the newest version would tell how much all others write."""
    return str(int(timezone.now().timestamp()))


def _missed(cursor: str) -> list[Change]:
    """What happened since a cursor this server gave: `SECONDS` of a stream, `.SECONDS` of a page as rendered."""
    if not _CURSOR.fullmatch(cursor):
        cursor = "." + _cursor()
    back = RENDERING if cursor.startswith(".") else OVERLAP
    since = dt.datetime.fromtimestamp(int(cursor.lstrip(".")), dt.UTC) - back
    return changes_of(versions_since(version_id_before(since), since)) + withdrawn_since(since)


def _message(owners: tuple[int, ...]) -> str:
    data = json.dumps(as_data(owners, timezone.now().isoformat()))
    return f"id: {_cursor()}\nevent: changed\ndata: {data}\n\n"


@sync_to_async
def _still_welcome(user_id: int) -> Reach | None:
    """The viewer's reach afresh; None once signed out of the right or deactivated."""
    try:
        user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
        scope = scope_for(user) if user else Scope()
        return _reach(scope) if any(scope.can(capability) for capability in _READERS) else None
    finally:
        _release()


def _release() -> None:
    """Give the connection back: a stream must not hold one for hours."""
    if not connection.in_atomic_block:
        connection.close()


@requires(*_READERS)
async def events(request: HttpRequest) -> HttpResponseBase:
    """A stream of `changed` events with the owners concerned, as far as this viewer may see their deals."""
    cursor = request.headers.get("Last-Event-ID") or request.GET.get("since", "")
    user_id, reach = await _viewer(request)
    unbuffered = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = _stream(user_id, reach, cursor)
    return StreamingHttpResponse(stream, content_type="text/event-stream", headers=unbuffered)


@sync_to_async
def _viewer(request: HttpRequest) -> tuple[int, Reach]:
    scope = request.viewer  # type: ignore[attr-defined]
    return scope.user_id, _reach(scope)


@sync_to_async
def _caught_up(cursor: str) -> list[Change]:
    try:
        return _missed(cursor)
    finally:
        _release()


async def _stream(user_id: int, reach: Reach, cursor: str) -> AsyncIterator[str]:
    subscription = HUB.subscribe()
    try:
        caught_up = _cursor()
        changes = await _caught_up(cursor)
        checked = time.monotonic()
        yield f"retry: 3000\nid: {caught_up}\n\n"
        while True:
            owners = reach.hears(changes)
            yield ": here\n\n" if owners is None else _message(owners)
            changes = await _next(subscription.queue, max(CHECK_SECONDS - (time.monotonic() - checked), 0.01))
            if time.monotonic() - checked < CHECK_SECONDS:
                continue
            fresh = await _still_welcome(user_id)
            if fresh is None or subscription.lost:
                return
            reach, checked = fresh, time.monotonic()
    finally:
        HUB.unsubscribe(subscription)


async def _next(queue: asyncio.Queue[list[Change]], seconds: float) -> list[Change]:
    """The next batch, joined with what has arrived meanwhile; nothing when time is up."""
    try:
        changes = list(await asyncio.wait_for(queue.get(), seconds))
    except TimeoutError:
        return []
    while not queue.empty():
        changes += queue.get_nowait()
    return changes


@requires(*_READERS)
def poll(request: HttpRequest) -> HttpResponse:
    """`{cursor, events}` since `?since=`; the first call only gives the cursor to go on from."""
    cursor = _cursor()  # read first: what is written meanwhile is told again rather than never
    owners = _reach(request.viewer).hears(_missed(request.GET.get("since", "")))  # type: ignore[attr-defined]
    told = [] if owners is None else [as_data(owners, timezone.now().isoformat())]
    return JsonResponse({"cursor": cursor, "events": told}, headers={"Cache-Control": "no-store"})
