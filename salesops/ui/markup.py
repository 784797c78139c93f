"""Markup written in Python, for what a page holds a hundred times."""

from __future__ import annotations

from html import escape

from django.utils.safestring import SafeString


def markup(pattern: str, *values: object) -> SafeString:
    """The pattern with its values, all escaped that are not markup themselves.

    As `format_html`, at a third of its cost: that one asks of each value whether it is lazy, several times over.
    """
    return SafeString(pattern.format(*[v if isinstance(v, SafeString) else escape(str(v)) for v in values]))
