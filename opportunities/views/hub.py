"""One poller per web process: reads what was appended to the history, or withdrawn, and tells every open stream.

It also asks, for all of them at once, who is still welcome. So a stream takes neither a thread nor a connection, and
thousands of open pages cost what one does and the writing of a line to each.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import structlog
from django.db import connection

from opportunities.domain.live import News, Reach, Tail
from opportunities.selectors.live import (
    act_ids_after,
    changes_of,
    last_act_id,
    last_version_id,
    version_id_before,
    version_ids_after,
    versions_since,
    withdrawn_by,
    withdrawn_since,
)
from organization.domain.credential import Credential
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.selectors.welcome import still_welcome

log = structlog.get_logger(__name__)
PERIOD_SECONDS = 0.2
RETRY_SECONDS = 2.0
CHECK_SECONDS = 10.0
"""How long somebody who was signed out, deactivated or moved may go on hearing as before."""
OVERLAP = 30
"""Seconds a page that comes back is told again: a transaction may commit later than the ids it took."""
RENDERING = 5
"""A page may show what was so this many seconds before it was rendered."""
LONGEST_BACK = 600
"""Seconds. Whoever asks for what happened before is told that anything may have: that costs nothing, however many come
back after a night in which an import changed everything."""
READERS = (Capability.VIEW_DEALS, Capability.VIEW_FORECAST)
_CURSOR = re.compile(r"\.?[0-9]{1,11}")


def cursor_now() -> str:
    """Where to go on from: a time, since the number of the newest version would tell how much all others write."""
    return str(int(time.time()))


def since_of(cursor: str) -> float:
    """The time a cursor this server gave asks from: `SECONDS` of a stream, `.SECONDS` of a page as rendered."""
    if not _CURSOR.fullmatch(cursor):
        return time.time() - RENDERING
    return int(cursor.lstrip(".")) - (RENDERING if cursor.startswith(".") else OVERLAP)


def missed(since: float) -> News:
    """What happened since a time, from the database."""
    if time.time() - since > LONGEST_BACK:
        return News(is_all=True)
    at = dt.datetime.fromtimestamp(since, dt.UTC)
    return News.of(changes_of(versions_since(version_id_before(at), at)) + withdrawn_since(at))


def reach_of(scope: Scope) -> Reach:
    """What a viewer may hear of."""
    return Reach(scope.everything, scope.person_ids, scope.won_only_everywhere)


class Subscription:
    """A stream's ear. Owners of changed deals within `reach` gather until the stream takes them.

    `reach` is None once its viewer is no longer welcome. The poller's thread offers, the stream's event loop takes.
    """

    def __init__(self, credential: Credential, reach: Reach, cursor: str) -> None:
        self.credential, self.since = credential, since_of(cursor)
        self.reach: Reach | None = reach
        self.is_caught_up = False
        self._owners: set[int] | None = None
        self._lock = threading.Lock()
        self._wake: Callable[[], object] = lambda: None
        self._something: asyncio.Event | None = None

    def offer(self, news: News) -> None:
        """Tells the stream, if any of it concerns its viewer."""
        owners = self.reach.hears(news) if self.reach is not None else None
        if owners is not None:
            with self._lock:
                self._owners = (self._owners or set()).union(owners)
            self._wake()

    def may(self, reach: Reach | None) -> None:
        """What the viewer may hear of from now on; None ends the stream."""
        self.reach = reach
        if reach is None:
            self._wake()

    async def heard(self, seconds: float) -> tuple[int, ...] | None:
        """Owners of what has changed, sorted, as soon as there are any; None when time is up, or the stream is over."""
        if self._something is None:
            loop, something = asyncio.get_running_loop(), asyncio.Event()
            self._something, self._wake = something, lambda: loop.call_soon_threadsafe(something.set)
        if self._owners is None and self.reach is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._something.wait(), seconds)
        self._something.clear()
        with self._lock:
            owners, self._owners = self._owners, None
        return None if owners is None else tuple(sorted(owners))


class Hub:
    """Starts its thread with the first stream and ends it with the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._behind: set[Subscription] = set()
        self._thread: threading.Thread | None = None
        self._seen = 0.0
        self._began = 0.0
        """The poller has heard of everything from `_began` to `_seen`: the news of the last minutes are `_recent`."""
        self._recent: deque[tuple[float, News]] = deque()

    @property
    def cursor(self) -> str:
        """Where a stream that has been told everything goes on from: no later than the poller has looked."""
        return str(int(self._seen))

    def subscribe(self, subscription: Subscription) -> None:
        """From now on it hears of what changes, and soon of what did since its cursor; `unsubscribe` ends it."""
        with self._lock:
            self._subscriptions.add(subscription)
            self._behind.add(subscription)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live-updates", daemon=True)
                self._thread.start()

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget the ear."""
        with self._lock:
            self._subscriptions.discard(subscription)
            self._behind.discard(subscription)

    def _goes_on(self) -> bool:
        with self._lock:
            if self._subscriptions:
                return True
            self._thread = None
            return False

    def _run(self) -> None:
        tails: tuple[Tail, Tail] | None = None
        checked = time.monotonic()
        while self._goes_on():
            try:
                if time.monotonic() - checked >= CHECK_SECONDS:
                    self._check()
                    checked = time.monotonic()
                tails = tails or self._begin()
                self._poll(*tails)
                self._catch_up()
                time.sleep(PERIOD_SECONDS)
            except Exception:
                log.warning("live_updates_interrupted", exc_info=True)
                tails = None
                self._fall_behind()
                connection.close()
                time.sleep(RETRY_SECONDS)
        connection.close()

    def _begin(self) -> tuple[Tail, Tail]:
        self._began = self._seen = time.time()
        self._recent.clear()
        return Tail(last_version_id()), Tail(last_act_id())

    def _fall_behind(self) -> None:
        """After an interruption nobody may miss what was written in it, nor what was read and not told."""
        with self._lock:
            for subscription in self._subscriptions - self._behind:
                subscription.since, subscription.is_caught_up = self._seen - OVERLAP, False
                self._behind.add(subscription)

    def _poll(self, versions: Tail, acts: Tail) -> None:
        now, at = time.monotonic(), time.time()
        new = versions.news(version_ids_after(versions.floor), now)
        done = acts.news(act_ids_after(acts.floor), now)
        news = News.of((changes_of(new) if new else []) + (withdrawn_by(done) if done else []))
        if news.is_any:
            self._recent.append((at, news))
            for subscription in self._all():
                self._tell(subscription, news)
        while self._recent and self._recent[0][0] < at - LONGEST_BACK - OVERLAP:
            self._recent.popleft()
        self._seen = at

    def _catch_up(self) -> None:
        """What happened before a stream was there: once for all that have come, from what the poller still knows, or
        from the database when one asks from before it began."""
        with self._lock:
            behind = list(self._behind)
        recent = [subscription for subscription in behind if time.time() - subscription.since <= LONGEST_BACK]
        news = News()
        if recent:
            oldest = min(subscription.since for subscription in recent)
            if oldest < self._began:
                news = missed(oldest)
            else:
                news = News.together(told for at, told in self._recent if at >= oldest)
        for subscription in behind:
            self._tell(subscription, news if subscription in recent else News(is_all=True))
            subscription.is_caught_up = True
            with self._lock:
                self._behind.discard(subscription)

    def _check(self) -> None:
        """Who is still welcome, and reaches what."""
        subscriptions = self._all()
        welcome = still_welcome({subscription.credential for subscription in subscriptions})
        for subscription in subscriptions:
            scope = welcome.get(subscription.credential, Scope())
            try:
                subscription.may(reach_of(scope) if any(map(scope.can, READERS)) else None)
            except RuntimeError:  # its loop has ended
                self.unsubscribe(subscription)

    def _tell(self, subscription: Subscription, news: News) -> None:
        try:
            subscription.offer(news)
        except RuntimeError:  # its loop has ended
            self.unsubscribe(subscription)

    def _all(self) -> list[Subscription]:
        with self._lock:
            return list(self._subscriptions)


HUB = Hub()
