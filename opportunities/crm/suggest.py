"""Suggestions for columns no preset knows: by the names people give them and by the shape of their values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from opportunities.crm.header_words import HEADER_WORDS, LONG_FORMS, OF_THE_DEAL
from opportunities.crm.preset import FileHead
from opportunities.domain.import_mapping import FIELDS, ColumnMap, Extract, FileMapping, Role, signature_of

_NEEDS: dict[Role, tuple[frozenset[str], ...]] = {
    Role.OPPORTUNITY: (
        frozenset({"stage"}),
        frozenset({"outcome", "amount"}),
        frozenset({"name", "amount", "close_date"}),
    ),
    Role.STAGE_HISTORY: (frozenset({"deal", "stage", "entered_at"}),),
    Role.QUOTA: (frozenset({"person", "period_date", "amount"}),),
    Role.PRODUCT: (frozenset({"name", "list_price"}),),
    Role.PERSON: (frozenset({"email"}), frozenset({"name", "manager"})),
    Role.ACCOUNT: (frozenset({"name", "industry"}), frozenset({"name", "country"})),
    Role.MEMBERSHIP: (frozenset({"person", "territory", "from_date"}),),
}
_ORDER = (
    Role.STAGE_HISTORY, Role.QUOTA, Role.OPPORTUNITY, Role.PRODUCT, Role.PERSON, Role.ACCOUNT, Role.MEMBERSHIP,
)  # fmt: skip
_CLEAN = re.compile(r"[\s_\-./:*?]+")
_UNIT = re.compile(r"\s*(?:[,(\[]\s*(?:[^\w\s]+|[A-Z]{3})\s*[)\]]?|\s(?:in\s+)?(?:[€$£]|USD|EUR|GBP|CHF))$")
CLOSE_ENOUGH = 0.85
"""How alike each word must be to its counterpart for a mistyping."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A column proposed for a field, and how sure that is (0 to 1)."""

    field: str
    column: str
    confidence: float


def normal(name: str) -> str:
    """A header for comparison: words in lower case and in full, units and `__c` endings off."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=\w)(?=#)", " ", name.strip().removesuffix("__c"))
    words = _CLEAN.sub(" ", _UNIT.sub("", split)).casefold().split()
    return " ".join(LONG_FORMS.get(word, word) for word in words)


def suggest_columns(role: Role, header: tuple[str, ...]) -> list[Suggestion]:
    """The best column for each field of a role; a column serves one field, the surest."""
    candidates = []
    headers = {column: _bare(normal(column), role) for column in header}
    for name, words in HEADER_WORDS.get(role, {}).items():
        for column, shown in headers.items():
            confidence = _likeness(shown, words)
            if confidence >= CLOSE_ENOUGH:
                candidates.append(Suggestion(name, column, confidence))
    candidates.sort(key=lambda suggestion: -suggestion.confidence)
    taken: set[str] = set()
    chosen: dict[str, Suggestion] = {}
    for suggestion in candidates:
        if suggestion.field not in chosen and suggestion.column not in taken:
            chosen[suggestion.field] = suggestion
            taken.add(suggestion.column)
    return sorted(chosen.values(), key=lambda suggestion: list(FIELDS[role]).index(suggestion.field))


def _bare(name: str, role: Role) -> str:
    first, _, rest = name.partition(" ")
    return rest if role is Role.OPPORTUNITY and rest and first in OF_THE_DEAL else name


def _likeness(column: str, known: Sequence[str]) -> float:
    """1 for the likeliest name, a little less for the others; below 0.95 for a mistyping: as many words, each like
    its counterpart, so that 'Created By' is not taken for 'Created On'."""
    if column in known:
        return 1.0 - 0.001 * known.index(column)
    return min(max(_alike(column.split(), name.split()) for name in known), 0.94)


def _alike(one: list[str], other: list[str]) -> float:
    if len(one) != len(other) or not one:
        return 0.0
    if any(2 * min(len(a), len(b)) < 0.8 * (len(a) + len(b)) for a, b in zip(one, other, strict=True)):
        return (
            0.0  # by their lengths alone: a long name is not compared letter by letter with every short one
        )
    return round(min(difflib.SequenceMatcher(None, a, b).ratio() for a, b in zip(one, other, strict=True)), 2)


_WEAK_MOMENTS = frozenset({"created date", "timestamp", "last modified"})


def _is_rather_deals(role: Role, chosen: dict[str, ColumnMap], header: tuple[str, ...]) -> bool:
    """Whether what looks like stage history by a date that any record has is a list of deals with close dates."""
    if role is not Role.STAGE_HISTORY or normal(chosen["entered_at"].column) not in _WEAK_MOMENTS:
        return False
    deal = {suggestion.field for suggestion in suggest_columns(Role.OPPORTUNITY, header)}
    return {"stage", "close_date"} <= deal and bool(deal & {"name", "account", "owner"})


def suggest_file(head: FileHead) -> FileMapping | None:
    """A proposed mapping for a file no preset knows, or None when its columns say nothing."""
    for role in _ORDER:
        chosen = {
            suggestion.field: ColumnMap(suggestion.column)
            for suggestion in suggest_columns(role, head.header)
        }
        if any(need <= set(chosen) for need in _NEEDS[role]) and not _is_rather_deals(
            role, chosen, head.header
        ):
            extracts = [Extract(role, chosen)]
            if role is Role.OPPORTUNITY and "account" in chosen:
                extracts.insert(0, Extract(Role.ACCOUNT, {"name": chosen["account"]}, optional=True))
            if role is Role.OPPORTUNITY and "product" in chosen:
                extracts.insert(0, Extract(Role.PRODUCT, {"name": chosen["product"]}, optional=True))
            return FileMapping(head.name, signature_of(head.header), tuple(extracts))
    return None
