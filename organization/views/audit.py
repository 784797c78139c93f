"""Who did what: the audit trail, filtered, with before and after, and as CSV."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from organization import selectors
from organization.domain.roles import Capability, Role
from organization.domain.scope import Scope
from organization.forms import iso_date
from organization.permissions import requires
from organization.views.trail import shown
from salesops.audit.selectors import EventQuery, events, facts_of, object_types
from salesops.audit.words import object_words
from salesops.kernel.dates import EARLIEST
from salesops.ui.exports import csv_response
from salesops.ui.pagination import page_of

VIEW = Capability.VIEW_AUDIT
SECURITY_TYPES = frozenset(
    {
        "login", "session", "token", "person", "company", "calendar", "currency", "exchange_rate", "territory",
        "import", "import_batch", "mapping", "process", "stage", "subcategory", "job", "backup", "export",
    }
)  # fmt: skip
"""What an administrator may read of the trail; deals and quotas are for auditors."""
EXPORT_LIMIT = 100_000
DAYS_SEARCHED = 90
"""How far back a page looks for a name or a text unless it says from when. No index finds part of a text, and the
database's policies would not let one be used: every event of the time searched is read."""


def _query(request: HttpRequest, scope: Scope) -> EventQuery:
    get = {
        name: request.GET.get(name, "").strip() for name in ("actor", "verb", "type", "id", "q", "from", "to")
    }
    start = iso_date(get["from"]) if get["from"] else None
    end = iso_date(get["to"]) if get["to"] else None
    company = selectors.company()
    sees_all = Role.AUDITOR in scope.roles
    return EventQuery(
        actor=get["actor"], verb=get["verb"], object_type=get["type"], object_id=get["id"], text=get["q"],
        from_at=company.start_of(start) if start else None,
        to_at=company.start_of(end + dt.timedelta(days=1)) if end else None,
        object_types=None if sees_all else SECURITY_TYPES,
    )  # fmt: skip


def _searched_since(query: EventQuery) -> dt.date | None:
    """The day from which a page searches; None where nothing is searched, or one object or a day stated."""
    if query.from_at or query.object_id or not (query.text or query.actor):
        return None
    last = selectors.company().date_of(query.to_at) if query.to_at else selectors.now_date()
    return max(last, EARLIEST.date()) - dt.timedelta(days=DAYS_SEARCHED)


@requires(VIEW)
def audit(request: HttpRequest) -> HttpResponse:
    """The stream of events, newest first."""
    query, asked = _query(request, request.viewer), request.GET.copy()
    since = _searched_since(query)
    if since:
        query = replace(query, from_at=selectors.company().start_of(since))
        asked["from"] = since.isoformat()
    page = page_of(request, events(query).order_by("-at", "-id"))  # by the index of what is searched
    context = {
        "searched_since": since,
        "csv": f"{reverse('organization:audit_csv')}?{asked.urlencode()}",
        "page": page,
        "events": shown(request.viewer, (facts_of(event) for event in page.rows)),
        "query": query,
        "from_date": request.GET.get("from", ""),
        "to_date": request.GET.get("to", ""),
        "types": [
            ("", _("Everything")),
            *sorted(
                ((kind, object_words(kind)) for kind in object_types(query.object_types)),
                key=lambda item: item[1],
            ),
        ],
        "is_limited": query.object_types is not None,
    }
    return render(request, "audit/events.html", context)


@requires(VIEW)
def audit_csv(request: HttpRequest) -> HttpResponse:
    """What the page shows, all pages (at most `EXPORT_LIMIT` events), as CSV."""
    header = ("at", "actor", "verb", "type", "id", "label", "before", "after", "request")
    rows = (
        (
            event.at.isoformat(), event.actor_name, event.verb, event.object_type, event.object_id,
            event.label, event.before, event.after, event.request_id,
        )
        for event in events(_query(request, request.viewer))[:EXPORT_LIMIT].iterator(chunk_size=2000)
    )  # fmt: skip
    return csv_response("audit.csv", header, rows)
