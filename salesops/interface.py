"""Settings of the programming interface: who may call, in which format, how often, and how it describes itself."""

from typing import Any


def rest_framework() -> dict[str, Any]:
    """The REST framework's settings: the browser's session signs in, JSON only, amounts as exact strings."""
    return {
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": [
            "salesops.shallow_json.ShallowJSONParser",
            "rest_framework.parsers.MultiPartParser",
        ],
        "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
        "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
        "DEFAULT_THROTTLE_RATES": {"user": "1200/min"},
        "COERCE_DECIMAL_TO_STRING": True,
    }


def api_description() -> dict[str, Any]:
    """The settings of the generated description (OpenAPI)."""
    return {
        "TITLE": "SalesOps",
        "DESCRIPTION": "Forecast, pipeline, territories, quotas and compensation, with every figure traceable.",
        "VERSION": "1",
        "SWAGGER_UI_DIST": "SIDECAR",
        "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
        "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
        "SERVE_INCLUDE_SCHEMA": False,
    }
