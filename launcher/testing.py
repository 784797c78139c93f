"""`launch.py test`: every check and the whole suite, on services of their own."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from launcher.commands import services_up
from launcher.console import say, step
from launcher.packages import ensure_packages
from launcher.places import ROOT, Places, own_venv, venv_python

SHOWN_LINES = 40
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Check:
    """A tool that must find nothing."""

    name: str
    command: list[str]


def checks() -> list[Check]:
    """What is checked beside the tests."""
    python = str(venv_python())
    module = [python, "-m"]
    templates = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.html"))
    listed = [
        Check("ruff check", [*module, "ruff", "check", "--output-format", "concise", "."]),
        Check("ruff format", [*module, "ruff", "format", "--check", "--output-format", "concise", "."]),
        Check("mypy", [*module, "mypy", "."]),
        Check("import contracts", [*module, "launcher.import_contracts"]),
        Check("migrations", [python, "manage.py", "makemigrations", "--check", "--dry-run"]),
    ]
    if templates:
        listed.append(Check("djlint", [*module, "djlint", "--lint", "--quiet", "templates"]))
        listed.append(
            Check(
                "djade", [str(own_venv() / "bin" / "djade"), "--check", "--target-version", "5.2", *templates]
            )
        )
    return listed


def test(places: Places, arguments: list[str]) -> int:
    """Checks, then tests; with arguments, only pytest with those."""
    began = time.monotonic()
    ensure_packages("requirements-dev.txt")
    chromium = find_chromium()
    with services_up(places, throwaway=True) as env:
        env = test_environment(env, chromium)
        failed = [] if arguments else run_checks(env)
        code, closing = run_pytest(env, arguments or ["-n", "2"])
    if failed:
        say(f"Failed beside the tests: {', '.join(failed)}")
    say(f"Everything took {time.monotonic() - began:.0f} s")
    say(closing)
    return code or (1 if failed else 0)


def test_environment(env: dict[str, str], chromium: str) -> dict[str, str]:
    """The environment of the tests: quiet, and independent of what the shell happens to export."""
    quiet = {name: value for name, value in env.items() if name not in ("DEBUG", "BASE_URL", "ALLOWED_HOSTS")}
    return {
        **quiet,
        "TRIAL": "1",
        "LOG_LEVEL": "WARNING",
        "CHROMIUM": chromium,
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def find_chromium() -> str:
    """A Chromium for the browser tests: on the PATH, or installed when we may; empty when there is none."""
    named = os.environ.get("CHROMIUM")
    if named and Path(named).exists():
        return named
    for name in CHROMIUM_NAMES:
        path = shutil.which(name)
        if path:
            return path
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        with step("Chromium for the browser tests"):
            env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            for command in (
                [apt, "update", "-qq"],
                [apt, "install", "-y", "-qq", "--no-install-recommends", "chromium"],
            ):
                subprocess.run(command, env=env, capture_output=True)
    found = shutil.which("chromium") or ""
    if not found:
        say(
            "  No Chromium: the browser tests will be skipped. Install one (apt install chromium) to run them."
        )
    return found


def run_checks(env: dict[str, str]) -> list[str]:
    """Runs all checks, two at a time; prints what they found; returns the names of those that failed."""
    failed = []
    waiting = checks()
    running: list[tuple[Check, subprocess.Popen[str], float]] = []
    while waiting or running:
        while waiting and len(running) < 2:
            check = waiting.pop(0)
            process = subprocess.Popen(
                check.command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            running.append((check, process, time.monotonic()))
        check, process, began = running.pop(0)
        output, _ = process.communicate()
        seconds = time.monotonic() - began
        say(f"  {check.name}: {'ok' if process.returncode == 0 else 'FAILED'} ({seconds:.0f} s)")
        if process.returncode != 0:
            lines = output.rstrip().splitlines()
            say("\n".join(f"    {line}" for line in lines[-SHOWN_LINES:]))
            failed.append(check.name)
    return failed


def run_pytest(env: dict[str, str], arguments: list[str]) -> tuple[int, str]:
    """Runs pytest and shows its lines as they come, holding back the closing one, which the caller prints last."""
    command = [str(venv_python()), "-m", "pytest", "-p", "no:cacheprovider", "--color=no", *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    assert process.stdout is not None
    held = ""
    try:
        for line in process.stdout:
            if held:
                say(held)
            held = line.rstrip("\n")
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait(20)
        return 130, "interrupted"
    return code, held
