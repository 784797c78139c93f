"""The real product, started by its own launcher in a folder and on a port of its own, to be killed at will."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg2

from launcher.processes import Ledger

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 240


class StackError(RuntimeError):
    """The product could not be started, or does not come back; the message holds what it said."""


class Stack:
    """PostgreSQL, Redis, web, workers and clock, watched over by the launcher that everybody uses."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.said = folder / "said.txt"
        self.env = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "USER")},
            "SALESOPS_VAR": str(folder / "var"), "SALESOPS_VENV": sys.prefix, "LOG_LEVEL": "WARNING",
            "JOB_LEASE_SECONDS": "5", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, deals: int) -> None:
        """Starts it with the demo company of that size, and waits until it is ready."""
        self.process = subprocess.Popen(
            [sys.executable, "launch.py", "run", "--no-demo", "--port", str(self.port)],
            cwd=ROOT, env=self.env, stdout=self.said.open("ab"), stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while "Ctrl-C" not in self.output():
            if self.process.poll() is not None or time.monotonic() > end:
                raise StackError(f"The product did not start:\n{self.output()[-3000:]}")
            time.sleep(0.2)
        self.manage("seed_demo", "--deals", str(deals))

    def output(self) -> str:
        """All that the launcher has said."""
        return self.said.read_text(errors="replace") if self.said.exists() else ""

    @property
    def pid(self) -> int:
        """The launcher, from which all else descends."""
        return self.process.pid if self.process else 0

    @property
    def address(self) -> str:
        """Where the web server listens."""
        return self.output().split("SalesOps is ready: ")[1].split()[0]

    @property
    def environment(self) -> dict[str, str]:
        """What the product's own commands run with."""
        written = json.loads((self.folder / "var" / "run" / "env.json").read_text(encoding="utf-8"))
        return {**os.environ, **written, "LOG_LEVEL": "WARNING"}

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A management command on the stack's database."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise StackError(
                f"manage.py {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def sql(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Rows of a statement on a connection of its own."""
        with closing(psycopg2.connect(self.environment["DATABASE_URL"])) as link:
            link.autocommit = True
            with link.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []

    def pids(self, name: str) -> list[int]:
        """The process of that name and its children, the parent first; empty while it is being started again."""
        ledger = Ledger(self.folder / "var" / "run" / "processes.json")
        parents = [entry.pid for entry in ledger.read() if entry.name == name and entry.alive()]
        return [pid for parent in parents for pid in (parent, *_children(parent))]

    def logged(self, sentences: tuple[str, ...]) -> dict[str, int]:
        """How often the launcher's words and the logs hold each sentence."""
        texts = [file.read_text(errors="replace") for file in (self.folder / "var" / "log").glob("*.log*")]
        texts.append(self.output())
        return {sentence: sum(text.count(sentence) for text in texts) for sentence in sentences}

    def stop(self) -> None:
        """Ends everything it started."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            subprocess.run([sys.executable, "launch.py", "stop"], cwd=ROOT, env=self.env, check=False)


def _children(parent: int) -> list[int]:
    """Direct children of a process, oldest first."""
    with suppress(OSError):
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
        return [int(pid) for pid in text.split()]
    return []
