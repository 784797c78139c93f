"""`manage.py beat`: the clock of the installation. Any number may run; each task is done by one at a time."""

import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from salesops.jobs import schedule, services
from salesops.jobs.registry import Periodic

log = structlog.get_logger(__name__)
POLL_SECONDS = 0.3
LANES = (("interactive", "rollups"), ("imports", "analytics"))
AT_ONCE = 4
"""Periodic tasks that run side by side."""


class Command(BaseCommand):
    """Runs periodic tasks every second they are due; with --run-jobs also the jobs, where there is no broker."""

    help = "Run periodic tasks (sweeper, roll-up folder …). Any number of processes may run this at once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the options."""
        parser.add_argument(
            "--run-jobs",
            action="store_true",
            help="also do the jobs, by polling the table (no Redis, no Celery)",
        )
        parser.add_argument("--once", action="store_true", help="run what is due now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until a signal arrives."""
        if options["once"]:
            for task in schedule.due():
                schedule.run_if_free(task)
            if options["run_jobs"]:
                services.drain()
            return
        over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: over.set())
        lanes = [threading.Thread(target=_work, args=(lane, over)) for lane in LANES if options["run_jobs"]]
        for lane in lanes:
            lane.start()
        try:
            _tick(over, lanes)
        finally:
            over.set()
            for lane in lanes:
                lane.join()


def _tick(over: threading.Event, lanes: Sequence[threading.Thread]) -> None:
    """Every half second: hand each due task that is not running here already to a thread.

    Raises `CommandError` when one of the threads has died, for want of memory say: whoever looks after this process
    starts another, whose threads are whole.
    """
    running: set[str] = set()
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="periodic") as pool:
        together = threading.Barrier(AT_ONCE)
        # All threads now: one begun while memory is short may never begin, and this loop would wait for it for ever.
        threads = [*lanes, *pool.map(lambda _: _met(together), range(AT_ONCE))]
        while not over.wait(0.5):
            if dead := [thread.name for thread in threads if not thread.is_alive()]:
                raise CommandError(
                    f"These threads have died: {', '.join(dead)}. The clock has to start anew."
                )
            try:
                tasks = schedule.due()
            except DatabaseError:
                log.warning("beat_database_away", exc_info=True)
                connection.close()
                over.wait(1)
                continue
            for task in tasks:
                if task.name not in running:
                    running.add(task.name)
                    pool.submit(_run, task, running)


def _met(together: threading.Barrier) -> threading.Thread:
    """This thread, once all have begun."""
    together.wait()
    return threading.current_thread()


def _run(task: Periodic, running: set[str]) -> None:
    try:
        schedule.run_if_free(task)
    except Exception:
        log.exception("beat_task_failed", task=task.name)
        connection.close()
    finally:
        running.discard(task.name)


def _work(queues: tuple[str, ...], over: threading.Event) -> None:
    """Does waiting jobs of some queues, one after another."""
    while not over.wait(POLL_SECONDS):
        try:
            while not over.is_set() and services.drain(queues=queues, limit=1):
                pass
        except Exception:
            log.exception("job_lane_failed", queues=queues)
            connection.close()
            over.wait(2)
