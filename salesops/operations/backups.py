"""A backup is one tar file: manifest, database dump, uploads. Restoring checks all of it before touching anything."""

import datetime as dt
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from salesops.health import product_version
from salesops.operations.postgres_tools import run_tool, server_major

FORMAT = 1
MANIFEST = "manifest.json"
SAID = {"format": int, "version": str, "made_at": str, "postgresql": int, "migrations": list, "sha256": dict}
"""What a manifest says, besides whose it is."""
DUMP = "database.dump"
UPLOADS = "uploads"
ASIDE = "before_restore"
"""The schema of the former data while a restore runs."""
OTHER_SESSIONS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class BackupRefusedError(RuntimeError):
    """The backup cannot or must not be restored here; the text says why and what would help."""


@dataclass(frozen=True)
class BackupFile:
    """A finished backup."""

    path: Path
    size: int
    manifest: dict[str, Any]


def write_backup(folder: Path, *, now: dt.datetime, keep: int | None = None) -> BackupFile:
    """Dumps database and uploads into one new file, readable for the owner only; `keep` removes older ones."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder / f"salesops-{now:%Y%m%dT%H%M%SZ}.tar"
    with tempfile.TemporaryDirectory(dir=folder, prefix=".backup-") as scratch_name:
        scratch = Path(scratch_name)
        run_tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={scratch / DUMP}")
        manifest = _describe(scratch / DUMP, now)
        (scratch / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        part = scratch / "backup.tar"
        _pack(part, scratch)
        part.chmod(0o600)
        part.replace(target)
    if keep:
        for old in sorted(folder.glob("salesops-*.tar"))[:-keep]:
            old.unlink()
    return BackupFile(target, target.stat().st_size, manifest)


def check_backup(path: Path) -> dict[str, Any]:
    """Reads a whole backup and compares every checksum; returns its manifest or refuses."""
    try:
        with tarfile.open(path) as archive:
            manifest = _manifest(archive)
            names = {member.name for member in archive.getmembers() if member.isfile()} - {MANIFEST}
            _refuse_other_files(path, names, set(manifest["sha256"]))
            for name, wanted in manifest["sha256"].items():
                if _digest_of(archive, name) != wanted:
                    raise BackupRefusedError(
                        f"{path} is damaged: {name} differs from its checksum. Use another backup."
                    )
    except (OSError, tarfile.TarError, EOFError, KeyError, ValueError) as problem:
        raise BackupRefusedError(f"{path} is not a readable backup ({problem}).") from None
    _refuse_newer(manifest)
    return manifest


def restore_backup(path: Path, *, force: bool) -> dict[str, Any]:
    """Replaces database and uploads by those of a backup, then migrates to this version.

    Damaged and newer backups are always refused. `force` means: replace data that is there and end other sessions;
    without it both are refused. The former data is removed only after the restore has succeeded.
    """
    manifest = check_backup(path)
    with connection.cursor() as cursor:
        if force:
            cursor.execute(f"SELECT pg_terminate_backend(pid) {OTHER_SESSIONS}")
        else:
            _refuse_use(cursor)
        _settle_interrupted(cursor)
        if _has_company(cursor) and not force:
            raise BackupRefusedError(
                "This database holds a company already. --force replaces it with the backup."
            )
    with tempfile.TemporaryDirectory(dir=settings.VAR_DIR, prefix=".restore-") as scratch_name:
        scratch = Path(scratch_name)
        with tarfile.open(path) as archive:
            archive.extractall(scratch, filter="data")
        _swap_database(scratch / DUMP)
        _swap_uploads(scratch / UPLOADS)
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    return manifest


def newest_backup(folder: Path) -> Path | None:
    """The newest backup in a folder, by name, which is by time."""
    return max(folder.glob("salesops-*.tar"), default=None)


def _describe(dump: Path, now: dt.datetime) -> dict[str, Any]:
    uploads = sorted(path for path in Path(settings.UPLOAD_DIR).rglob("*") if path.is_file())
    sums = {DUMP: _digest(dump)}
    sums |= {f"{UPLOADS}/{path.relative_to(settings.UPLOAD_DIR)}": _digest(path) for path in uploads}
    applied = sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())
    return {
        "format": FORMAT,
        "product": "salesops",
        "version": product_version(),
        "made_at": now.isoformat(),
        "postgresql": server_major(),
        "migrations": applied,
        "sha256": sums,
    }


def _pack(part: Path, scratch: Path) -> None:
    with tarfile.open(part, "w") as archive:
        archive.add(scratch / MANIFEST, MANIFEST)
        archive.add(scratch / DUMP, DUMP)
        manifest = json.loads((scratch / MANIFEST).read_text(encoding="utf-8"))
        for name in manifest["sha256"]:
            if name != DUMP:
                archive.add(Path(settings.UPLOAD_DIR) / name.removeprefix(f"{UPLOADS}/"), name)


def _manifest(archive: tarfile.TarFile) -> dict[str, Any]:
    handle = archive.extractfile(MANIFEST)
    if handle is None:
        raise ValueError("its manifest is missing")
    manifest = json.loads(handle.read())
    if not isinstance(manifest, dict) or manifest.get("product") != "salesops":
        raise ValueError("it is not one of SalesOps")
    unsaid = [name for name, kind in SAID.items() if not isinstance(manifest.get(name), kind)]
    if unsaid:
        raise ValueError(f"its manifest does not say {', '.join(unsaid)}")
    return cast("dict[str, Any]", manifest)


def _refuse_other_files(path: Path, names: set[str], listed: set[str]) -> None:
    if names == listed:
        return
    odd = sorted(names ^ listed)[0]
    what = "is missing" if odd in listed else "is not in its manifest"
    raise BackupRefusedError(f"{path} is damaged: {odd} {what}. Use another backup.")


def _refuse_newer(manifest: dict[str, Any]) -> None:
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    unknown = [name for name in manifest["migrations"] if name not in known]
    newer = _version(manifest["version"]) > _version(product_version())
    if manifest["format"] > FORMAT or newer or unknown:
        detail = f"; unknown here: {', '.join(unknown[:3])}" if unknown else ""
        raise BackupRefusedError(
            f"The backup was made by SalesOps {manifest['version']}, this is {product_version()}{detail}. "
            "Install that version or a newer one, then restore."
        )
    if manifest["postgresql"] > server_major():
        raise BackupRefusedError(
            f"The backup comes from PostgreSQL {manifest['postgresql']}, this server is {server_major()}. "
            "Upgrade the server first; dumps do not go backwards."
        )


def _has_company(cursor: Any) -> bool:
    cursor.execute("SELECT to_regclass('public.organization_company') IS NOT NULL")
    has_table = cursor.fetchone()[0]
    cursor.execute("SELECT EXISTS (SELECT FROM organization_company)" if has_table else "SELECT false")
    found: bool = cursor.fetchone()[0]
    return found


def _refuse_use(cursor: Any) -> None:
    cursor.execute(f"SELECT count(*) {OTHER_SESSIONS} AND backend_type = 'client backend'")
    sessions = cursor.fetchone()[0]
    if sessions:
        raise BackupRefusedError(
            f"{sessions} other sessions use this database. Stop web, worker and beat, or --force."
        )


def _swap_database(dump: Path) -> None:
    """Restores beside the present schema, which is dropped last: a failure puts it back."""
    wanted = dump.with_suffix(".list")
    wanted.write_text(_without_policies(run_tool("pg_restore", "--list", str(dump))), encoding="utf-8")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SCHEMA public RENAME TO {ASIDE}; CREATE SCHEMA public")
    try:
        run_tool(
            "pg_restore",
            "--no-owner",
            "--no-privileges",
            "--exit-on-error",
            "--single-transaction",
            f"--use-list={wanted}",
            f"--dbname={connection.settings_dict['NAME']}",
            str(dump),
        )
    except BaseException:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA public CASCADE; ALTER SCHEMA {ASIDE} RENAME TO public")
        raise
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA {ASIDE} CASCADE")
    connection.close()


def _without_policies(contents: str) -> str:
    """The second wall names roles that another server may not have; `migrate` builds it anew."""
    return "".join(line for line in contents.splitlines(keepends=True) if " POLICY " not in line)


def _settle_interrupted(cursor: Any) -> None:
    """After a restore that was killed: what it put aside is the data there is, whatever empty tables were made since.
    Of two companies a person must say which one counts: neither is dropped.
    """
    cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [ASIDE])
    if not cursor.fetchone()[0]:
        return
    if _has_company(cursor):
        raise BackupRefusedError(
            f"A restore was interrupted, and what was there before it is still in the schema {ASIDE}. Say which "
            f"counts, in psql: the company that is here now (DROP SCHEMA {ASIDE} CASCADE), or that one "
            f"(DROP SCHEMA public CASCADE; ALTER SCHEMA {ASIDE} RENAME TO public). Then restore again."
        )
    cursor.execute(f"DROP SCHEMA public CASCADE; ALTER SCHEMA {ASIDE} RENAME TO public")


def _swap_uploads(restored: Path) -> None:
    target = Path(settings.UPLOAD_DIR)
    aside = target.with_name(f"{target.name}.before-restore")
    shutil.rmtree(aside, ignore_errors=True)
    if target.exists():
        target.rename(aside)
    if restored.exists():
        shutil.move(os.fspath(restored), target)
    else:
        target.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(aside, ignore_errors=True)


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _digest_of(archive: tarfile.TarFile, name: str) -> str:
    handle = archive.extractfile(name)
    if handle is None:
        return ""
    seen = hashlib.sha256()
    while block := handle.read(1 << 20):
        seen.update(block)
    return seen.hexdigest()


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
