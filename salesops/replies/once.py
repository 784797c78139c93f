"""Doing a request once, however often it is sent."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import SimpleTemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from salesops.replies.models import KeptReply

HEADER = "Idempotency-Key"
FIELD = "idempotency_key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = dt.timedelta(days=2)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_KEY = re.compile(r"[!-~]{8,128}")
_HEADERS = ("Content-Type", "Location", "HX-Trigger", "HX-Redirect", "HX-Refresh", "HX-Location", "ETag")
_LARGEST_BODY = 4 * 1024 * 1024


def key_of(request: HttpRequest) -> str:
    """The key a changing request bears, as a header or a form's field; "" for none."""
    if request.method in SAFE_METHODS:
        return ""
    named = request.headers.get(HEADER)
    if named is None and request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        named = request.POST.get(FIELD)
    return named or ""


def answer_once(request: HttpRequest, user_id: int, act: Callable[[], HttpResponse]) -> HttpResponse:
    """`act()`, or the answer it gave when this login sent the same key before.

    Two at the same time: the second waits for the first. A key used for something else is refused with 422, a
    malformed one with 400. An error (an exception, or a status from 500) keeps nothing: it may be tried again.
    """
    key = key_of(request)
    if not key:
        return act()
    if not _KEY.fullmatch(key):
        return _refusal(400, _("An idempotency key has 8 to 128 visible ASCII characters."))
    digest = _digest(request)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7203))", [f"{user_id}:{key}"])
        kept = KeptReply.objects.filter(user_id=user_id, key=key).first()
        if kept is not None:
            return _again(kept, digest)
        response = act()
        if isinstance(response, SimpleTemplateResponse):
            response.render()
        if response.status_code >= 500:
            transaction.set_rollback(True)
        elif not response.streaming and len(response.content) <= _LARGEST_BODY:
            _keep(user_id, key, digest, response)
        return response


def forget_old(now: dt.datetime | None = None) -> int:
    """Drops keys older than two days; returns how many."""
    return KeptReply.objects.filter(at__lt=(now or timezone.now()) - KEPT_FOR).delete()[0]


def _again(kept: KeptReply, digest: str) -> HttpResponse:
    if kept.digest != digest:
        return _refusal(
            422, _("This idempotency key was used for another request. Send a new key with a new request.")
        )
    response = HttpResponse(bytes(kept.body), status=kept.status)
    for name, value in kept.headers.items():
        response.headers[name] = value
    response.headers[REPLAYED] = "true"
    return response


def _keep(user_id: int, key: str, digest: str, response: HttpResponse) -> None:
    """Of an answer that may not be stored anywhere (pay, above all) only the status is kept."""
    secret = "no-store" in response.headers.get("Cache-Control", "")
    KeptReply.objects.create(
        user_id=user_id,
        key=key,
        digest=digest,
        status=response.status_code,
        headers={name: response.headers[name] for name in _HEADERS if name in response.headers},
        body=b"" if secret else response.content,
    )


def _digest(request: HttpRequest) -> str:
    """Of what is asked for. Of uploaded files name and size count: reading them again would cost what they weigh."""
    found = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.content_type == "multipart/form-data":
        for name, values in sorted(request.POST.lists()):
            if name != "csrfmiddlewaretoken":
                found.update(repr((name, values)).encode())
        for name, files in sorted(request.FILES.lists()):
            found.update(repr((name, [(file.name, file.size) for file in files])).encode())
    else:
        found.update(request.body)
    return found.hexdigest()


def _refusal(status: int, message: str) -> HttpResponse:
    return JsonResponse({"message": message}, status=status)
