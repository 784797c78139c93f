"""The compose file and the image's recipe, as far as they can be examined without a container engine."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("prepare", "web", "worker", "beat")
SERVERS = ("web", "worker", "beat", "postgres", "redis")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The compose file, anchors resolved."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def dockerfile() -> str:
    """The image's recipe."""
    return (ROOT / "Dockerfile").read_text()


def interpolate(text: str, env: dict[str, str]) -> str:
    """`${NAME:-default}` as compose does it."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda match: env.get(match[1]) or match[2], text)


def test_every_server_has_a_health_check_and_comes_back(compose: dict[str, Any]) -> None:
    for name in SERVERS:
        service = compose["services"][name]
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["restart"] == "unless-stopped", name


def test_nothing_starts_before_what_it_needs(compose: dict[str, Any]) -> None:
    for name in ("web", "worker", "beat"):
        assert compose["services"][name]["depends_on"] == {
            "postgres": {"condition": "service_healthy"},
            "redis": {"condition": "service_healthy"},
            "prepare": {"condition": "service_completed_successfully"},
        }
    for service in compose["services"].values():
        assert set(service.get("depends_on", {})) <= set(compose["services"])


def test_every_volume_is_declared_and_the_database_keeps_its_data(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (ROOT / source).exists(), f"{name}: {volume}"
    assert "postgres:/var/lib/postgresql" in compose["services"]["postgres"]["volumes"]


def test_every_setting_named_is_one(compose: dict[str, Any]) -> None:
    from salesops.settings import env

    known = {declared.name for declared in env.declared}
    for name in PRODUCT:
        for variable in compose["services"][name]["environment"]:
            assert variable.removesuffix("_FILE") in known, variable
    recipe = (ROOT / "Dockerfile").read_text()
    for variable in re.findall(r"\b([A-Z][A-Z_]+)=", recipe):
        assert variable in known | {
            "PATH",
            "PYTHONUNBUFFERED",
            "PIP_DISABLE_PIP_VERSION_CHECK",
            "PIP_NO_INPUT",
        }, variable


def test_settings_accept_what_compose_passes_without_an_env_file(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    address, broker = tmp_path / "database-url", tmp_path / "redis-url"
    address.write_text("postgresql://salesops_login:pw@postgres:5432/salesops")
    broker.write_text("redis://:pw@redis:6379/0")
    passed = {
        name: interpolate(str(value), {}) for name, value in compose["services"]["web"]["environment"].items()
    }
    passed |= {
        "DATABASE_URL_FILE": str(address),
        "REDIS_URL_FILE": str(broker),
        "SECRET_KEY": "k3Y-" + "abcdefghijklmnopqrstuvwxyz0123456789" * 2,
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **passed},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_only_loopback_is_open_by_default(compose: dict[str, Any]) -> None:
    published = {
        name: service["ports"] for name, service in compose["services"].items() if "ports" in service
    }
    assert list(published) == ["web"]
    assert interpolate(published["web"][0], {}) == "127.0.0.1:8000:8000"


def test_no_secret_is_written_down(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert not re.search(r"(PASSWORD|SECRET_KEY|TOKEN): *[\"']?[A-Za-z0-9]", text)


def test_every_part_signs_in_with_a_password_made_at_the_first_boot(
    tmp_path: Path, compose: dict[str, Any]
) -> None:
    """The script as it is, in folders of the test's; a second boot changes nothing."""
    folders = _folders(tmp_path)

    def boot() -> dict[str, str]:
        _make_secrets(tmp_path)
        files = sorted(file for folder in folders for file in folder.iterdir())
        assert {file.stat().st_mode & 0o777 for file in files} == {0o400}
        return {f"{file.parent.name}/{file.name}": file.read_text() for file in files}

    made = boot()
    passwords = [
        made["secrets/database-password"],
        made["secrets/server-password"],
        made["broker/redis.conf"].split()[1],
    ]
    assert [len(set(passwords)), *map(len, passwords)] == [3, 64, 64, 64]
    assert made["owner/database-url"] == f"postgresql://salesops:{passwords[0]}@postgres:5432/salesops"
    assert (
        made["secrets/database-url"] == f"postgresql://salesops_login:{passwords[1]}@postgres:5432/salesops"
    )
    assert made["secrets/redis-url"] == f"redis://:{passwords[2]}@redis:6379/0"
    assert boot() == made
    assert "/broker/redis.conf" in compose["services"]["redis"]["command"]
    assert _readers(compose, "owner") == {"secrets", "prepare"}
    assert _readers(compose, "broker") == {"secrets", "redis"}
    assert "redis" not in _readers(compose, "secrets"), "database and broker are one user in their images"


def test_a_project_of_one_login_keeps_it_until_it_asks_for_two(tmp_path: Path) -> None:
    secrets, owner, _broker = _folders(tmp_path)
    (secrets / "database-password").write_text("former")
    (secrets / "database-url").write_text("postgresql://salesops:former@postgres:5432/salesops")
    for words, login in (
        ((), "salesops:"),
        (("second-login",), "salesops:"),  # first the database makes it
        (("two-logins",), "salesops_login:"),
        ((), "salesops_login:"),
    ):
        _make_secrets(tmp_path, *words)
        assert f"//{login}" in (secrets / "database-url").read_text()
        assert "salesops:former@" in (owner / "database-url").read_text()


def _folders(root: Path) -> list[Path]:
    found = [root / name for name in ("secrets", "owner", "broker")]
    for folder in found:
        folder.mkdir()
    return found


def _make_secrets(root: Path, *words: str) -> None:
    script = (ROOT / "docker" / "make-secrets.sh").read_text()
    script = re.sub(r"(?<![\w.])/(secrets|owner|broker)\b", rf"{root}/\1", script)
    script = re.sub(r"^chown .*$", "", script, flags=re.MULTILINE)
    subprocess.run(["bash", "-c", script, "make-secrets", *words], check=True)


def _readers(compose: dict[str, Any], volume: str) -> set[str]:
    """The parts that have a volume before them."""
    return {
        name
        for name, service in compose["services"].items()
        if any(mounted.startswith(f"{volume}:") for mounted in service.get("volumes", []))
    }


def test_one_major_version_of_postgresql_everywhere(compose: dict[str, Any], dockerfile: str) -> None:
    from launcher.postgres import MAJOR

    assert compose["services"]["postgres"]["image"] == f"postgres:{MAJOR}"
    assert set(re.findall(r"postgres(?:ql)?[:/](\d+)", dockerfile)) == {MAJOR}


def test_the_image_runs_as_somebody_without_rights(dockerfile: str, compose: dict[str, Any]) -> None:
    final = dockerfile.split("\nFROM ")[-1]
    assert re.search(r"^USER salesops$", final, re.MULTILINE)
    assert final.index("USER salesops") < final.index("ENTRYPOINT")
    uid = re.search(r"--uid (\d+)", final)
    assert uid is not None
    assert f"chown {uid[1]}:" in (ROOT / "docker" / "make-secrets.sh").read_text()
    for name in PRODUCT:
        assert compose["services"][name]["cap_drop"] == ["ALL"]
        assert "user" not in compose["services"][name]


def test_the_recipe_names_no_package_index(dockerfile: str) -> None:
    assert not re.search(r"index|https://", dockerfile)
    assert "--require-hashes" in dockerfile


def test_every_file_and_command_named_exists(compose: dict[str, Any], dockerfile: str) -> None:
    entry = (ROOT / "docker" / "entrypoint.sh").read_text()
    for path in re.findall(r"/app/((?:docker|manage)[\w./-]*)", dockerfile + entry + str(compose)):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE):
        assert (ROOT / path).exists(), path
    for name in PRODUCT:
        (role,) = compose["services"][name]["command"]
        assert f"\n  {role})" in entry, role
    for command in re.findall(
        r"manage\.py (\w+)", entry + dockerfile + (ROOT / "docker/healthcheck.sh").read_text()
    ):
        assert command in get_commands(), command


@pytest.mark.parametrize("script", sorted((ROOT / "docker").glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_well_formed_and_executable(script: Path) -> None:
    assert os.access(script, os.X_OK)
    shell = script.read_text().splitlines()[0].removeprefix("#!")
    done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_dev_lock_pins_what_the_product_lock_pins() -> None:
    def pins(name: str) -> dict[str, str]:
        found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", (ROOT / name).read_text(), re.MULTILINE)
        return dict(found)

    product, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    assert product.items() <= dev.items()
