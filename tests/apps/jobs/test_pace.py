"""Background work leaves the other processors to people."""

import pytest
from django.db import connection

from pipeline.tasks import reconcile_rollups, verify_data
from salesops.jobs.pace import unhurried

pytestmark = pytest.mark.django_db


def parallel() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_parallel_workers_per_gather")
        return str(cursor.fetchone()[0])


def test_statements_inside_run_on_one_processor() -> None:
    before = parallel()
    assert before != "0"
    with unhurried():
        assert parallel() == "0"
    assert parallel() == before


def test_after_an_error_the_setting_is_as_before() -> None:
    before = parallel()
    with pytest.raises(RuntimeError), unhurried():
        raise RuntimeError("broken")
    assert parallel() == before


@pytest.mark.parametrize("job", [reconcile_rollups, verify_data])
def test_comparing_and_verifying_are_unhurried(job, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    class Context:
        def progress(self, **_: object) -> None:
            found.append(parallel())

    found: list[str] = []
    monkeypatch.setattr("pipeline.rollups.differences", lambda: found.append(parallel()) or [])
    job(Context())
    assert "0" in found
    assert parallel() != "0"
