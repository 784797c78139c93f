"""Database and broker for a var folder: the embedded ones, or those the environment names."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from launcher.console import LauncherError, say, step
from launcher.places import Places, installation_secrets, own_venv
from launcher.postgres import Postgres
from launcher.redis import Redis
from launcher.supervisor import Supervisor

NO_BROKER = (
    "  There is no embedded Redis for this platform: jobs are done by a thread of the clock process that polls the\n"
    "  job table. Everything works, one job per lane at a time; set REDIS_URL for real workers."
)


@dataclass
class Services:
    """What is up, and the environment that leads to it."""

    supervisor: Supervisor
    env: dict[str, str]

    @property
    def has_broker(self) -> bool:
        """False in the declared fallback without Redis."""
        return bool(self.env.get("REDIS_URL"))


@contextmanager
def lock(places: Places, name: str, *, shared: bool = False, wait: bool = False) -> Iterator[IO[str]]:
    """Holds a lock file; the kernel releases it even after kill -9. BlockingIOError when somebody else holds it."""
    handle = (places.state / f"{name}.lock").open("a+", encoding="utf-8")
    try:
        mode = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
        fcntl.flock(handle, mode)
        yield handle
    finally:
        handle.close()


def base_environment(places: Places) -> dict[str, str]:
    """The environment of everything we start, before addresses of services are known."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GRANIAN_", "CELERY_"))}
    env.update(installation_secrets(places) if not os.environ.get("SECRET_KEY") else {})
    env.update(
        SALESOPS_VAR=str(places.var),
        DJANGO_SETTINGS_MODULE="salesops.settings",
        PYTHONUNBUFFERED="1",
        VIRTUAL_ENV=str(own_venv()),
        PATH=f"{own_venv() / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    )
    if not env.get("DEBUG"):
        env.setdefault("TRIAL", "1")
    return env


def start_services(places: Places, *, throwaway: bool = False) -> Services:
    """Starts what the environment does not name; cleans up first after a run that was killed."""
    env = base_environment(places)
    supervisor = Supervisor(places, env)
    found = supervisor.ledger.clean_up()
    if found:
        say(f"  Ended what an earlier run had left behind: {', '.join(found)}")
    try:
        if env.get("DATABASE_URL"):
            say("  Using the database named by DATABASE_URL")
        else:
            _start_postgres(supervisor, places, throwaway)
        if env.get("REDIS_URL"):
            say("  Using the broker named by REDIS_URL")
        else:
            _start_redis(supervisor, places)
    except BaseException:
        supervisor.stop()
        raise
    return Services(supervisor, env)


def _start_postgres(supervisor: Supervisor, places: Places, throwaway: bool) -> None:
    postgres = Postgres(places, throwaway=throwaway)
    postgres.prepare()
    with step("PostgreSQL"):
        postgres.wait_until_ready(supervisor.start(postgres.child()))
    supervisor.env["DATABASE_URL"] = postgres.url


def _start_redis(supervisor: Supervisor, places: Places) -> None:
    redis = Redis(places)
    if not redis.available():
        say(NO_BROKER)
        return
    with step("Redis"):
        redis.wait_until_ready(supervisor.start(redis.child()))
    supervisor.env["REDIS_URL"] = redis.url


def refuse_second_run(places: Places, problem: BlockingIOError) -> LauncherError:
    """What to say when this var folder is in use."""
    address = places.state / "address"
    where = f" at {address.read_text(encoding='utf-8').strip()}" if address.exists() else ""
    return LauncherError(
        f"SalesOps is already running for {places.var}{where}. `python3 launch.py stop` ends it; for a second one "
        f"set SALESOPS_VAR to another folder. ({problem.strerror})"
    )
