"""Back to any minute: the settings of docker/compose.pitr.yml, on a real cluster that loses a table."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ops.cluster import Cluster, private_cluster

ROOT = Path(__file__).resolve().parents[2]
WANTED = ("archive_mode", "archive_timeout", "wal_compression", "archive_command")


def override() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker" / "compose.pitr.yml").read_text())


def settings_of(command: list[str]) -> dict[str, str]:
    """`postgres -c name=value …` as a dictionary."""
    return dict(part.split("=", 1) for part in command[2::2])


def with_archive(cluster: Cluster) -> dict[str, str]:
    """What the override sets, with the test's folder for /wal."""
    settings = settings_of(override()["services"]["postgres"]["command"])
    return {name: cluster.here(settings[name]) for name in WANTED}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with private_cluster(tmp_path) as it:
        it.start(with_archive(it))
        yield it


def test_a_dropped_table_comes_back_as_it_was_a_moment_before(cluster: Cluster) -> None:
    cluster.sql("CREATE TABLE deal (id int); INSERT INTO deal SELECT generate_series(1, 100)")
    base = cluster.wal / "base-2026-11-22"
    cluster.run("pg_basebackup", "-D", str(base), "-c", "fast", "-X", "stream")
    assert (base / "backup_manifest").exists()  # the embedded pg_verifybackup 18.4 was seen to crash
    cluster.sql("INSERT INTO deal SELECT generate_series(101, 150)")
    noted = cluster.sql("SELECT clock_timestamp()")
    cluster.sql("INSERT INTO deal VALUES (999)")
    cluster.sql("DROP TABLE deal")
    cluster.await_archived()
    assert cluster.sql("SELECT to_regclass('deal') IS NULL") == "t"
    cluster.stop()
    cluster.data.rename(cluster.folder / "data-before")
    subprocess.run(["cp", "-a", str(base), str(cluster.data)], check=True)
    cluster.data.chmod(0o700)
    recovery = {name: cluster.here(value) for name, value in override()["x-recovery"].items()}
    recovery["recovery_target_time"] = noted
    with (cluster.data / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in recovery.items())
    (cluster.data / "recovery.signal").touch()
    cluster.start(with_archive(cluster))
    deadline = time.monotonic() + 10
    while cluster.sql("SELECT pg_is_in_recovery()") == "t":
        assert time.monotonic() < deadline, cluster.log()
        time.sleep(0.05)
    assert cluster.sql("SELECT count(*), min(id), max(id) FROM deal") == "150|1|150"


def test_the_archive_never_overwrites_a_segment(tmp_path: Path) -> None:
    """The archive command as it stands: a second file of the same name is refused, which PostgreSQL reports."""
    command = settings_of(override()["services"]["postgres"]["command"])["archive_command"]
    (tmp_path / "one").write_text("first")
    filled = (
        command.replace("/wal/", f"{tmp_path}/").replace("%f", "0001").replace("%p", str(tmp_path / "one"))
    )
    assert subprocess.run(["sh", "-c", filled], check=False).returncode == 0
    (tmp_path / "one").write_text("second")
    assert subprocess.run(["sh", "-c", filled], check=False).returncode != 0
    assert (tmp_path / "0001").read_text() == "first"
    assert not (tmp_path / "0001.part").exists()


def test_the_override_keeps_the_compose_file_s_settings() -> None:
    """A command of an override replaces the other whole."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["postgres"]
    extra = settings_of(override()["services"]["postgres"]["command"])
    assert settings_of(compose["command"]).items() <= extra.items()
    assert set(extra) - set(settings_of(compose["command"])) == set(WANTED)
    assert override()["services"]["postgres"]["volumes"] == ["${WAL_DIR:-/srv/salesops-wal}:/wal"]


def test_the_page_says_what_was_proved_here() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert "-f docker/compose.pitr.yml" in page
    for name, value in override()["x-recovery"].items():
        assert f"{name} = '\\''{value}'\\''" in page, name
    for words in (
        "pg_basebackup -U salesops -D /wal/base-",
        "-c fast -X stream",
        "pg_verifybackup -q",
        "recovery.signal",
    ):
        assert words in page, words
