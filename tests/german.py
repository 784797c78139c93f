"""Whether what imports say can be read in German."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from salesops.kernel.said import Said
from salesops.ui import messages

ROOT = Path(__file__).resolve().parents[1]


@cache
def _in_german() -> frozenset[str]:
    return frozenset(
        message.id
        for path in messages.catalogues(ROOT, "de")
        for message in messages.read(path, "de")
        if message.id and message.string
    )


def left_in_english(*sentences: str) -> list[str]:
    """What of these sentences, and of those within them, a German reader would find in English."""
    left = []
    for said in sentences:
        if not isinstance(said, Said):
            left.append(said)
        elif said:
            within = [value for value in said.values.values() if isinstance(value, Said)]
            left += [said.template] * (said.template not in _in_german()) + left_in_english(*within)
    return left
