"""Suggestions for columns no preset knows: by the names people give them and by the shape of their values."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from opportunities.crm.preset import FileHead
from opportunities.domain.import_mapping import FIELDS, ColumnMap, Extract, FileMapping, Role, signature_of

_SYNONYMS: dict[Role, dict[str, tuple[str, ...]]] = {
    Role.OPPORTUNITY: {
        "external_id": (
            "opportunity id",
            "deal id",
            "record id",
            "id",
            "crm id",
            "opp id",
            "opportunity number",
            "deal number",
        ),
        "name": (
            "opportunity name",
            "deal name",
            "name",
            "opportunity",
            "deal",
            "title",
            "topic",
            "subject",
            "bezeichnung",
        ),
        "account": (
            "account",
            "account name",
            "company",
            "company name",
            "customer",
            "organization",
            "organisation",
            "client",
            "kunde",
            "firma",
        ),
        "owner": (
            "owner",
            "opportunity owner",
            "deal owner",
            "sales rep",
            "rep",
            "salesperson",
            "sales agent",
            "account executive",
            "assigned to",
            "verantwortlich",
        ),
        "process": ("pipeline", "sales process", "record type", "process"),
        "stage": (
            "stage",
            "sales stage",
            "deal stage",
            "pipeline stage",
            "phase",
            "opportunity stage",
            "stufe",
        ),
        "outcome": ("status", "outcome", "result", "state"),
        "amount": (
            "amount",
            "value",
            "deal value",
            "deal amount",
            "revenue",
            "est. revenue",
            "close value",
            "total",
            "price",
            "betrag",
            "umsatz",
            "acv",
            "tcv",
            "arr",
        ),
        "currency": ("currency", "currency code", "währung"),
        "probability": (
            "probability",
            "probability (%)",
            "win probability",
            "confidence",
            "wahrscheinlichkeit",
        ),
        "close_date": (
            "close date",
            "closed date",
            "closing date",
            "actual close date",
            "won date",
            "abschlussdatum",
        ),
        "expected_close_date": (
            "expected close date",
            "est. close date",
            "estimated close date",
            "forecast close date",
        ),
        "started_on": ("start date", "engage date", "opened", "open date", "lead acquisition date"),
        "created_at": (
            "created",
            "created date",
            "create date",
            "created on",
            "created at",
            "date created",
            "erstellt am",
        ),
        "changed_at": ("last modified date", "modified on", "last modified", "updated at", "last updated"),
        "next_step": ("next step", "next steps", "next action"),
        "deal_type": ("type", "deal type", "opportunity type"),
        "lead_source": ("lead source", "source", "channel"),
        "forecast_category": ("forecast category", "forecast"),
        "product": ("product", "product name", "solution"),
        "territory": ("territory", "region", "sales region"),
        "is_closed": ("is closed", "closed"),
        "is_won": ("is won", "won"),
    },
    Role.STAGE_HISTORY: {
        "deal": ("opportunity id", "deal id", "case", "record id", "opportunity"),
        "stage": ("stage", "new value", "to stage", "stage name", "new stage"),
        "entered_at": (
            "entered at",
            "changed at",
            "created date",
            "timestamp",
            "date entered",
            "edit date",
            "last modified",
        ),
        "amount": ("amount",),
    },
    Role.ACCOUNT: {
        "external_id": ("account id", "company id", "id"),
        "name": ("account name", "company name", "account", "company", "name"),
        "industry": ("industry", "sector", "branche"),
        "country": ("country", "billing country", "land"),
        "city": ("city", "billing city", "ort"),
        "postal_code": ("postal code", "zip", "billing zip", "plz"),
        "employees": ("employees", "number of employees", "headcount"),
        "annual_revenue": ("annual revenue", "revenue"),
        "owner": ("account owner", "owner"),
    },
    Role.PERSON: {
        "external_id": ("user id", "employee id", "owner id", "id"),
        "name": ("full name", "name", "user", "sales rep", "employee"),
        "first_name": ("first name", "vorname"),
        "last_name": ("last name", "nachname"),
        "email": ("email", "e-mail", "email address", "username"),
        "title": ("title", "job title", "role"),
        "manager": ("manager", "reports to", "manager id"),
        "territory": ("territory", "region", "office"),
    },
    Role.PRODUCT: {
        "external_id": ("product id", "sku", "product code"),
        "name": ("product name", "product"),
        "family": ("product family", "family", "category", "series"),
        "list_price": ("list price", "price", "unit price", "sales price"),
    },
    Role.QUOTA: {
        "person": ("person", "rep", "owner", "employee id", "sales rep"),
        "period_date": ("month", "quarter", "period", "target month", "date"),
        "amount": ("quota", "target", "target amount"),
    },
}

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
}
_ORDER = (Role.STAGE_HISTORY, Role.QUOTA, Role.OPPORTUNITY, Role.PRODUCT, Role.PERSON, Role.ACCOUNT)
_CLEAN = re.compile(r"[\s_\-./]+")
CLOSE_ENOUGH = 0.8


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A column proposed for a field, and how sure that is (0 to 1)."""

    field: str
    column: str
    confidence: float


def normal(name: str) -> str:
    """A header for comparison: words in lower case, units and `__c` endings off."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("__c"))
    without_unit = re.sub(r"[,(]\s*[^\w\s]+\s*\)?$", "", split)
    return _CLEAN.sub(" ", without_unit).strip().casefold()


def suggest_columns(role: Role, header: tuple[str, ...]) -> list[Suggestion]:
    """The best column for each field of a role; a column serves one field, the surest."""
    candidates = []
    for name, words in _SYNONYMS.get(role, {}).items():
        for column in header:
            confidence = _likeness(normal(column), words)
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


def _likeness(column: str, words: tuple[str, ...]) -> float:
    if column in words:
        return 1.0 - 0.01 * words.index(column)
    best = max(difflib.SequenceMatcher(None, column, word).ratio() for word in words)
    return round(min(best, 0.95), 2)


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
