"""What machines ask of a running server."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connections
from django.test import Client, RequestFactory

from salesops import health

pytestmark = pytest.mark.django_db


def test_the_process_answers_without_a_database_query(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz").content == b"ok\n"


def test_ready_when_all_parts_are_well(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"]["database"] == answer.json()["checks"]["migrations"] == "ok"
    assert "no-cache" in answer["Cache-Control"]


def test_not_ready_when_the_broker_is_away(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "checks": {
            "database": "ok",
            "migrations": "ok",
            "redis": "unreachable",
            "queue": "ok",
            "folding": "ok",
            "comparison": "never compared",
            "verification": "ok",
        },
        "measured": {
            "oldest_job_seconds": 0.0,
            "fold_lag_seconds": 0.0,
            "compared_at": None,
            "differences": 0,
            "verified_at": None,
            "broken_invariants": 0,
        },
    }


def test_not_ready_before_migrations(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrations", lambda: "3 not applied; run manage.py migrate")
    assert client.get("/readyz").status_code == 503


@pytest.mark.parametrize(
    ("address", "status"), [("127.0.0.1", 200), ("10.1.2.3", 200), ("fd00::1", 200), ("93.184.216.34", 403)]
)
def test_metrics_are_for_private_networks(address: str, status: int) -> None:
    request = RequestFactory().get("/metrics", REMOTE_ADDR=address)
    assert health.metrics(request).status_code == status


def test_metrics_open_with_the_token_only_when_there_is_one(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "t0ken"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    answer = client.get("/metrics", headers={"Authorization": "Bearer t0ken"})
    assert answer.status_code == 200
    assert b"django_http_requests" in answer.content


def test_the_version_is_the_project_s(client: Client) -> None:
    assert json.loads(client.get("/version").content)["version"] == health.product_version()


def test_a_stranger_may_sign_in_but_not_sign_up(client: Client) -> None:
    assert client.get("/accounts/login/").status_code == 200
    assert b"password1" not in client.get("/accounts/signup/").content


def test_answers_carry_the_strict_policy(client: Client) -> None:
    answer = client.get("/accounts/login/")
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self';" in policy + ";"
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


def test_vendors_scripts_are_served_from_their_packages() -> None:
    from django.contrib.staticfiles import finders

    for name in ("vendor/plotly.min.js", "vendor/htmx.min.js"):
        assert finders.find(name), name
    assert finders.find("vendor/nothing.js") is None


def test_a_database_lost_on_the_way_is_503_and_any_other_break_500(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False

    def asked(error: Exception, accept: str) -> Any:
        def broken(*_: object) -> None:
            raise error

        monkeypatch.setattr("organization.permissions.to_sign_in", broken)
        return client.get("/deals/", headers={"accept": accept})

    page = asked(OperationalError("server closed the connection unexpectedly"), "text/html")
    assert (page.status_code, page["Retry-After"]) == (503, "2")
    assert b"does not answer just now" in page.content
    data = asked(OperationalError("terminating connection"), "application/json")
    assert data.status_code == 503
    assert "try again" in data.json()["message"]
    assert asked(ValueError("a defect"), "text/html").status_code == 500


def test_an_address_that_leads_nowhere_is_a_page_for_people_and_json_for_programs(client: Client) -> None:
    page, answer = client.get("/nowhere"), client.get("/api/v1/nowhere")
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
    assert answer.json() == {"message": "There is nothing at this address."}


@pytest.mark.parametrize(
    ("error", "closed", "status"),
    [
        (DatabaseError("server closed the connection unexpectedly"), 2, 503),
        (DatabaseError("division by zero"), 0, 500),
        (ValueError("a mistake of ours"), 2, 500),
    ],
)
def test_a_connection_lost_within_a_statement_is_told_as_such(
    error: Exception, closed: int, status: int, rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(connections["default"], "connection", SimpleNamespace(closed=closed))
        try:
            raise error
        except Exception:
            answer = health.failed(rf.get("/api/v1/deals"))
    assert answer.status_code == status
