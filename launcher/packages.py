"""The virtual environment and the locked packages in it; installed again only when the lock changes."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from launcher import places
from launcher.console import LauncherError, Step, say, step

PINNED = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[.*\])?==", re.MULTILINE)


def ensure_packages(*lock_names: str) -> None:
    """Makes the virtual environment and installs the locks that are not installed yet."""
    if os.environ.get("SALESOPS_VENV"):
        return
    _ensure_venv()
    stamp = places.own_venv() / "salesops-installed.json"
    installed = _read(stamp)
    for name in lock_names:
        wanted = f"{places.running_python()}:{places.digest(places.ROOT / name)}"
        if installed.get(name) != wanted:
            _install(places.ROOT / name)
            installed[name] = wanted
            stamp.write_text(json.dumps(installed), encoding="utf-8")


def _read(stamp: Path) -> dict[str, str]:
    try:
        return dict(json.loads(stamp.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _ensure_venv() -> None:
    python = places.venv_python()
    works = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    if python.exists() and subprocess.run([str(python), "-c", works], capture_output=True).returncode == 0:
        return
    with step("Virtual environment"):
        if places.own_venv().exists():
            shutil.rmtree(places.own_venv())  # half made, or its Python is gone
        made = _make_venv()
        if made.returncode != 0 and _install_venv_module():
            made = _make_venv()
        if made.returncode != 0:
            raise LauncherError(
                f"python -m venv failed:\n{made.stdout[-1500:]}\nOn Debian or Ubuntu: apt install python3-venv, "
                "then run this again."
            )


def _make_venv() -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "venv", "--clear", str(places.own_venv())]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _install_venv_module() -> bool:
    """Debian packs `venv` apart; root can simply install it."""
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None:
        return False
    say("  This Python lacks `venv`; installing python3-venv")
    package = f"python{places.running_python()}-venv"
    for command in ([apt, "update", "-qq"], [apt, "install", "-y", "-qq", package]):
        if subprocess.run(command, capture_output=True).returncode != 0:
            return False
    return True


def _install(lock: Path) -> None:
    count = len(PINNED.findall(lock.read_text(encoding="utf-8")))
    command = [str(places.venv_python()), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "--require-hashes", "-r", str(lock)]
    with step(f"Packages of {lock.name}") as current:
        current.note = f"0 of {count}"
        output = _run_pip(command, count, current)
        current.note = f"{count} packages"
    if output is not None:
        raise LauncherError(
            f"pip could not install {lock.name}:\n{output}\nCheck the network or the package index and run this again; "
            "what is already fetched is kept."
        )


def _run_pip(command: list[str], count: int, current: Step) -> str | None:
    """Runs pip and follows its lines; None when it succeeded, else the end of what it said."""
    lines: list[str] = []
    seen = 0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in _lines(process):
        lines.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            seen += 1
            name = re.split(r"[=<>\[ ]", line.split(": ")[-1].removeprefix("Collecting "))[0]
            current.note = f"{min(seen, count)} of {count}: {name}"
        elif line.startswith("Installing collected"):
            current.note = f"unpacking {count} packages"
    return "".join(lines[-25:]) if process.wait() else None


def _lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    """The lines a process prints; an interrupt ends it too."""
    assert process.stdout is not None
    try:
        yield from process.stdout
    except BaseException:
        process.terminate()
        process.wait(10)
        raise
