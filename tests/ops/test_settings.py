"""Settings in a fresh interpreter, as a server starts: what is refused, with which words, and what is clean."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STRONG = "k3Y-" + "abcdefghijklmnopqrstuvwxyz0123456789" * 2
PRODUCTION = {
    "SECRET_KEY": STRONG,
    "BASE_URL": "https://sales.example.com",
    "DATABASE_URL": "postgresql://salesops:pw@db:5432/salesops",
    "REDIS_URL": "redis://redis:6379/0",
}


def start(env: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of manage.py with exactly these settings."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *(command or ("check",))],
        cwd=ROOT,
        env={**clean, **env},
        capture_output=True,
        text=True,
    )


def test_production_is_clean_for_deploy() -> None:
    done = start(PRODUCTION, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout


def test_all_that_is_missing_is_named_at_once() -> None:
    done = start({})
    assert done.returncode != 0
    for name in PRODUCTION:
        assert f"{name} is missing" in done.stderr
    assert "docs/configuration.md" in done.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"DEBUG": "maybe"}, "neither yes nor no"),
        ({"TRUSTED_PROXIES": "two"}, "not a whole number"),
        ({"TRUSTED_PROXIES": "99"}, "between 0 and 10"),
        ({"DATABASE_URL": "mysql://x"}, "postgres://, postgresql://"),
        ({"REDIS_URL": "localhost:6379"}, "redis://"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is weak"),
        ({"SECRET_KEY": "a" * 80}, "SECRET_KEY is weak"),
        ({"BASE_URL": "http://sales.example.com"}, "in the clear"),
        ({"ALLOWED_HOSTS": "*"}, "name the hosts"),
        ({"OIDC_ISSUER": "https://login.example.com"}, "set all three or none"),
        ({"LOG_LEVEL": "LOUD"}, "must be one of DEBUG, INFO"),
        ({"SECRET_KEY_FILE": "/nonexistent/key"}, "cannot be read"),
    ],
)
def test_a_wrong_value_stops_the_start_with_the_cure(change: dict[str, str], words: str) -> None:
    done = start({**PRODUCTION, **change})
    assert done.returncode != 0
    assert words in done.stderr


def test_secrets_do_not_appear_in_error_messages() -> None:
    done = start({**PRODUCTION, "DATABASE_URL": "mysql://user:hunter2@db/x"})
    assert done.returncode != 0
    assert "hunter2" not in done.stderr


def test_the_sign_in_form_may_go_to_the_providers_page_elsewhere() -> None:
    show = "from django.conf import settings; print(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'])"
    single = {"OIDC_ISSUER": "https://id.example.com/realm", "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y"}
    elsewhere = {**single, "OIDC_AUTHORIZE_ORIGIN": "https://accounts.example.com/authorize?x=1"}
    for env, origins in (
        ({}, ["'self'"]),
        (single, ["'self'", "https://id.example.com"]),
        (elsewhere, ["'self'", "https://id.example.com", "https://accounts.example.com"]),
    ):
        done = start({**PRODUCTION, **env}, "shell", "--no-imports", "-c", show)
        assert done.stdout.strip() == str(origins), done.stderr


def test_what_is_served_on_the_loopback_address_answers_to_localhost() -> None:
    show = "from django.conf import settings; print('localhost' in settings.ALLOWED_HOSTS)"
    local = {**PRODUCTION, "BASE_URL": "http://127.0.0.1:8000", "ALLOWED_HOSTS": "127.0.0.1"}
    assert start(local, "shell", "--no-imports", "-c", show).stdout.strip() == "True"
    public = {**PRODUCTION, "ALLOWED_HOSTS": "sales.example.com"}
    assert start(public, "shell", "--no-imports", "-c", show).stdout.strip() == "False"


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(STRONG + "\n")
    without = {name: value for name, value in PRODUCTION.items() if name != "SECRET_KEY"}
    assert start({**without, "SECRET_KEY_FILE": str(file)}).returncode == 0


def test_the_reference_page_is_current() -> None:
    done = start(PRODUCTION, "write_configuration_page", "--check")
    assert done.returncode == 0, done.stderr
