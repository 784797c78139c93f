"""What `doctor` says of the database server, on a server with each of its troubles, and of the backups' disk."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone

from pipeline.selectors.upkeep import upkeep
from pipeline.tasks import VERIFY, order_verification
from salesops.jobs.models import Job
from salesops.operations import diagnosis
from salesops.operations.finding import Finding
from salesops.operations.postgres_health import DEAD_ROWS_NOTICED, archive, examine_server
from salesops.operations.upkeep import judge
from tests.ops.cluster import Cluster, private_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with private_cluster(tmp_path_factory.mktemp("var")) as it:
        it.start({"archive_mode": "on", "archive_command": f"test -d {it.wal} && cp %p {it.wal}/%f"})
        yield it


def linked(cluster: Cluster) -> closing[Any]:
    link = psycopg2.connect(host=str(cluster.folder), user="postgres", dbname="postgres")
    link.autocommit = True
    return closing(link)


def told(cluster: Cluster) -> dict[str, Finding]:
    with linked(cluster) as link, link.cursor() as cursor:
        return {found.name: found for found in examine_server(cursor)}


def told_when(cluster: Cluster, name: str, true: Callable[[Finding], bool]) -> Finding:
    """The finding once it is so: statistics reach others after a moment."""
    deadline = time.monotonic() + 20
    while not true(found := told(cluster)[name]):
        assert time.monotonic() < deadline, f"{found} {cluster.log()}"
        time.sleep(0.1)
    return found


def reconfigure(cluster: Cluster, text: str) -> None:
    cluster.sql(f"ALTER SYSTEM {text}")
    cluster.sql("SELECT pg_reload_conf()")


@pytest.mark.slow
class TestServer:
    def test_an_archive_that_fails_is_told_until_it_works_again(self, cluster: Cluster) -> None:
        cluster.await_archived()
        assert told_when(cluster, "log archive", lambda found: "last" in found.detail).state == "ok"
        cluster.wal.rename(cluster.folder / "away")
        cluster.sql("CREATE TABLE more (); SELECT pg_switch_wal()")
        found = told_when(cluster, "log archive", lambda found: found.state == "failed")
        assert "could not be archived" in found.detail
        assert "archive folder" in found.cure
        (cluster.folder / "away").rename(cluster.wal)
        told_when(cluster, "log archive", lambda found: found.state == "ok")

    def test_nothing_is_said_of_an_archive_nobody_wants(self, db: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW archive_mode")
            assert cursor.fetchone() == ("off",)
            assert list(archive(cursor)) == []

    def test_an_archive_without_a_place_is_told(self, tmp_path: Path) -> None:
        with private_cluster(tmp_path) as bare:
            bare.start({"archive_mode": "on"})
            found = told(bare)["log archive"]
        assert (found.state, "archive_command" in found.cure) == ("failed", True)

    def test_connections_running_out_are_told(self, cluster: Cluster) -> None:
        """Of ten, three are kept for administrators: seven, of which the doctor's own is one."""
        seen = {1: told(cluster)["connections"]}
        with ExitStack() as held:
            for used in range(2, 8):
                held.enter_context(linked(cluster))
                begins = f"{used} of 7"
                seen[used] = told_when(cluster, "connections", lambda found, b=begins: b in found.detail)
        states = [seen[used].state for used in range(1, 8)]
        assert states == ["ok"] * 5 + ["warning", "failed"], seen
        assert "max_connections" in seen[7].cure

    def test_autovacuum_off_is_told(self, cluster: Cluster) -> None:
        assert told(cluster)["autovacuum"].state == "ok"
        for setting in ("autovacuum", "track_counts"):
            reconfigure(cluster, f"SET {setting} = off")
            found = told_when(cluster, "autovacuum", lambda found: found.state == "failed")
            assert "autovacuum = on" in found.cure
            reconfigure(cluster, f"RESET {setting}")
            told_when(cluster, "autovacuum", lambda found: found.state == "ok")

    def test_a_table_nobody_clears_is_told_with_what_clears_it(self, cluster: Cluster) -> None:
        rows = DEAD_ROWS_NOTICED * 2
        cluster.sql(f"""CREATE TABLE left_alone WITH (autovacuum_enabled = off) AS
            SELECT generate_series(1, {rows}) AS id""")
        found = told(cluster)
        assert (found["autovacuum"].state, found["dead rows"].state) == ("warning", "ok")
        cluster.sql("UPDATE left_alone SET id = id")
        behind = told_when(cluster, "dead rows", lambda found: found.state == "warning")
        assert f"left_alone {rows} beside {rows} living" in behind.detail
        cluster.sql(behind.cure.split(".")[0].split(";")[0])
        told_when(cluster, "dead rows", lambda found: found.state == "ok")
        cluster.sql(found["autovacuum"].cure)
        assert told(cluster)["autovacuum"].state == "ok"


@pytest.mark.django_db
def test_the_doctor_asks_the_server(settings: Any) -> None:
    settings.REDIS_URL = ""
    names = {found.name for found in diagnosis.diagnose()}
    assert {"connections", "autovacuum", "dead rows"} <= names


class TestBackupDisk:
    @pytest.fixture
    def folder(self, settings: Any) -> Path:
        folder = Path(settings.BACKUP_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def told(self) -> Finding:
        (found,) = diagnosis._backup_room()
        return found

    @pytest.mark.parametrize(("share", "state"), [(0.0, "ok"), (0.7, "warning"), (1.5, "failed")])
    def test_the_next_backups_must_fit(self, folder: Path, share: float, state: str) -> None:
        """The newest backup is a file with a hole: it says to be so large, and takes nothing."""
        with (folder / "salesops-2026-01-01.tar").open("wb") as file:
            file.truncate(int(shutil.disk_usage(folder).free * share))
        found = self.told()
        assert found.state == state, found
        assert bool(found.cure) is (state != "ok")
        assert ("--keep" in found.cure) is (state != "ok")

    def test_a_disk_of_its_own_is_told_too(self, settings: Any) -> None:
        shared = Path("/dev/shm")
        if not os.access(shared, os.W_OK) or shared.stat().st_dev == Path(settings.VAR_DIR).stat().st_dev:
            pytest.skip("no second file system here")
        with tempfile.TemporaryDirectory(dir=shared) as folder:
            settings.BACKUP_DIR = folder
            assert "% free" in self.told().detail

    def test_a_folder_not_made_yet_is_no_trouble(self, settings: Any, tmp_path: Path) -> None:
        settings.BACKUP_DIR = tmp_path / "later"
        assert list(diagnosis._backup_room()) == []


@pytest.mark.django_db
class TestFirstVerification:
    def judged(self, after: dt.timedelta) -> bool:
        """Whether it is well so long after the installation."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT min(applied) FROM django_migrations")
            begin: dt.datetime = cursor.fetchone()[0]  # type: ignore[index]
        return not judge(upkeep(), begin + after)[2].trouble

    def test_a_new_installation_is_not_blamed_before_its_hour(self) -> None:
        assert [self.judged(dt.timedelta(minutes=m)) for m in (0, 61, 119, 121)] == [True, True, True, False]

    def test_the_job_that_waits_says_when_it_is_due(self) -> None:
        """A clock first started a day later, as after an upgrade from a version that did not verify."""
        order_verification()
        due = timezone.now() + dt.timedelta(hours=30)
        Job.objects.filter(kind=VERIFY).update(not_before=due)
        for minutes, is_well in ((-600, True), (59, True), (61, False)):
            verification = judge(upkeep(), due + dt.timedelta(minutes=minutes))[2]
            assert (not verification.trouble) is is_well, minutes
            assert bool(verification.cure) is not is_well
