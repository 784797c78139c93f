"""`launch.py run` for real, in a copy of the checkout whose path has a space."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.processes import Ledger, marked
from launcher.run import answers
from tests.ops.services import wait_until

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


class Launched:
    """A launcher that runs, and what it says."""

    def __init__(self, checkout: Path, port: int) -> None:
        self.checkout = checkout
        self.output = checkout / "said.txt"
        self.env = {
            name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "USER")
        }
        self.env |= {"SALESOPS_VENV": sys.prefix, "WEB_WORKERS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "launch.py", "run", "--no-demo", "--port", str(port)],
            cwd=checkout,
            env=self.env,
            stdout=self.output.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def ledger(self) -> Ledger:
        """The processes it has noted."""
        return Ledger(self.checkout / "var" / "run" / "processes.json")

    def said(self) -> str:
        """All it has printed."""
        return self.output.read_text(errors="replace")

    def wait_until_ready(self) -> str:
        """The address it prints."""
        wait_until(
            lambda: "Ctrl-C" in self.said() or self.process.poll() is not None,
            "the launcher",
            self.output,
            90,
        )
        assert self.process.poll() is None, self.said()
        return self.said().split("SalesOps is ready: ")[1].split()[0]

    def pid(self, name: str) -> int:
        """The pid of one of its processes."""
        return next(entry.pid for entry in self.ledger.read() if entry.name == name)

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Another command of the launcher, for the same folder."""
        command = [sys.executable, "launch.py", *arguments]
        return subprocess.run(
            command, cwd=self.checkout, env=self.env, capture_output=True, text=True, timeout=90
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the repository without its virtual environment and data."""
    target = tmp_path / "my sales ops"
    ignored = shutil.ignore_patterns(".venv", "var", ".git", "__pycache__", ".mypy_cache", ".ruff_cache")
    shutil.copytree(ROOT, target, ignore=ignored)
    return target


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port somebody else listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_whole_life(checkout: Path, taken_port: int) -> None:
    first = Launched(checkout, taken_port)
    try:
        address = first.wait_until_ready()
        assert not address.endswith(f":{taken_port}")
        assert f"Port {taken_port} is taken" in first.said()
        assert answers(f"{address}/readyz")
        for name in ("secrets.json", "run/env.json"):
            assert stat.S_IMODE((checkout / "var" / name).stat().st_mode) == 0o600
        _survives_kills(first, address)
        _serves_other_commands(first)
        run_ids = {entry.run_id for entry in first.ledger.read()}
        first.process.kill()
        first.process.wait()
    except BaseException:
        first.process.kill()
        first.command("stop")
        raise
    second = Launched(checkout, taken_port)
    try:
        address = second.wait_until_ready()
        assert "Ended what an earlier run had left behind" in second.said()
        run_ids |= {entry.run_id for entry in second.ledger.read()}
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(30) == 0
    finally:
        second.process.kill()
        second.command("stop")
    assert not answers(f"{address}/healthz")
    assert [pid for run_id in run_ids for pid in marked(run_id)] == []
    assert second.ledger.read() == []


def _survives_kills(launched: Launched, address: str) -> None:
    for name in ("web", "postgres", "worker-fast"):
        victim = launched.pid(name)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda name=name, victim=victim: launched.pid(name) != victim, f"{name} to be restarted")  # type: ignore[misc]
        wait_until(
            lambda: answers(f"{address}/readyz"), f"readiness after {name} was killed", launched.output
        )
        assert f"{name} was ended by SIGKILL; starting it again" in launched.said()


def _serves_other_commands(launched: Launched) -> None:
    refused = launched.command("run")
    assert refused.returncode == 1
    assert "already running" in refused.stderr
    assert launched.command("status").returncode == 0
    program = "import os, json; print(json.dumps([os.environ['DATABASE_URL'], os.environ['SALESOPS_VAR']]))"
    done = launched.command("exec", "--", "python", "-c", program)
    url, var = json.loads(done.stdout.splitlines()[-1])
    assert url.startswith("postgresql://")
    assert var == str(launched.checkout / "var")
