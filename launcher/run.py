"""`launch.py run`: the whole product on one machine, until Ctrl-C."""

import json
import os
import resource
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

from launcher.console import LauncherError, say, step
from launcher.packages import ensure_packages
from launcher.places import ROOT, Places, venv_python
from launcher.services import Services, lock, refuse_second_run, start_services
from launcher.supervisor import Child, tail

READY_SECONDS = 90
CONNECTIONS = 4096
"""Connections one process of the web server holds open: every page somebody looks at is one, and those that browsers
keep for the next request. The web server's own choice, a few hundred, made everybody wait for somebody to leave."""


class Stop:
    """Remembers that somebody asked us to end; the second request means now."""

    def __init__(self) -> None:
        self.asked = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def __call__(self) -> bool:
        return bool(self.asked)

    def _ask(self, *_: Any) -> None:
        self.asked += 1
        if self.asked == 1:
            raise KeyboardInterrupt


def run(places: Places, *, host: str, port: int, demo: bool) -> int:
    """Starts everything, watches over it, and ends it when asked."""
    stop = Stop()
    try:
        with lock(places, "run"):
            return _run_locked(places, stop, host, port, demo)
    except BlockingIOError as problem:
        raise refuse_second_run(places, problem) from None


def _run_locked(places: Places, stop: Stop, host: str, port: int, demo: bool) -> int:
    say("SalesOps")
    services: Services | None = None
    try:
        ensure_packages("requirements.txt")
        services = start_services(places)
        chosen = free_port(host, port)
        shown = f"[{host}]" if ":" in host else "127.0.0.1" if host in ("0.0.0.0", "::") else host
        address = f"http://{shown}:{chosen}"
        services.env.setdefault("BASE_URL", address)
        write_environment(places, services.env)
        prepare(services, places, demo=demo)
        start_product(services, places, host, chosen)
        wait_until_ready(services, address)
        (places.state / "address").write_text(address, encoding="utf-8")
        say(welcome(places, address))
        services.supervisor.watch(stop)
    except KeyboardInterrupt:
        pass
    finally:
        if services is not None:
            _end(services, places)
    return 0


def _end(services: Services, places: Places) -> None:
    say()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with step("Stopping"):
        services.supervisor.stop_group({"web", "worker-fast", "worker-bulk", "beat"})
        services.supervisor.stop()
        for name in ("address", "env.json"):
            (places.state / name).unlink(missing_ok=True)
        with suppress(OSError):
            (places.sockets() / "redis.sock").unlink(missing_ok=True)


def free_port(host: str, wanted: int) -> int:
    """The wanted port, or the next free one, saying so."""
    for port in range(wanted, min(wanted + 200, 65_536)):
        if _is_free(host, port):
            if port != wanted:
                say(f"  Port {wanted} is taken; using {port}")
            return port
    raise LauncherError(f"No free port between {wanted} and {wanted + 199}; choose another with PORT=….")


def _is_free(host: str, port: int) -> bool:
    """True when nobody listens there: neither can it be connected to, nor is binding refused."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1)
        except OSError:
            return False
    return True


def write_environment(places: Places, env: dict[str, str]) -> None:
    """Leaves the addresses and secrets for `launch.py exec`, readable for the owner only."""
    names = (
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "SALESOPS_VAR",
        "TRIAL",
        "DEBUG",
        "BASE_URL",
        "CACHE_URL",
    )
    file = places.state / "env.json"
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        json.dump({name: env[name] for name in names if name in env}, handle)


def prepare(services: Services, places: Places, *, demo: bool) -> None:
    """Migrations, static files and, the first time, the demo company; its own progress is shown."""
    command = [str(venv_python()), str(ROOT / "manage.py"), "prepare", *(["--demo"] if demo else [])]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**services.env, "LOG_LEVEL": "WARNING", "LOG_FORMAT": "console"}
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait(20)
        raise
    if code != 0:
        raise LauncherError(f"Preparing the database failed (exit code {code}); the reason is above.")


def start_product(services: Services, places: Places, host: str, port: int) -> None:
    """Web server first, then what works in the background."""
    allow_open_files()
    for child in product(services, host, port):
        services.supervisor.start(child)


def web_server(python: str, host: str, port: int, workers: str) -> list[str]:
    """The command that serves the product in so many processes."""
    return [
        python, "-m", "granian", "salesops.asgi:application", "--interface", "asginl", "--host", host, "--port",
        str(port), "--no-ws", "--workers", workers, "--respawn-failed-workers", "--log-level", "warning", "--backlog",
        "1024", "--backpressure", str(CONNECTIONS), "--workers-kill-timeout", "5",
    ]  # fmt: skip


def allow_open_files() -> None:
    """As many as the system lets this user have: every open page is a connection, and every connection is a file."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # what the system does not let one have
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def product(services: Services, host: str, port: int) -> list[Child]:
    """The product's own processes."""
    python = str(venv_python())
    web = web_server(python, host, port, os.environ.get("WEB_WORKERS", "2"))
    children = [Child("web", web)]
    beat = [python, str(ROOT / "manage.py"), "beat"]
    if not services.has_broker:
        return [*children, Child("beat", [*beat, "--run-jobs"])]
    for name, queues, processes in (("fast", "interactive,rollups", "2"), ("bulk", "imports,analytics", "1")):
        worker = [python, "-m", "celery", "-A", "salesops.celery", "worker", "-n", f"{name}@%h", "-Q", queues]
        worker += [
            "-c",
            processes,
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "-l",
            "INFO",
        ]
        children.append(Child(f"worker-{name}", worker))
    return [*children, Child("beat", beat)]


def wait_until_ready(services: Services, address: str) -> None:
    """Waits for /readyz, restarting what dies meanwhile."""
    web = next(child for child in services.supervisor.children if child.name == "web")
    deadline = time.monotonic() + READY_SECONDS
    with step("Web server and workers"):
        while not answers(f"{address}/readyz"):
            if time.monotonic() > deadline:
                raise LauncherError(f"The web server did not become ready:\n{tail(web.log, 30)}")
            services.supervisor.watch_once()
            time.sleep(0.1)


def answers(url: str, seconds: float = 3) -> bool:
    """True when a GET gives 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=seconds) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def welcome(places: Places, address: str) -> str:
    """The address and one demo login per role."""
    lines = ["", f"SalesOps is ready: {address}", ""]
    kept = places.var / "demo_logins.json"
    logins = demo_logins(kept)
    if logins:
        widths = [
            max(len(str(login.get(field, ""))) for login in logins) for field in ("role", "email", "password")
        ]
        lines.append(f"Demo logins (passwords are this installation's own, kept in {kept}):")
        for login in logins:
            shown = [str(login.get(field, "")) for field in ("role", "email", "password")]
            cells = [text.ljust(width) for text, width in zip(shown, widths, strict=True)]
            lines.append(f"  {'  '.join(cells)}  {login.get('name', '')}".rstrip())
    else:
        lines.append(
            "No demo company. Make the first login: python3 launch.py exec -- python manage.py create_user --help"
        )
    lines += ["", f"Ctrl-C ends everything. Logs: {places.logs}"]
    return "\n".join(lines)


def demo_logins(file: Path) -> list[dict[str, str]]:
    """The logins `seed_demo` left behind, or none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [login for login in found if isinstance(login, dict)] if isinstance(found, list) else []
