"""The product running for a browser: web server and clock on a database of its own, with the demo company."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from launcher.run import web_server

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60


class ServerError(RuntimeError):
    """The server did not start; the message holds the end of its log."""


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def free_port() -> int:
    """A port nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Live:
    """A running product: its address, its demo logins, and its own command line."""

    url: str
    env: dict[str, str]
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def logins(self) -> dict[str, dict[str, str]]:
        """Demo logins by role: REP, MANAGER, OPS, ADMIN, EXECUTIVE, FINANCE, AUDITOR."""
        names = {
            "Sales rep": "REP", "Sales manager": "MANAGER", "Sales ops": "OPS", "Administrator": "ADMIN",
            "Executive": "EXECUTIVE", "Finance": "FINANCE", "Auditor": "AUDITOR",
        }  # fmt: skip
        entries = json.loads((self.folder / "demo_logins.json").read_text(encoding="utf-8"))
        return {names[entry["role"]]: entry for entry in entries}

    def manage(self, *arguments: str) -> str:
        """Output of a management command on the same database; raises with its error text."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT, env=self.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ServerError(
                f"manage.py {' '.join(arguments)} failed ({done.returncode}):\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def start(self, *, clock: bool = True, workers: int = 1) -> None:
        """Web server and clock (which also does the jobs); without the clock beside a product that has one."""
        log = (self.folder / "web.log").open("ab")
        web = web_server(sys.executable, "127.0.0.1", urlsplit(self.url).port or 0, str(workers))
        beat = [sys.executable, str(ROOT / "manage.py"), "beat", "--run-jobs"]
        for command in (web, beat) if clock else (web,):
            self.processes.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
                )
            )
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + READY_SECONDS
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < end:
            try:
                with opener.open(f"{self.url}/healthz", timeout=2) as response:
                    if response.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                pass
            if self.processes[0].poll() is not None:
                break
            time.sleep(0.1)
        raise ServerError("the web server did not start:\n" + self.log_tail())

    def log_tail(self, characters: int = 4000) -> str:
        """The end of the server's log."""
        path = self.folder / "web.log"
        return path.read_text(errors="replace")[-characters:] if path.exists() else ""

    def stop(self) -> None:
        """Ends the processes this object started."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()


class Database:
    """A throw-away database beside the one DATABASE_URL names."""

    def __init__(self, url: str) -> None:
        self.admin_url = url
        self.name = f"e2e_{os.getpid()}_{secrets.token_hex(3)}"
        self.url = with_database(url, self.name)

    def create(self) -> None:
        """Makes it."""
        self._execute(f'CREATE DATABASE "{self.name}"')

    def drop(self) -> None:
        """Removes it with whoever is connected."""
        self._execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        import psycopg2

        with closing(psycopg2.connect(self.admin_url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)


def make_live(database_url: str, folder: Path, *, deals: int = 1500) -> Live:
    """A migrated, seeded, running product on the given (empty) database."""
    port = free_port()
    env = {
        name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "DEBUG", "BASE_URL"}
    }
    env |= {
        "DATABASE_URL": database_url,
        "SALESOPS_VAR": str(folder),
        "BASE_URL": f"http://127.0.0.1:{port}",
        "TRIAL": "1",
        "LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "salesops.settings",
        "PYTHONUNBUFFERED": "1",
    }
    live = Live(f"http://127.0.0.1:{port}", env, folder)
    live.manage("prepare")
    live.manage("seed_demo", "--deals", str(deals))
    live.start()
    return live
