"""Backup, restore and doctor, on a database of their own with the real tools."""

import datetime as dt
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import Error, connection
from django.test import Client

from organization.models import User
from salesops.demo.seeding import seed
from salesops.jobs.models import Job
from salesops.operations import backups, diagnosis, postgres_tools
from salesops.wall import policies
from tests.e2e.server import ROOT, with_database
from tests.ops.cluster import private_cluster

DATABASE = "salesops_backup_test"


def say_sql(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def connected_to(**place: str) -> Iterator[None]:
    """The default connection leads there meanwhile."""
    before = {name: connection.settings_dict[name] for name in place}
    connection.close()
    connection.settings_dict.update(place)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@contextmanager
def new_database(name: str, *, like: str = "template1") -> Iterator[None]:
    """A database beside the present one, connected to meanwhile, dropped at the end."""
    say_sql(f"DROP DATABASE IF EXISTS {name}")
    say_sql(f"CREATE DATABASE {name} TEMPLATE {like}")
    try:
        with connected_to(NAME=name):
            yield
    finally:
        say_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def own_database(django_db_setup: None, django_db_blocker: Any, worker_id: str) -> Iterator[str]:
    """A migrated database beside the suite's, which the tests here may drop and replace."""
    name = f"{DATABASE}_{worker_id}"
    with django_db_blocker.unblock(), new_database(name):
        call_command("migrate", verbosity=0)
        yield name


@pytest.fixture
def installation(own_database: str, django_db_blocker: Any, settings: Any) -> Iterator[Path]:
    """That database with one login and one uploaded file; returns the backup folder."""
    with django_db_blocker.unblock():
        User.objects.all().delete()
        User.objects.create_user("ada@example.com", "correct horse battery")
        upload = Path(settings.UPLOAD_DIR) / "7" / "export.csv"
        upload.parent.mkdir(parents=True)
        upload.write_text("Id;Amount\n1;100\n")
        yield Path(settings.BACKUP_DIR)


@pytest.fixture
def manager(
    installation: Path, own_database: str, tmp_path: Path, worker_id: str
) -> Iterator[dict[str, str]]:
    """The installation with a small demo company, in a copy of the database; its manager's login."""
    with connected_to(NAME="postgres"), new_database(f"{DATABASE}_company_{worker_id}", like=own_database):
        seed(today=dt.datetime.now(dt.UTC).date(), deals=200, say=lambda _: None, folder=tmp_path / "seed")
        logins = json.loads((tmp_path / "seed" / "demo_logins.json").read_text())
        yield next(login for login in logins if login["role"] == "Sales manager")


def contents() -> dict[str, Any]:
    """How many rows every table has, with a checksum of them, and where every sequence stands."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
    counted = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t"
    found: dict[str, Any] = {
        name: say_sql(counted.format(connection.ops.quote_name(name))) for name in tables
    }
    return found | dict(
        say_sql("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'")
    )


@contextmanager
def nothing_overwritten(uploads: Path) -> Iterator[None]:
    """Tables are not even made anew, rows and files stay."""

    def standing() -> list[Any]:
        tables = (
            "SELECT oid::bigint, relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
        )
        files = {path: path.read_bytes() for path in uploads.rglob("*") if path.is_file()}
        schemas = say_sql("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1")
        return [say_sql(tables), contents(), files, schemas]

    before = standing()
    yield
    assert standing() == before


def repacked(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of a backup with other files in it."""
    with tarfile.open(file) as source:
        files = {name: source.extractfile(name).read() for name in source.getnames()}  # type: ignore[union-attr]
    change(files)
    target = file.with_name("repacked.tar")
    with tarfile.open(target, "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return target


def saying(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    """The manifest says something else."""

    def change(files: dict[str, bytes]) -> None:
        said = json.loads(files[backups.MANIFEST]) | changes
        files[backups.MANIFEST] = json.dumps(
            {key: what for key, what in said.items() if what is not None}
        ).encode()

    return change


def with_broken_sql(files: dict[str, bytes]) -> None:
    """The dump fails half way, with checksums as they should be: what a tool of another build might write."""
    sound = files[backups.DUMP]
    files[backups.DUMP] = sound.replace(
        b"CREATE TABLE public.organization_user ", b"CREATE TABBE public.organization_user "
    )
    assert files[backups.DUMP] != sound
    sums = json.loads(files[backups.MANIFEST])["sha256"]
    saying(sha256=sums | {backups.DUMP: hashlib.sha256(files[backups.DUMP]).hexdigest()})(files)


def run(name: str, *arguments: Any, **options: Any) -> Any:
    """A command's JSON."""
    out = io.StringIO()
    call_command(name, *arguments, json=True, stdout=out, **options)
    return json.loads(out.getvalue())


def test_what_was_backed_up_comes_back(installation: Path, settings: Any) -> None:
    made = run("backup")
    file = Path(made["path"])
    assert file.stat().st_mode & 0o077 == 0
    assert made["uploads"] == 1
    User.objects.all().delete()
    upload = Path(settings.UPLOAD_DIR) / "7" / "export.csv"
    upload.write_text("overwritten")
    (Path(settings.UPLOAD_DIR) / "late.csv").write_text("made after the backup")
    assert run("restore", str(file))["state"] == "restored"
    user = User.objects.get()
    assert user.email == "ada@example.com"
    assert user.check_password("correct horse battery")
    assert upload.read_text() == "Id;Amount\n1;100\n"
    assert not (Path(settings.UPLOAD_DIR) / "late.csv").exists()
    assert run("verify")["holds"] is True


def forecast_of(login: dict[str, str]) -> str:
    """Signs in by the form, through the second wall as everybody; what the forecast answers."""
    client = Client(headers={"Accept-Language": "en"})
    form = {"login": login["email"], "password": login["password"]}
    assert client.post("/accounts/login/", form).status_code == 302
    page = client.get("/forecast/")
    assert page.status_code == 200
    answer = re.search(r'<p class="answer".*?</p>', page.content.decode(), re.DOTALL)
    assert answer
    return answer[0]


def test_the_drill_a_company_comes_back_whole_on_another_server(
    manager: dict[str, str], tmp_path: Path, settings: Any
) -> None:
    answer = forecast_of(manager)
    assert run("verify")["holds"] is True
    before, file = contents(), run("backup")["path"]
    assert before["opportunities_opportunity"][0][0] >= 200
    shutil.rmtree(settings.UPLOAD_DIR)
    with private_cluster(tmp_path) as server:
        server.start({"fsync": "off"})
        server.run("createdb", "salesops")
        with connected_to(HOST=str(server.folder), PORT="", USER="postgres", PASSWORD="", NAME="salesops"):
            assert run("restore", file)["state"] == "restored"
            assert contents() == before
            assert run("verify")["holds"] is True
            with connection.cursor() as cursor:
                assert policies.absent_roles(cursor) == policies.missing(cursor) == []
            assert forecast_of(manager) == answer
    assert (Path(settings.UPLOAD_DIR) / "7" / "export.csv").read_text() == "Id;Amount\n1;100\n"


def _without_casts(rule: str) -> str:
    """PostgreSQL writes a rule with other casts and brackets once it has read its own writing; it means the same."""
    return re.sub(r"::(?:text|character varying)(?:\[\])?|[()]", "", rule)


def test_triggers_and_constraints_come_back_too(installation: Path) -> None:
    def definitions() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
            triggers = cursor.fetchall()
            cursor.execute("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2")
            return [triggers, [(name, _without_casts(rule)) for name, rule in cursor.fetchall()]]

    before = definitions()
    run("restore", run("backup")["path"])
    assert definitions() == before


def test_a_company_is_not_overwritten_without_force(installation: Path) -> None:
    file = run("backup")["path"]
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE organization_company DISABLE TRIGGER ALL")
        cursor.execute(
            "INSERT INTO organization_company (id, name, time_zone, is_demo, calendar_id, corporate_currency_id) "
            "SELECT 1, 'Acme', 'UTC', false, 1, 'EUR'"
        )
    try:
        with pytest.raises(CommandError, match="holds a company") as refusal:
            run("restore", file)
        assert refusal.value.returncode == 3
        assert User.objects.count() == 1
        assert run("restore", file, force=True)["state"] == "restored"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE organization_company ENABLE TRIGGER ALL")
            cursor.execute("DELETE FROM organization_company")


def _flip(files: dict[str, bytes], name: str) -> None:
    data = bytearray(files[name])
    data[len(data) // 2] ^= 1
    files[name] = bytes(data)


UPLOAD = "uploads/7/export.csv"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda files: _flip(files, backups.DUMP), "damaged: database.dump differs from its checksum"),
        (lambda files: _flip(files, UPLOAD), f"damaged: {UPLOAD} differs from its checksum"),
        (lambda files: files.pop(UPLOAD), f"damaged: {UPLOAD} is missing"),
        (lambda files: files.pop(backups.DUMP), "damaged: database.dump is missing"),
        (
            lambda files: files.update({"uploads/8/more.csv": b""}),
            "uploads/8/more.csv is not in its manifest",
        ),
        (lambda files: files.pop(backups.MANIFEST), "not a readable backup .*manifest.json"),
        (lambda files: files.update({backups.MANIFEST: b"[]"}), "not one of SalesOps"),
        (saying(format=None, migrations=None), "does not say format, migrations"),
        (saying(version="99.0.0"), "made by SalesOps 99.0.0.* Install that version"),
        (saying(format=99), "Install that version"),
        (saying(migrations=["organization.9999_from_the_future"]), "unknown here: organization.9999"),
        (saying(postgresql=99), "dumps do not go backwards"),
        (saying(product="another"), "not one of SalesOps"),
    ],
)
def test_a_damaged_newer_or_foreign_backup_is_refused_even_with_force(
    installation: Path, settings: Any, change: Any, words: str
) -> None:
    altered = repacked(Path(run("backup")["path"]), change)
    with nothing_overwritten(settings.UPLOAD_DIR):
        with pytest.raises(CommandError, match=words) as refusal:
            run("restore", str(altered), force=True)
        assert refusal.value.returncode == 3


def test_half_a_backup_and_none_are_refused(installation: Path, settings: Any) -> None:
    file = Path(run("backup")["path"])
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with nothing_overwritten(settings.UPLOAD_DIR):
        for path in (file, file.with_name("never-made.tar")):
            with pytest.raises(CommandError, match="not a readable backup|damaged") as refusal:
                run("restore", str(path), force=True)
            assert refusal.value.returncode == 3


def test_no_flipped_byte_gets_into_what_is_restored(installation: Path) -> None:
    """Wherever it is: it is refused in words, or in a place that holds no data (padding, a time)."""

    def held(file: Path) -> dict[str, bytes]:
        with tarfile.open(file) as archive:
            names = [name for name in archive.getnames() if name != backups.MANIFEST]
            return {name: archive.extractfile(name).read() for name in names}  # type: ignore[union-attr]

    file = Path(run("backup")["path"])
    sound, whole = file.read_bytes(), held(file)
    manifest_ends = sound.index(b"\0", 512)
    dice = random.Random(20_261_130)
    places = [sound.index(f'"{key}"'.encode()) + 1 for key in backups.SAID]
    places += dice.sample(range(manifest_ends), 30) + dice.sample(range(manifest_ends, len(sound)), 30)
    refused = 0
    for place in places:
        file.write_bytes(sound[:place] + bytes([sound[place] ^ 1 << dice.randrange(7)]) + sound[place + 1 :])
        try:
            backups.check_backup(file)
        except backups.BackupRefusedError:
            refused += 1
        else:
            assert held(file) == whole, place
    assert refused > len(places) // 2


def test_a_failing_restore_leaves_the_former_data(installation: Path, settings: Any) -> None:
    file = repacked(Path(run("backup")["path"]), with_broken_sql)
    with nothing_overwritten(settings.UPLOAD_DIR):
        with pytest.raises(CommandError, match="pg_restore failed:.*syntax error") as failure:
            run("restore", str(file))
        assert failure.value.returncode == 1


PUT_BACK = "ALTER SCHEMA before_restore RENAME TO public"


def do_sql(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _killed_while_restoring(file: Path) -> bool:
    """`kill -9` of the command and its tool once the former data is aside; whether that was before the new was in."""
    url = with_database(os.environ["DATABASE_URL"], connection.settings_dict["NAME"])
    process = subprocess.Popen(
        [sys.executable, "manage.py", "restore", str(file), "--force"], cwd=ROOT, start_new_session=True,
        env={**os.environ, "DATABASE_URL": url, "SALESOPS_VAR": str(file.parent)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    while process.poll() is None:
        try:
            if say_sql("SELECT 1 FROM pg_namespace WHERE nspname = 'before_restore'"):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        except Error:  # the command ends other sessions first, this one among them
            connection.close()
        time.sleep(0.005)
    return not say_sql("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")


def test_after_a_restore_that_was_killed_the_former_data_is_still_there(installation: Path) -> None:
    sound = Path(run("backup")["path"])
    failing = str(repacked(sound, with_broken_sql))
    User.objects.create_user("grace@example.com", "later than the backup")
    before = contents()
    for _ in range(3):
        if _killed_while_restoring(sound):
            break
        do_sql(f"DROP SCHEMA public CASCADE; {PUT_BACK}")  # too late: the new was in
    do_sql("CREATE TABLE public.organization_company AS SELECT 1 AS id")
    with pytest.raises(CommandError, match="Say which counts") as refusal:
        run("restore", str(sound), force=True)
    assert refusal.value.returncode == 3
    do_sql(
        "DELETE FROM public.organization_company"
    )  # tables without a company, as a start of the servers makes them
    with pytest.raises(CommandError, match="syntax error"):
        run("restore", failing, force=True)
    assert contents() == before
    assert run("restore", str(sound), force=True)["state"] == "restored"
    assert [user.email for user in User.objects.all()] == ["ada@example.com"]


def test_keep_removes_the_oldest(installation: Path) -> None:
    for day in ("01", "02"):
        installation.mkdir(parents=True, exist_ok=True)
        (installation / f"salesops-202601{day}T000000Z.tar").write_text("old")
    made = run("backup", keep=2)
    assert sorted(path.name for path in installation.glob("*.tar")) == [
        "salesops-20260102T000000Z.tar",
        Path(made["path"]).name,
    ]


def test_a_tool_older_than_the_server_is_refused_with_the_cure() -> None:
    with pytest.raises(postgres_tools.ToolError, match="apt install postgresql-client-99"):
        postgres_tools.find_tool("pg_dump", at_least=99)


def test_the_doctor_names_cures_and_fails_only_for_failures(installation: Path, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(SystemExit) as end:
        call_command("doctor", stdout=io.StringIO())
    assert end.value.code == 1
    found = {finding.name: finding for finding in diagnosis.diagnose()}
    assert found["database"].state == found["migrations"].state == found["backup tool"].state == "ok"
    assert found["broker"].state == "failed"
    assert "REDIS_URL" in found["broker"].cure
    assert found["clock"].cure == "Start it: manage.py beat"
    assert found["backup"].state == "warning"
    run("backup")
    found = {finding.name: finding for finding in diagnosis.diagnose()}
    assert found["backup"].state == "ok"
    assert all(finding.cure for finding in found.values() if finding.state != "ok")
    assert Job.objects.count() == 0
