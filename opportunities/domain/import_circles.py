"""Records that an export puts, through others, above themselves: a manager's manager, a parent's parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opportunities.domain.import_mapping import FIELDS, FieldSpec, Role
from opportunities.domain.import_references import KnownReference, ReferenceRecord
from opportunities.domain.import_refs import RefBook
from salesops.kernel.said import Said
from salesops.kernel.tabular import Gatherer, Problem, Severity

SHOWN = 6
"""So many names of a circle are told; a longer one is cut."""
_CURE = Said("Correct it in the CRM: one of the circle must stand at the top. Then import the file again.")
_OWN_CURE = Said("Name another record, or leave the cell blank.")


def open_circles(
    role: Role,
    found: Mapping[str, ReferenceRecord],
    known: Mapping[str, KnownReference],
    refs: RefBook,
    gather: Gatherer,
) -> None:
    """Of every circle, leave out what the file states last, and tell all of the file who are on it.

    Where the file says nothing of a record, or what it says is left out, the record stays under whom it is known to
    be: a circle may close through those.
    """
    for spec in FIELDS[role].values():
        if spec.refers_to is role:
            _open(spec, found, known, refs.of(role).labels, gather)


def _open(
    spec: FieldSpec,
    found: Mapping[str, ReferenceRecord],
    known: Mapping[str, KnownReference],
    labels: Mapping[str, str],
    gather: Gatherer,
) -> None:
    stated = {key: record.values[spec.name] for key, record in found.items() if spec.name in record.values}
    if not stated:
        return
    before = {key: record.values[spec.name] for key, record in known.items() if spec.name in record.values}
    order = {key: number for number, key in enumerate(stated)}
    above = {**before, **stated}
    while circles := circles_of(above):
        for circle in circles:
            new = [key for key in circle if key in stated and stated[key] != before.get(key)]
            if not new:  # known as a circle, which no file can help
                del above[circle[0]]
                continue
            last = max(new, key=order.__getitem__)
            told = [found[key] for key in circle if key in stated]
            _tell(spec, found[last], told, _shown(circle, last, labels), gather)
            del stated[last], found[last].values[spec.name], above[last]
            if last in before:
                above[last] = before[last]


def circles_of(above: Mapping[str, str]) -> list[list[str]]:
    """Every circle, from each key to the one above it. Nobody has two above, so no key is on two circles."""
    seen: set[str] = set()
    circles = []
    for key in above:
        path: dict[str, int] = {}
        while key in above and key not in seen:
            seen.add(key)
            path[key] = len(path)
            key = above[key]
        if key in path:
            circles.append(list(path)[path[key] :])
    return circles


def _shown(circle: Sequence[str], first: str, labels: Mapping[str, str]) -> str:
    """The names on the way up, from the first one back to it."""
    at = circle.index(first)
    names = [labels.get(key) or key for key in (*circle[at:], *circle[:at])]
    cut = names if len(names) <= SHOWN else [*names[: SHOWN - 1], "…"]
    return " → ".join((*cut, names[0]))


def _tell(
    spec: FieldSpec, last: ReferenceRecord, told: Sequence[ReferenceRecord], circle: str, gather: Gatherer
) -> None:
    for record in told:
        severity, cure = (Severity.WARNING if record is last else Severity.NOTE), _CURE
        if record is not last:
            message = Said(
                "%(field)s is part of a circle: %(circle)s; it is taken, that of row %(row)s in “%(file)s” is left out",
                field=spec.label, circle=circle, row=last.line, file=last.file,
            )  # fmt: skip
        elif last.values[spec.name] == last.key:
            message, cure = Said("%(field)s is the record itself; left out", field=spec.label), _OWN_CURE
        else:
            message = Said("%(field)s closes a circle: %(circle)s; left out", field=spec.label, circle=circle)
        value = record.written.get(spec.name, "")
        where = (record.file, record.line, record.column(spec.name))
        gather.add(Problem(*where, value, message, cure, "CIRCLE", severity))
