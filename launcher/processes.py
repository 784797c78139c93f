"""Processes: starting them, remembering them by pid and start time, ending them and whatever they leave behind."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

MARK = "SALESOPS_RUN_ID"
"""Environment variable that every process of a run inherits: finds children whose parent was killed."""


@dataclass(frozen=True)
class Recorded:
    """A process as noted on disk. A pid alone may be somebody else's by now; with its start time it is ours."""

    name: str
    pid: int
    started: str
    run_id: str
    quit_signal: int = signal.SIGTERM

    def alive(self) -> bool:
        """True when this very process still runs."""
        return start_time(self.pid) == self.started != ""


def start_time(pid: int) -> str:
    """When a process started, in the system's own words; empty when there is none."""
    stat_file = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat_file.read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout.strip()


def marked(run_id: str) -> list[int]:
    """Pids of all living processes that carry a run's mark (Linux; elsewhere none can be found this way)."""
    mark = f"{MARK}={run_id}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            pid = int(folder.name)
            if (
                pid != os.getpid()
                and mark in (folder / "environ").read_bytes().split(b"\0")
                and start_time(pid)
            ):
                found.append(pid)
    return found


class Ledger:
    """The list of processes of a run, on disk, so that the next run can clean up after a killed launcher."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> list[Recorded]:
        """What is noted; nothing when the file is missing or damaged."""
        try:
            return [Recorded(**entry) for entry in json.loads(self.file.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError):
            return []

    def write(self, entries: list[Recorded]) -> None:
        """Replaces the list at once, so that a kill cannot leave half of it."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(json.dumps([asdict(entry) for entry in entries]), encoding="utf-8")
        fresh.replace(self.file)

    def clean_up(self) -> list[str]:
        """Ends whatever an earlier run left running; returns the names of what it found."""
        entries = self.read()
        left = [entry for entry in entries if entry.alive()]
        for entry in left:
            end(entry.pid, entry.quit_signal, patience=8)
        orphans = [pid for run_id in {entry.run_id for entry in entries} for pid in marked(run_id)]
        for pid in orphans:
            _signal(pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while any(start_time(pid) for pid in orphans) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.write([])
        return [entry.name for entry in left] + [f"process {pid}" for pid in orphans if start_time(pid)]


def end(pid: int, quit_signal: int, patience: float) -> None:
    """Asks a process to end, waits, and after `patience` seconds kills it with its whole group."""
    started = start_time(pid)
    if started:
        _signal(pid, quit_signal)
        deadline = time.monotonic() + patience
        while start_time(pid) == started and time.monotonic() < deadline:
            time.sleep(0.03)
    kill_group(pid)


def kill_group(pid: int) -> None:
    """Kills what is left of a process group, for example workers whose parent was killed."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
