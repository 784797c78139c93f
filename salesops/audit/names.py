"""What the rows are called that an audit event speaks of by number: each app says it of its own kinds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

Naming = Callable[[list[int]], Mapping[int, str]]
_namings: dict[str, Naming] = {}


def register(naming: Naming, *fields: str) -> None:
    """`naming` tells the names of rows whose numbers stand in these fields (`stage_id`)."""
    for field in fields:
        _namings[field] = naming


def names_for(wanted: Mapping[str, set[int]]) -> dict[str, Mapping[int, str]]:
    """The names of the wanted numbers, by field; each app is asked once for each of its kinds."""
    numbers: dict[Naming, set[int]] = defaultdict(set)
    for field in wanted:
        if field in _namings:
            numbers[_namings[field]] |= wanted[field]
    told = {naming: naming(sorted(some)) for naming, some in numbers.items() if some}
    return {field: told.get(_namings[field], {}) for field in wanted if field in _namings}
