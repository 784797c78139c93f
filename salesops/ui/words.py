"""Sentences of code that knows no reader, in the language of whoever reads them."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext

from salesops.kernel.said import Said, Value
from salesops.ui import formats


def in_words(said: str) -> str:
    """The sentence in the reader's language; what was kept as finished English stays that: ``{{ cure|in_words }}``."""
    if not isinstance(said, Said):
        return str(said)
    template = gettext(said.template) if said.template else ""
    return (
        template % {name: _shown(value) for name, value in said.values.items()} if said.values else template
    )


def _shown(value: Value) -> str:
    if isinstance(value, dt.date):
        return formats.day(value, "long")
    return in_words(value) if isinstance(value, str) else str(value)
