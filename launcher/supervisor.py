"""Watching over child processes: each restarted when it dies, with growing pauses; all ended in order."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher.console import say
from launcher.places import ROOT, Places
from launcher.processes import MARK, Ledger, Recorded, end, kill_group, start_time

LOG_LIMIT = 10_000_000
LOG_INTERVAL = 60
STEADY_SECONDS = 30
LONGEST_PAUSE = 30.0


@dataclass
class Child:
    """One process: how to start it, how to ask it to end, and how it has been doing."""

    name: str
    command: list[str]
    user: str = ""
    quit_signal: int = signal.SIGTERM
    patience: float = 6
    before: Callable[[], None] | None = None
    """Run before each start: puts right what may have changed since, such as folder permissions."""
    log: Path = Path("/dev/null")
    process: "subprocess.Popen[bytes] | None" = None
    began: float = 0.0
    failures: int = 0
    restart_at: float = 0.0

    def ended(self) -> bool:
        """True when it was started and runs no more."""
        return self.process is not None and self.process.poll() is not None

    def how_it_ended(self) -> str:
        """In words: by which signal, or with which exit code."""
        code = self.process.returncode if self.process else None
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with code {code}"


class Supervisor:
    """The children of one run."""

    def __init__(self, places: Places, env: dict[str, str]) -> None:
        self.places = places
        self.env = env
        self.run_id = f"{os.getpid()}-{time.time_ns()}"
        self.children: list[Child] = []
        self.ledger = Ledger(places.state / "processes.json")
        self.logs_due = time.monotonic() + LOG_INTERVAL

    def start(self, child: Child) -> Child:
        """Starts a process in a group of its own, its output in `var/log`, and remembers it on disk."""
        from launcher.postgres import as_user

        if child not in self.children:
            self.children.append(child)
        if child.before:
            child.before()
        child.log = self.places.logs / f"{child.name}.log"
        _trim(child.log)
        with child.log.open("ab") as output:
            options: dict[str, Any] = as_user(child.user)
            child.process = subprocess.Popen(
                child.command,
                cwd="/" if child.user else ROOT,
                env={**self.env, MARK: self.run_id},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **options,
            )
        child.began = time.monotonic()
        self._note()
        return child

    def watch(self, over: Callable[[], bool]) -> None:
        """Restarts whatever dies until `over()` says stop."""
        while not over():
            self.watch_once()
            time.sleep(0.2)

    def watch_once(self) -> None:
        """Looks at each child once, and now and then at the size of its log."""
        for child in self.children:
            self._look_after(child)
        if time.monotonic() > self.logs_due:
            self.logs_due = time.monotonic() + LOG_INTERVAL
            for child in self.children:
                _trim(child.log)

    def stop(self) -> None:
        """Ends all, those started last first: web and workers before the servers they use."""
        for child in reversed(self.children):
            if child.process is not None:
                end(child.process.pid, child.quit_signal, child.patience)
                with suppress(subprocess.TimeoutExpired):
                    child.process.wait(2)
        self.ledger.write([])

    def stop_group(self, names: set[str]) -> None:
        """Asks several to end at once, then sees each one off: quicker than one after another."""
        chosen = [child for child in self.children if child.name in names and child.process is not None]
        for child in chosen:
            with suppress(ProcessLookupError, PermissionError):
                child.process.send_signal(child.quit_signal)  # type: ignore[union-attr]
        for child in chosen:
            end(child.process.pid, child.quit_signal, child.patience)  # type: ignore[union-attr]

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.restart_at:
            if now >= child.restart_at:
                child.restart_at = 0.0
                self.start(child)
            return
        if not child.ended():
            if child.failures and now - child.began > STEADY_SECONDS:
                child.failures = 0
            return
        assert child.process is not None
        kill_group(child.process.pid)
        child.failures += 1
        pause = min(0.3 * 2 ** (child.failures - 1), LONGEST_PAUSE)
        child.restart_at = now + pause
        say(
            f"  {child.name} {child.how_it_ended()}; starting it again"
            + (f" in {pause:.0f} s" if pause > 1 else "")
        )
        if child.failures in (4, 8):
            say(f"  {child.name} keeps ending. The end of {child.log}:\n{tail(child.log)}")

    def _note(self) -> None:
        entries = [
            Recorded(
                child.name,
                child.process.pid,
                start_time(child.process.pid),
                self.run_id,
                int(child.quit_signal),
            )
            for child in self.children
            if child.process is not None
        ]
        self.ledger.write(entries)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, indented."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"    ({log} cannot be read)"
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def _trim(log: Path) -> None:
    """Keeps a former log of ten megabytes. Copied and emptied, since the process goes on writing to the same file."""
    with suppress(OSError):
        if log.is_file() and log.stat().st_size > LOG_LIMIT:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)
