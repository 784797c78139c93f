"""One poller per web process: reads what was appended to the history, or withdrawn, and tells every open stream."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field

import structlog
from django.db import connection

from opportunities.domain.live import Change, Tail
from opportunities.selectors.live import (
    act_ids_after,
    changes_of,
    last_act_id,
    last_version_id,
    version_ids_after,
    withdrawn_by,
)

log = structlog.get_logger(__name__)
PERIOD_SECONDS = 0.2
RETRY_SECONDS = 2.0
QUEUE_LENGTH = 100


@dataclass(eq=False)
class Subscription:
    """A stream's ear: batches of changes arrive in `queue`. When it overflows, `lost` says so."""

    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[list[Change]] = field(default_factory=lambda: asyncio.Queue(QUEUE_LENGTH))
    lost: bool = False

    def offer(self, changes: list[Change]) -> None:
        """Called from the poller's thread."""
        self.loop.call_soon_threadsafe(self._put, changes)

    def _put(self, changes: list[Change]) -> None:
        if self.queue.full():
            self.lost = True
        else:
            self.queue.put_nowait(changes)


class Hub:
    """Starts its thread with the first stream and ends it with the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._thread: threading.Thread | None = None

    def subscribe(self) -> Subscription:
        """A new ear of the running event loop. Call `unsubscribe` at the end."""
        subscription = Subscription(asyncio.get_running_loop())
        with self._lock:
            self._subscriptions.add(subscription)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live-updates", daemon=True)
                self._thread.start()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget the ear."""
        with self._lock:
            self._subscriptions.discard(subscription)

    def _goes_on(self) -> bool:
        with self._lock:
            if self._subscriptions:
                return True
            self._thread = None
            return False

    def _run(self) -> None:
        tails: tuple[Tail, Tail] | None = None
        while self._goes_on():
            try:
                tails = tails or (Tail(last_version_id()), Tail(last_act_id()))
                self._poll(*tails)
                time.sleep(PERIOD_SECONDS)
            except Exception:
                log.warning("live_updates_interrupted", exc_info=True)
                connection.close()
                time.sleep(RETRY_SECONDS)
        connection.close()

    def _poll(self, versions: Tail, acts: Tail) -> None:
        now = time.monotonic()
        new = versions.news(version_ids_after(versions.floor), now)
        done = acts.news(act_ids_after(acts.floor), now)
        changes = (changes_of(new) if new else []) + (withdrawn_by(done) if done else [])
        if not changes:
            return
        with self._lock:
            subscriptions = list(self._subscriptions)
        for subscription in subscriptions:
            try:
                subscription.offer(changes)
            except RuntimeError:  # its loop has ended
                self.unsubscribe(subscription)


HUB = Hub()
