"""Figures and their definitions for programs: the same question, function and answer as on every page."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request

from organization.domain.roles import Capability
from organization.permissions import requires
from pipeline.domain.figures import FigureError, NotYoursError
from pipeline.domain.metrics import REGISTRY
from pipeline.exports import as_data, definition, to_json
from pipeline.forms import query_from
from pipeline.selectors import DIMENSIONS
from pipeline.selectors import figures as figures_of


def _many(name: str, told: str, *, required: bool = False) -> OpenApiParameter:
    """A parameter that may be repeated."""
    return OpenApiParameter(name, str, required=required, description=told, many=True, explode=True)


_PARAMETERS = [
    _many("metric", "Name of a metric; repeatable.", required=True),
    _many("by", "Dimension to group by; repeatable."),
    _many("where", "FIELD=VALUE or FIELD!=VALUE; repeatable."),
    OpenApiParameter("period", str, description="FY27-Q1, 2017Q1, 2017-03, FIRST..LAST."),
    OpenApiParameter("period_of", str, enum=["close", "start", "created"]),
    OpenApiParameter("as_of", str, description="A date (the end of that business day) or a time."),
    OpenApiParameter("organization", str, enum=["THEN", "TODAY"]),
    OpenApiParameter("currency", str),
    OpenApiParameter("sort", str, description="Metric, largest first; -metric: smallest first."),
    OpenApiParameter("limit", int),
]


def _json(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(to_json(data), content_type="application/json", status=status)


@requires(Capability.VIEW_FORECAST)
@extend_schema(
    parameters=_PARAMETERS, responses=OpenApiTypes.OBJECT, summary="Figures of the deals you may see"
)
@api_view(["GET"])
def figures(request: Request) -> HttpResponse:
    """Metrics by dimensions, of the deals the viewer may see: definitions, rows and sums, with exact numbers."""
    try:
        table = figures_of(request.viewer, query_from(request.GET))
    except NotYoursError as error:
        return _json({"error": str(error), "metrics": [m.name for m in error.metrics]}, status=403)
    except FigureError as error:
        return _json({"error": str(error)}, status=400)
    return _json(as_data(table))


@requires(Capability.VIEW_FORECAST)
@extend_schema(responses=OpenApiTypes.OBJECT, summary="Definitions of all metrics and dimensions")
@api_view(["GET"])
def metrics(request: Request) -> HttpResponse:
    """The registry."""
    return _json(
        {
            "metrics": [definition(metric) for metric in REGISTRY.values()],
            "dimensions": [{"name": d.name, "title": d.title} for d in DIMENSIONS.values()],
        }
    )
