"""What every test run needs, whoever starts it: settings, a database address that is not a person's own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER_TESTS = ("tests/e2e/", "tests/apps/ui/test_browser.py")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.settings")
os.environ.setdefault("TRIAL", "1")
os.environ.setdefault("LOG_LEVEL", "WARNING")
os.environ.setdefault("SECRET_KEY", "only-for-tests-" * 5)


def pytest_configure(config: pytest.Config) -> None:
    """Tests neither hash files nor passwords for real, and keep their cache to themselves."""
    if not os.environ.get("DATABASE_URL"):
        raise pytest.UsageError(
            "DATABASE_URL is not set. `make test` brings a database; for some tests use "
            "`python3 launch.py exec -- .venv/bin/python -m pytest PATH`."
        )
    from django.conf import settings

    from salesops.wall.context import this_program_is

    this_program_is("tests arrange and look outside requests")
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Browser tests run one after another on one worker, the others wherever there is room.

    Playwright's event loop would disturb other tests beside it, and two browsers with their servers are more than two
    processors carry. The mark `xdist_group` would say the same, but pytest 9.2 keeps the name it changes elsewhere.
    """
    from xdist.scheduler import LoadScopeScheduling

    class BrowserOnOneWorker(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if nodeid.startswith(BROWSER_TESTS) else nodeid

    return BrowserOnOneWorker(config, log)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """No throttle counter or cached chart outlives its test."""
    yield
    from django.core.cache import cache

    cache.clear()


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """A language a request chose does not stay for the next test: nothing resets it outside a real server."""
    yield
    from django.utils import translation

    translation.deactivate()


@pytest.fixture(autouse=True)
def _private_files(settings, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Uploads, exports and backups of a test go to its own folder."""
    settings.VAR_DIR = tmp_path
    settings.UPLOAD_DIR = settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.EXPORT_DIR = tmp_path / "exports"
    settings.BACKUP_DIR = tmp_path / "backups"


@pytest.fixture
def drain_jobs() -> Callable[[], int]:
    """Runs every waiting job in this process and this transaction; returns how many ran."""
    from salesops.jobs.services import drain

    return drain


@pytest.fixture(scope="session")
def crm_data() -> Path:
    """The folder of real CRM exports; tests that need it are skipped, saying so, where it is absent."""
    named = os.environ.get("SALESOPS_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parent.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no CRM exports at {folder}; set SALESOPS_DATA")
    return folder
