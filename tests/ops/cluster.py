"""A PostgreSQL server of a test's own, for settings and troubles that the suite's server must not have."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from launcher.places import Places
from launcher.postgres import Postgres, _user_for_root, as_user


@dataclass
class Cluster:
    """A private server whose /wal is a folder of the test."""

    folder: Path
    binaries: Path
    owner: str

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    def here(self, text: str) -> str:
        return text.replace("/wal/", f"{self.wal}/")

    def run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.binaries / program), *arguments], cwd=self.folder, capture_output=True, text=True,
            check=False, env={**os.environ, "PGHOST": str(self.folder), "PGUSER": "postgres"},
            **as_user(self.owner),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + self.log()
        return done.stdout.strip()

    def sql(self, text: str) -> str:
        return self.run("psql", "-XtA", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-c", text)

    def start(self, settings: dict[str, str]) -> None:
        """With these settings, on a socket in the test's folder."""
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "10",
        }
        flags = " ".join(f"-c {name}='{value}'" for name, value in (options | settings).items())
        # its own output goes to a file: the server would hold the pipe open
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.data), "-l", log, "-w", "-t", "30", "-o", flags, "start")

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text()[-2000:] if file.exists() else ""

    def await_archived(self) -> None:
        """Until the segment written so far is in the archive."""
        segment = self.sql("SELECT pg_walfile_name(pg_switch_wal())")
        deadline = time.monotonic() + 10
        while not (self.wal / segment).exists():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)


@contextmanager
def private_cluster(var: Path) -> Iterator[Cluster]:
    """Made, not yet started; ended and removed afterwards."""
    binaries = Postgres(Places(var)).binaries
    owner = _user_for_root() if os.geteuid() == 0 else ""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a socket's address must be short
    (folder / "wal").mkdir()
    if owner:
        for path in (folder, folder / "wal"):
            shutil.chown(path, owner)
    it = Cluster(folder, binaries, owner)
    it.run("initdb", "-D", str(it.data), "-U", "postgres", "--auth=trust", "--no-instructions", "--no-sync")
    try:
        yield it
    finally:
        if (it.data / "postmaster.pid").exists():
            it.stop("immediate")
        shutil.rmtree(folder)
