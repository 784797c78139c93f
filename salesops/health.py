"""What machines ask: is the process alive, can it serve, what are its numbers, which version is it."""

import ipaddress
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import django
import redis
import structlog
from allauth.core.internal.httpkit import get_client_ip
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import get_template
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django_prometheus.exports import ExportToDjangoView

from pipeline.selectors.upkeep import Upkeep, upkeep
from salesops.jobs import selectors as jobs
from salesops.operations.gauges import gauges
from salesops.operations.upkeep import judge

log = structlog.get_logger(__name__)
QUEUE_AGE_LIMIT = 120


RETRY_SECONDS = "2"


def failed(request: HttpRequest) -> HttpResponse:
    """What a request that broke is answered: 503 when the database was lost on the way, which passes; else 500.

    Nothing may be asked of the database here, not even who asks.
    """
    if not _database_was_lost(sys.exc_info()[1]):
        return HttpResponse(get_template("500.html").render(), status=500)
    headers = {"Retry-After": RETRY_SECONDS, "Cache-Control": "no-store"}
    if _from_a_program(request):
        message = _("The database does not answer just now. Please try again in a moment.")
        return JsonResponse({"message": message}, status=503, headers=headers)
    return HttpResponse(get_template("503.html").render(), status=503, headers=headers)


def _database_was_lost(error: BaseException | None) -> bool:
    """Also where the driver found no better name for a connection that broke in the middle of a statement."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    link = connection.connection
    return isinstance(error, DatabaseError) and (link is None or bool(link.closed))


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What an address that leads nowhere is answered: a page for people, JSON for programs."""
    if _from_a_program(request):
        return JsonResponse({"message": _("There is nothing at this address.")}, status=404)
    return HttpResponse(get_template("404.html").render({}, request), status=404)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What was sent as nobody can read it: a form in another character set, say. Nothing more of it is read, not even
    the form's token, as the framework's own pages for errors would.
    """
    message = _("What was sent cannot be read.")
    if _from_a_program(request):
        return JsonResponse({"message": message}, status=400)
    return HttpResponse(message, status=400, content_type="text/plain; charset=utf-8")


def _from_a_program(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or "json" in request.headers.get("Accept", "")


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers; touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, migrations and broker are well, else 503; the body names each part's state.

    Queue, folding, comparison and verification are worth an alert, but taking web servers away would mend none of
    them; `measured` is what they are judged by.
    """
    checks = {"database": _database(), "migrations": "unknown", "redis": _redis()}
    if checks["database"] == "ok":
        checks["migrations"] = _migrations()
    ready = all(state in ("ok", "not configured") for state in checks.values())
    answer: dict[str, Any] = {"ready": ready, "checks": checks}
    if checks["migrations"] == "ok":
        state, wait = upkeep(), jobs.oldest_waiting_seconds()
        checks["queue"] = "ok" if wait < QUEUE_AGE_LIMIT else f"oldest job has waited {wait:.0f} s"
        judgements = judge(state, timezone.now())
        checks |= {judgement.name: judgement.trouble or "ok" for judgement in judgements}
        answer["measured"] = _measured(state, wait)
    else:
        checks["queue"] = "unknown"
    return JsonResponse(answer, status=200 if ready else 503)


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus metrics, for holders of the token or, when none is set, for loopback and private networks."""
    if not _may_read_metrics(request):
        return HttpResponse("metrics are for the monitoring network\n", status=403, content_type="text/plain")
    answer: HttpResponse = ExportToDjangoView(request)
    answer.content += gauges()
    return answer


@never_cache
def version(request: HttpRequest) -> JsonResponse:
    """The running version, as JSON."""
    return JsonResponse({"name": "salesops", "version": product_version(), "django": django.get_version()})


@cache
def product_version() -> str:
    """The version in pyproject.toml."""
    text = (Path(settings.BASE_DIR) / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        log.exception("readyz_database_unreachable")
        return "unreachable"
    return "ok"


_migrated = False


def _migrations() -> str:
    """Asked of the database until all are applied, then remembered: the process's own code cannot gain any."""
    global _migrated
    if _migrated:
        return "ok"
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    _migrated = not missing
    return "ok" if _migrated else f"{len(missing)} not applied; run manage.py migrate"


def _redis() -> str:
    if not settings.REDIS_URL:
        return "not configured"
    try:
        client: Any = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
        with client:
            client.ping()
    except redis.RedisError:
        log.exception("readyz_redis_unreachable")
        return "unreachable"
    return "ok"


def _measured(state: Upkeep, wait: float) -> dict[str, Any]:
    return {
        "oldest_job_seconds": round(wait, 1),
        "fold_lag_seconds": round(state.fold_lag, 1),
        "compared_at": state.reconciled_at,
        "differences": state.differences,
        "verified_at": state.verified_at,
        "broken_invariants": len(state.broken),
    }


def _may_read_metrics(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        offered = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return constant_time_compare(offered, settings.METRICS_TOKEN)
    try:
        address = ipaddress.ip_address(get_client_ip(request) or "")
    except ValueError:
        return False
    return address.is_loopback or address.is_private
