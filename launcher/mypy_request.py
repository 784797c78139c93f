"""Tells mypy what `organization.middleware.ViewerMiddleware` adds to every request: `request.viewer`.

Django's stubs know `HttpRequest` as Django ships it. The attribute is declared as Any: what a viewer may be asked is
checked where it is used, by the selectors' own signatures.
"""

from collections.abc import Callable

from mypy.plugin import ClassDefContext, Plugin
from mypy.plugins.common import add_attribute_to_class
from mypy.types import AnyType, TypeOfAny

REQUESTS = frozenset({"django.http.request.HttpRequest", "rest_framework.request.Request"})


class RequestPlugin(Plugin):
    """Adds the attribute to the request classes."""

    def get_customize_class_mro_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        """Called for every class mypy reads."""
        return _add_viewer if fullname in REQUESTS else None


def _add_viewer(context: ClassDefContext) -> None:
    if "viewer" not in context.cls.info.names:
        add_attribute_to_class(context.api, context.cls, "viewer", AnyType(TypeOfAny.explicit))


def plugin(version: str) -> type[Plugin]:
    """What mypy asks a plugin module for."""
    return RequestPlugin
