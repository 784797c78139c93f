"""Job handlers of the fault tests; workers load it with `--include`."""

import os
import signal
import time

from salesops.celery import app
from salesops.jobs.context import JobContext
from salesops.jobs.registry import job_handler

VISIBILITY = "TEST_VISIBILITY_TIMEOUT"
"""Environment variable: seconds after which this worker's broker delivers again what was not acknowledged."""
if VISIBILITY in os.environ:
    app.conf.broker_transport_options |= {
        "visibility_timeout": int(os.environ[VISIBILITY]),
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }


@job_handler("test.count")
def count(context: JobContext) -> int:
    """As many steps as asked."""
    for number in range(context.payload["steps"]):
        with context.step(f"step-{number}") as todo:
            if todo:
                context.progress(number + 1, context.payload["steps"])
    return int(context.payload["steps"])


@job_handler("test.slow")
def slow(context: JobContext) -> None:
    """A step, a pause in which it can be killed or cancelled, a step."""
    with context.step("before"):
        pass
    end = time.monotonic() + context.payload["seconds"]
    while time.monotonic() < end:
        context.check()
        time.sleep(0.05)
    with context.step("after"):
        pass


@job_handler("test.poison")
def poison(context: JobContext) -> None:
    """Kills the process that tries it."""
    os.kill(os.getpid(), signal.SIGKILL)
