"""Backup, restore and doctor, on a database of their own with the real tools."""

import io
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from organization.models import User
from salesops.jobs.models import Job
from salesops.operations import backups, diagnosis, postgres_tools

DATABASE = "salesops_backup_test"


@pytest.fixture(scope="module")
def own_database(django_db_setup: None, django_db_blocker: Any, worker_id: str) -> Iterator[str]:
    """A migrated database beside the suite's, which the tests here may drop and replace."""
    name = f"{DATABASE}_{worker_id}"
    with django_db_blocker.unblock():
        before = connection.settings_dict["NAME"]
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name}")
        connection.close()
        connection.settings_dict["NAME"] = name
        call_command("migrate", verbosity=0)
        yield name
        connection.close()
        connection.settings_dict["NAME"] = before
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


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


def test_a_damaged_backup_is_refused_and_nothing_changes(installation: Path) -> None:
    file = Path(run("backup")["path"])
    content = bytearray(file.read_bytes())
    middle = content.find(b"PGDMP") + 5000
    content[middle : middle + 8] = b"\0\1\2\3\4\5\6\7"
    file.write_bytes(content)
    with pytest.raises(CommandError, match="damaged") as refusal:
        run("restore", str(file), force=True)
    assert refusal.value.returncode == 3
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(CommandError, match="not a readable backup|damaged"):
        run("restore", str(file), check=True)
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": "99.0.0"}, "Install that version"),
        ({"format": 99}, "Install that version"),
        ({"migrations": ["organization.9999_from_the_future"]}, "unknown here"),
        ({"postgresql": 99}, "dumps do not go backwards"),
        ({"product": "another"}, "not one of SalesOps"),
    ],
)
def test_a_newer_or_foreign_backup_is_refused_even_with_force(
    installation: Path, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    original = Path(run("backup")["path"])
    altered = tmp_path / "altered.tar"
    with tarfile.open(original) as source, tarfile.open(altered, "w") as target:
        for member in source.getmembers():
            data = source.extractfile(member).read()  # type: ignore[union-attr]
            if member.name == backups.MANIFEST:
                data = json.dumps({**json.loads(data), **change}).encode()
                member.size = len(data)
            target.addfile(member, io.BytesIO(data))
    with pytest.raises(CommandError, match=words) as refusal:
        run("restore", str(altered), force=True)
    assert refusal.value.returncode == 3


def test_a_failing_restore_leaves_the_former_data(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = run("backup")["path"]

    def fail(*_: Any) -> None:
        raise postgres_tools.ToolError("the disk is full")

    monkeypatch.setattr(backups, "run_tool", fail)
    with pytest.raises(CommandError, match="disk is full") as failure:
        run("restore", file)
    assert failure.value.returncode == 1
    assert User.objects.get().email == "ada@example.com"


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
