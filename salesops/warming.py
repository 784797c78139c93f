"""What a process of the web server does before its first request, so that nobody waits for it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.template.loader import get_template
from django.urls import get_resolver
from django.utils import translation

NEW_OBJECTS = 10_000
"""So many before Python looks for cycles among them; its usual 700 are made forty times over by one large page."""


def warm() -> None:
    """Loads the views, the languages and the templates, and has the garbage collector pass over them from now on.

    They stay until the process ends. A full collection that walks through them takes a tenth of a second, in which the
    process answers nobody.
    """
    len(get_resolver().url_patterns)  # imports the views
    for code, _ in settings.LANGUAGES:
        with translation.override(code):
            translation.gettext("Deals")
    for name in _templates():
        get_template(name)
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 20, 50)


def _templates() -> Iterator[str]:
    folder = Path(settings.BASE_DIR) / "templates"
    for path in sorted(folder.rglob("*.html")):
        yield str(path.relative_to(folder))
