"""`launch.py exec`, `stop` and `status`."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from launcher.console import LauncherError, say
from launcher.packages import ensure_packages
from launcher.places import ROOT, Places
from launcher.processes import Ledger, start_time
from launcher.run import answers, write_environment
from launcher.services import base_environment, lock, start_services


@contextmanager
def services_up(places: Places, *, throwaway: bool = False) -> Iterator[dict[str, str]]:
    """The environment of running services: those of a live run, or our own for as long as somebody uses them."""
    try:
        with lock(places, "run"):
            services = start_services(places, throwaway=throwaway)
            write_environment(places, services.env)
            try:
                yield services.env
            finally:
                with lock(places, "users", wait=True):  # a second `exec` may still be at work
                    services.supervisor.stop()
                    (places.state / "env.json").unlink(missing_ok=True)
            return
    except BlockingIOError:
        pass
    with lock(places, "users", shared=True, wait=True):
        yield {**base_environment(places), **_environment_of_run(places)}


def execute(places: Places, command: list[str]) -> int:
    """Runs a command with the services up; its exit code is ours."""
    if not command:
        raise LauncherError("Say what to run: python3 launch.py exec -- python manage.py doctor")
    ensure_packages("requirements.txt")
    with services_up(places) as env:
        try:
            return subprocess.call(command, env=env)
        except FileNotFoundError:
            raise LauncherError(f"There is no command {command[0]!r}.") from None
        except KeyboardInterrupt:
            return 130


def stop(places: Places) -> int:
    """Ends a run of this var folder from outside; 0 also when none was running."""
    ledger = Ledger(places.state / "processes.json")
    launcher = _launcher(ledger)
    if launcher:
        say(f"Asking process {launcher} to end everything")
        os.kill(launcher, signal.SIGTERM)
        deadline = time.monotonic() + 40
        while start_time(launcher) and time.monotonic() < deadline:
            time.sleep(0.1)
    left = ledger.clean_up()
    (places.state / "env.json").unlink(missing_ok=True)
    (places.state / "address").unlink(missing_ok=True)
    if left:
        say(f"Ended {', '.join(left)}")
    say("Nothing is running" if not launcher and not left else "Stopped")
    return 0


def status(places: Places) -> int:
    """What runs and whether it serves; exit code 0 when ready, 3 when not."""
    entries = Ledger(places.state / "processes.json").read()
    for entry in entries:
        say(f"  {entry.name:<12} pid {entry.pid:<8} {'running' if entry.alive() else 'not running'}")
    address_file = places.state / "address"
    address = address_file.read_text(encoding="utf-8").strip() if address_file.exists() else ""
    ready = bool(address) and answers(f"{address}/readyz")
    if ready:
        say(f"Ready: {address}")
    else:
        say(f"Not ready: {address}" if address else f"Not running for {places.var}")
    return 0 if ready else 3


def _launcher(ledger: Ledger) -> int | None:
    """The pid of the launcher that wrote the ledger, if it lives."""
    for entry in ledger.read():
        pid = int(entry.run_id.split("-")[0])
        if start_time(pid) and pid != os.getpid() and any(child.alive() for child in ledger.read()):
            return pid if _is_launcher(pid) else None
    return None


def _is_launcher(pid: int) -> bool:
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, cwd=ROOT)
    return "launch.py" in shown.stdout


def _environment_of_run(places: Places) -> dict[str, str]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return dict(json.loads((places.state / "env.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            time.sleep(0.1)  # it is just starting
    raise LauncherError("The running SalesOps does not become ready; look at `python3 launch.py status`.")
