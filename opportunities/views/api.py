"""`/api/v1/deals`: the same selectors and services as the pages, as JSON. Amounts are decimal strings, never floats."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from opportunities import selectors, services
from opportunities.domain.deal import Category, Conflict, DealError, NotAllowed, NotVisible
from opportunities.domain.listing import DealRow
from opportunities.forms.deals import asked_from
from opportunities.views.asking import instant_asked, windows
from opportunities.views.words import came_from, reason
from organization.domain.roles import Capability
from organization.permissions import requires
from organization.selectors import now_date
from salesops.kernel.numbers import counted

MONEY: dict[str, Any] = {"max_digits": 19, "decimal_places": 4, "allow_null": True}


class DealOut(serializers.Serializer):  # type: ignore[type-arg]
    """A deal as the API gives it."""

    id = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Send it back with a change.")
    name = serializers.CharField()
    account_id = serializers.IntegerField(allow_null=True)
    account_name = serializers.CharField()
    owner_id = serializers.IntegerField(allow_null=True)
    owner_name = serializers.CharField()
    process_id = serializers.IntegerField(allow_null=True)
    stage_id = serializers.IntegerField(allow_null=True)
    stage_name = serializers.CharField()
    status = serializers.CharField()
    category = serializers.CharField()
    subcategory_id = serializers.IntegerField(allow_null=True)
    subcategory_name = serializers.CharField()
    amount = serializers.DecimalField(**MONEY)
    currency = serializers.CharField()
    probability = serializers.DecimalField(max_digits=5, decimal_places=2, allow_null=True)
    close_date = serializers.DateField(allow_null=True)
    started_on = serializers.DateField(allow_null=True)
    next_step = serializers.CharField()
    deal_type = serializers.CharField()
    lead_source = serializers.CharField()
    product_name = serializers.CharField()
    territory_name = serializers.CharField()
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    push_count = serializers.IntegerField()
    days_in_stage = serializers.IntegerField(allow_null=True)
    doubts = serializers.SerializerMethodField()

    def get_doubts(self, row: DealRow) -> list[str]:
        """Why it needs a look, in words."""
        return [reason(doubt) for doubt in row.doubts]


class DealChange(serializers.Serializer):  # type: ignore[type-arg]
    """What may be changed; only the fields sent are."""

    version = serializers.IntegerField(required=False, help_text="Or as the If-Match header.")
    name = serializers.CharField(required=False, max_length=255)
    stage_id = serializers.IntegerField(required=False, allow_null=True)
    category = serializers.ChoiceField(
        required=False, choices=[c.value for c in Category],
        error_messages={"invalid_choice": gettext_lazy("Choose a category.")},  # what was sent may be no text to show
    )  # fmt: skip
    subcategory_id = serializers.IntegerField(required=False, allow_null=True)
    amount = serializers.DecimalField(required=False, **MONEY)
    probability = serializers.DecimalField(required=False, max_digits=5, decimal_places=2, allow_null=True)
    close_date = serializers.DateField(required=False, allow_null=True)
    next_step = serializers.CharField(required=False, allow_blank=True, max_length=500)
    owner_id = serializers.IntegerField(required=False)


_FILTERS = [
    OpenApiParameter(name, OpenApiTypes.STR, description=words)
    for name, words in (
        ("state", "open (default), won, lost or all"),
        ("category", "one or several, separated by commas"),
        ("owner", "person id, repeatable"),
        ("stage", "stage id, repeatable"),
        ("from", "closes on or after this date (with `to`)"),
        ("to", "closes before this date"),
        ("q", "words of deal or account"),
        ("flag", "ANY or a hygiene flag"),
        ("sort", "a column, descending with a minus"),
        ("page", "from 1"),
        ("size", "at most 200"),
        ("as_of", "a date (its end, business time) or an instant"),
    )
]


@extend_schema(parameters=_FILTERS, responses=DealOut(many=True))
@api_view(["GET"])
def _deals(request: Request) -> Response:
    """Deals this viewer sees; counts and sums are of all that match, not of the page."""
    at = instant_asked(request._request)
    query = asked_from(request.query_params, windows(now_date())[0]).query
    found = selectors.deals(request.viewer, query, at)
    return Response(
        {
            "count": found.total_count,
            "page": found.page,
            "pages": found.pages,
            "totals": [
                {"currency": s.currency, "count": s.count, "amount": str(s.amount)} for s in found.sums
            ],
            "converted": {"currency": found.currency, "amount": str(found.converted)},
            "results": DealOut(found.rows, many=True).data,
        }
    )


@extend_schema(methods=["GET"], responses=DealOut)
@extend_schema(methods=["PATCH"], request=DealChange, responses=DealOut)
@api_view(["GET", "PATCH"])
def _deal(request: Request, deal_id: int) -> Response:
    """One deal with its history; PATCH changes fields, with the version that was read."""
    if request.method == "PATCH":
        return _change(request, deal_id)
    try:
        at = instant_asked(request._request)
        detail = selectors.deal(request.viewer, deal_id, at)
        history = selectors.timeline(request.viewer, deal_id, at)
    except NotVisible:
        return _not_found()
    entries = [
        {
            "at": entry.at, "by": came_from(entry), "kind": entry.kind, "derived": entry.is_derived,
            "changes": [{"field": c.key, "old": _plain(c.old), "new": _plain(c.new)} for c in entry.changes],
        }
        for entry in history
    ]  # fmt: skip
    return Response({**DealOut(detail.row).data, "history": entries})


def _change(request: Request, deal_id: int) -> Response:
    viewer = request.viewer
    if deal_id not in selectors.deal_rows(viewer, [deal_id]):
        return _not_found()
    given = DealChange(data=request.data)
    if not given.is_valid():
        return Response({"errors": given.errors}, status=status.HTTP_422_UNPROCESSABLE_ENTITY)
    changes = dict(given.validated_data)
    version = changes.pop("version", None) or _if_match(request)
    if version is None:
        message = "Send the version you read, as `version` or If-Match."
        return Response({"message": message}, status=status.HTTP_428_PRECONDITION_REQUIRED)
    try:
        done = services.change_deal(scope=viewer, deal_id=deal_id, version=version, changes=changes)
    except NotVisible:
        return _not_found()
    except NotAllowed as error:
        return Response({"message": error.message}, status=status.HTTP_403_FORBIDDEN)
    except DealError as error:
        return Response(
            {"field": error.field, "message": error.message}, status=status.HTTP_422_UNPROCESSABLE_ENTITY
        )
    except Conflict as conflict:
        return _conflict(conflict)
    row = selectors.deal_rows(viewer, [deal_id]).get(deal_id)
    if row is None:
        return Response({"id": deal_id, "version": done.deal.version})
    return Response({**DealOut(row).data, "change_set_id": done.change_set_id})


def _conflict(conflict: Conflict) -> Response:
    body = {
        "message": str(conflict),
        "current": {name: _plain(value) for name, value in conflict.current.items()},
        "yours": {name: _plain(value) for name, value in conflict.theirs.items()},
        "version": conflict.version,
        "by": conflict.by,
    }
    return Response(body, status=status.HTTP_409_CONFLICT)


def _if_match(request: Request) -> int | None:
    return counted(request.headers.get("If-Match", "").strip('"W/ '))


def _not_found() -> Response:
    return Response({"message": "There is no such deal."}, status=status.HTTP_404_NOT_FOUND)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):  # splits
        return [
            {"person_id": s.person_id, "person_name": s.person_name, "kind": s.kind, "share": str(s.share)}
            for s in value
        ]
    return value if value is None or isinstance(value, bool | int) else (
        value.isoformat() if isinstance(value, dt.date) else str(value)
    )  # fmt: skip


deals = requires(Capability.VIEW_DEALS)(_deals)
deal = requires(Capability.VIEW_DEALS, write=(Capability.VIEW_DEALS,))(_deal)
