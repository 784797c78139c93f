"""Where things are: the checkout, the virtual environment, the folder for everything that is not code."""

import hashlib
import json
import os
import secrets
import stat
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from launcher.console import LauncherError

ROOT = Path(__file__).resolve().parent.parent
SOCKET_PATH_LIMIT = 90  # the kernel takes 107 bytes (103 on macOS), PostgreSQL adds its file name


@dataclass(frozen=True)
class Places:
    """The folders of one installation."""

    var: Path

    @classmethod
    def of(cls, var: Path) -> "Places":
        """Makes the folders; explains when that is not allowed."""
        places = cls(var.resolve())
        try:
            for folder in (places.var, places.logs, places.state):
                folder.mkdir(parents=True, exist_ok=True)
            # Root must let the database's own user through, but nobody may look around. At any time: a database server
            # that ends without this right leaves its lock behind, and the next one does not start.
            for folder in (places.var, places.state):
                folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        except PermissionError as problem:
            raise LauncherError(
                f"{places.var} is not writable for you ({problem.strerror}). Run as the user it belongs to, or set "
                "SALESOPS_VAR to a folder of your own."
            ) from None
        return places

    @property
    def logs(self) -> Path:
        """Log files, one per process."""
        return self.var / "log"

    @property
    def state(self) -> Path:
        """What the launcher remembers between runs."""
        return self.var / "run"

    @property
    def database(self) -> Path:
        """PostgreSQL's data."""
        return self.var / "pg"

    @property
    def broker(self) -> Path:
        """Redis's append-only file."""
        return self.var / "redis"

    def sockets(self) -> Path:
        """A private folder for Unix sockets: in `var/run`, or a short one when that path is long or has spaces."""
        own = self.state / "sockets"
        if len(str(own)) < SOCKET_PATH_LIMIT and not set(str(own)) & set(" ,;'\"\\%?#&"):
            own.mkdir(exist_ok=True)
            return own
        remembered = self.state / "socket-folder"
        with suppress(OSError):
            folder = Path(remembered.read_text(encoding="utf-8").strip())
            if _is_private(folder):
                return folder
        folder = Path(tempfile.mkdtemp(prefix="salesops-", dir="/tmp"))
        remembered.write_text(str(folder), encoding="utf-8")
        return folder


def own_venv() -> Path:
    """The virtual environment: `.venv` in the checkout, or what SALESOPS_VENV names (then nothing is installed)."""
    named = os.environ.get("SALESOPS_VENV")
    return Path(named) if named else ROOT / ".venv"


def venv_python() -> Path:
    """The interpreter of the virtual environment."""
    return own_venv() / "bin" / "python"


def site_packages() -> Path:
    """Where the virtual environment keeps its packages."""
    found = sorted((own_venv() / "lib").glob("python3*/site-packages"))
    if not found:
        raise LauncherError(f"{own_venv()} has no packages; delete it and start again.")
    return found[-1]


def default_var() -> Path:
    """SALESOPS_VAR, or `var` in the checkout."""
    return Path(os.environ.get("SALESOPS_VAR") or ROOT / "var")


def installation_secrets(places: Places) -> dict[str, str]:
    """Secrets of this installation, made at the first start, readable for the owner only."""
    file = places.var / "secrets.json"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            json.dump({"SECRET_KEY": secrets.token_urlsafe(64)}, handle)
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return {"SECRET_KEY": str(values["SECRET_KEY"])}
    except (ValueError, KeyError, OSError) as problem:
        raise LauncherError(
            f"{file} cannot be read ({problem}); restore it, or delete it to make a new key."
        ) from None


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def running_python() -> str:
    """The running Python's version, major and minor."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _is_private(folder: Path) -> bool:
    """True for a real folder of ours that others cannot enter (somebody else's would be a trap)."""
    info = folder.lstat()
    mine = stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid()
    return mine and not info.st_mode & (stat.S_IRWXO & ~stat.S_IXOTH) and not info.st_mode & stat.S_IWGRP
