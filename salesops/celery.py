"""Celery: the nudge, never the truth. Jobs are rows of `salesops.jobs`; a message carries only a job's id.

There is no Celery beat: `manage.py beat` is the clock, which needs no broker, keeps no file, and may run twice.
"""

import os

from celery import Celery
from celery.signals import worker_init
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu import Queue

from salesops.wall.context import this_program_is

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.settings")

QUEUES = ("interactive", "rollups", "imports", "analytics")

app = Celery("salesops")
app.steps["worker"].add(DjangoStructLogInitStep)


def _configure() -> None:
    from django.conf import settings

    app.conf.update(
        broker_url=_broker_url(settings.REDIS_URL),
        # A message unacknowledged for longer than any job may last is delivered again; the row decides what that means.
        broker_transport_options={
            "visibility_timeout": settings.JOB_TIME_LIMIT + 300,
            "socket_connect_timeout": 2,
            # Publishing happens while somebody waits for a page: one try, no pauses (the default waits six seconds).
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0,
            "interval_max": 0,
        },
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        result_backend=None,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_queues=[Queue(name, exchange=name, routing_key=name) for name in QUEUES],
        task_default_queue="interactive",
        task_default_exchange="interactive",
        task_default_routing_key="interactive",
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        task_soft_time_limit=settings.JOB_TIME_LIMIT - 30,
        task_time_limit=settings.JOB_TIME_LIMIT,
        worker_max_memory_per_child=1_500_000,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        enable_utc=True,
        timezone="UTC",
    )
    app.autodiscover_tasks()


def _broker_url(url: str) -> str:
    """kombu's spelling of a Redis URL: a Unix socket is `redis+socket://`."""
    if url.startswith("unix://"):
        return "redis+socket://" + url.removeprefix("unix://").replace("db=", "virtual_host=")
    return url or "memory://"


@worker_init.connect
def _is_a_worker(**_: object) -> None:
    """A web server loads this module too, to send messages; only a worker acts as the system."""
    this_program_is("a worker does jobs")


_configure()
