"""From a typed row to what it states of a deal: outcome, category, references resolved, and a hash that
tells whether it changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from opportunities.domain.import_currencies import BLANK_CURRENCY, is_of_another, other_currency
from opportunities.domain.import_history import LOST, OPEN, WON, DealFacts, Event, State, midnight
from opportunities.domain.import_mapping import Role
from opportunities.domain.import_refs import AMBIGUOUS, RefBook, id_key
from opportunities.domain.import_rows import Record
from salesops.kernel.dates import as_business_date, as_instant
from salesops.kernel.said import Said
from salesops.kernel.tabular import Gatherer, Problem, Severity

_OUTCOME = {
    "won": WON,
    "closed won": WON,
    "closed/won": WON,
    "win": WON,
    "gewonnen": WON,
    "lost": LOST,
    "closed lost": LOST,
    "closed/lost": LOST,
    "abandoned": LOST,
    "canceled": LOST,
    "cancelled": LOST,
    "verloren": LOST,
    "open": OPEN,
    "in progress": OPEN,
    "offen": OPEN,
    "on hold": OPEN,
}
_FORECAST = {
    "pipeline": "PIPELINE", "best case": "UPSIDE", "bestcase": "UPSIDE", "upside": "UPSIDE", "most likely": "COMMIT",
    "mostlikely": "COMMIT", "commit": "COMMIT", "committed": "COMMIT", "forecast": "COMMIT", "omitted": "OMITTED",
    "not forecasted": "OMITTED", "closed": "WON", "closed won": "WON", "won": "WON", "lost": "LOST",
}  # fmt: skip

NOT_KNOWN = {
    Role.PERSON: Said("person is not known"),
    Role.ACCOUNT: Said("account is not known"),
    Role.PRODUCT: Said("product is not known"),
    Role.TERRITORY: Said("territory is not known"),
}
SEVERAL = {
    Role.PERSON: Said("person names more than one record"),
    Role.ACCOUNT: Said("account names more than one record"),
    Role.PRODUCT: Said("product names more than one record"),
    Role.TERRITORY: Said("territory names more than one record"),
}
MISSING_CURE = {
    Role.PERSON: Said("Import the users too, or choose “Add these people” in Repair."),
    Role.ACCOUNT: Said("Import the accounts too, or replace the name."),
    Role.PRODUCT: Said("Import the products too, or replace the name."),
    Role.TERRITORY: Said("Import the territories too, or replace the name."),
    Role.STAGE: Said("Replace it by a stage of the process of these deals."),
}
AMBIGUOUS_CURE = Said("Replace the name by the e-mail address of the person who is meant.")


@dataclass(frozen=True, slots=True)
class StageInfo:
    """What a stage key means."""

    key: str
    status: str
    category: str
    probability: Decimal | None = None


@dataclass(slots=True)
class DealReader:
    """Turns OPPORTUNITY and STAGE_HISTORY records into facts and events."""

    refs: RefBook
    stages: Mapping[str, StageInfo]
    stamp_zone: tzinfo
    business_zone: tzinfo
    currency: str
    default_process: str
    gather: Gatherer
    currencies: frozenset[str] = frozenset()
    known_currencies: Mapping[str, str] = field(default_factory=dict)
    """Currency by identity of the deals known in another one; filled only where no row states its currency."""
    territory_of_owner: Mapping[str, str] = field(default_factory=dict)
    """Person key -> home territory key; empty when deals do not inherit it."""
    list_prices: Mapping[str, Decimal] = field(default_factory=dict)
    missing: dict[tuple[Role, str], int] = field(default_factory=dict)
    on_missing_owner: str = "leave"
    file: str = ""
    statements: set[str] = field(default_factory=set)
    deal_processes: Mapping[str, str] = field(default_factory=dict)
    """Process key by identity of the deals known; filled only where processes share names of stages."""

    def deal(self, record: Record, columns: dict[str, str]) -> tuple[State, dict[str, Any]]:
        """State and extra facts of a deal row; marks the record rejected where a value cannot stand."""
        values = record.values
        process = self._process(record, columns)
        stage = self._stage(process or "", record, columns)
        status = self._status(values, stage)
        owner = self._reference(Role.PERSON, "owner", record, columns)
        product = self._reference(Role.PRODUCT, "product", record, columns)
        account = self._reference(Role.ACCOUNT, "account", record, columns)
        territory = self._reference(Role.TERRITORY, "territory", record, columns)
        started = self._start(values)
        state: State = {
            "name": values.get("name") or self._made_name(account, product, record.key),
            "account": account,
            "owner": owner,
            "process": process,
            "stage": stage.key if stage else None,
            "status": status,
            "category": self._category(values, status, stage),
            "amount": values.get("amount"),
            "currency": self._currency(record, columns),
            "list_amount": values.get("list_amount", self.list_prices.get(product or "")),
            "probability": values.get("probability"),
            "close_date": self._date(values.get("close_date", values.get("expected_close_date"))),
            "started_on": self._date(started) if started is not None else None,
            "next_step": values.get("next_step", ""),
            "deal_type": values.get("deal_type", ""),
            "lead_source": values.get("lead_source", ""),
            "territory": territory or self.territory_of_owner.get(owner or ""),
            "product": product,
            "is_deleted": bool(values.get("is_deleted", False)),
        }
        moments: dict[str, Any] = {
            name: self._instant(values.get(name)) for name in ("created_at", "changed_at", "stage_entered_at")
        }
        moments["started_at"] = None if started is None else self._start_instant(started)
        moments["start_is_date"] = started is not None and not isinstance(started, datetime)
        return state, moments

    def _process(self, record: Record, columns: dict[str, str]) -> str | None:
        """The stated process; where the file has none, that in which the deal is, if it has the stage, else the run's
        own; none where its cell is blank and there is no stage."""
        if "process" not in columns:
            kept = self.deal_processes.get(id_key(record.key), "")
            is_there = self.refs.has_stage(kept, str(record.values.get("stage", "")))
            return kept if kept and is_there else self.default_process
        if "process" not in record.values:
            return self.default_process if "stage" in record.values else None
        text = record.values["process"]
        found = self.refs.of(Role.PROCESS).find(text)
        return text if found in (None, AMBIGUOUS) else found

    def _made_name(self, account: str | None, product: str | None, key: str) -> str:
        """A label for a deal whose source has no names: its account and product, else its identity."""
        labels = [
            self.refs.of(Role.ACCOUNT).labels.get(account or ""),
            self.refs.of(Role.PRODUCT).labels.get(product or ""),
        ]
        return " – ".join(label for label in labels if label) if labels[0] else key

    def _start(self, values: dict[str, Any]) -> date | datetime | None:
        return values.get("started_on", values.get("created_at"))

    def _start_instant(self, started: date | datetime) -> datetime:
        if isinstance(started, datetime):
            return as_instant(started, self.stamp_zone)
        return midnight(started, self.business_zone)

    def _date(self, moment: date | datetime | None) -> date | None:
        """The business date: a pure date as written; a stamp without offset by its zone, midnight read as a
        pure date."""
        if moment is None or not isinstance(moment, datetime):
            return moment
        if moment.tzinfo is None and not (
            moment.hour or moment.minute or moment.second or moment.microsecond
        ):
            return moment.date()
        return as_business_date(as_instant(moment, self.stamp_zone), self.business_zone)

    def _instant(self, moment: date | datetime | None) -> datetime | None:
        return (
            None
            if moment is None
            else as_instant(moment, self.stamp_zone if isinstance(moment, datetime) else self.business_zone)
        )

    def _status(self, values: dict[str, Any], stage: StageInfo | None) -> str:
        outcome = _OUTCOME.get(str(values.get("outcome", "")).casefold())
        if outcome:
            return outcome
        if values.get("is_won"):
            return WON
        if "is_closed" in values:
            if values["is_closed"]:
                return LOST if "is_won" in values or not stage or stage.status != WON else WON
            return OPEN
        return stage.status if stage else OPEN

    def _category(self, values: dict[str, Any], status: str, stage: StageInfo | None) -> str:
        if status != OPEN:
            return status
        stated = _FORECAST.get(str(values.get("forecast_category", "")).casefold())
        for candidate in (stated, stage.category if stage else None):
            if candidate and candidate not in {WON, LOST}:
                return candidate
        return "PIPELINE"

    def _currency(self, record: Record, columns: dict[str, str]) -> str:
        if "currency" in columns and "currency" not in record.values:
            self.statements.add(BLANK_CURRENCY)
        text = str(
            record.values.get("currency", self.known_currencies.get(id_key(record.key), self.currency))
        )
        code = text.upper()
        if self.currencies and code not in self.currencies:
            message = Said("is not a known currency")
            cure = Said("Replace it by a currency code of three letters, such as USD or EUR.")
            self._problem(
                record, columns, "currency", text, message, cure, "UNKNOWN_CURRENCY", Severity.ERROR
            )
            record.is_rejected = True
        elif record.mark and is_of_another(record.mark, code, self.currencies):
            message, cure = other_currency(record.mark, code)
            self._problem(record, columns, "amount", "", message, cure, "OTHER_CURRENCY", Severity.ERROR)
            record.is_rejected = True
        return code

    def _stage(self, process: str, record: Record, columns: dict[str, str]) -> StageInfo | None:
        text = record.values.get("stage")
        if text is None:
            return None
        key = self.refs.find_stage(process, text)
        if key is None or key == AMBIGUOUS:
            why = (
                Said("is a stage of several processes") if key == AMBIGUOUS else Said("is not a known stage")
            )
            self._miss(Role.STAGE, "stage", text, record, columns, why, MISSING_CURE[Role.STAGE])
            record.is_rejected = True
            return None
        return self.stages[key]

    def _reference(self, role: Role, name: str, record: Record, columns: dict[str, str]) -> str | None:
        text = record.values.get(name)
        if text is None:
            return None
        key = self.refs.of(role).find(text)
        if key is not None and key != AMBIGUOUS:
            return key
        why = SEVERAL[role] if key == AMBIGUOUS else NOT_KNOWN[role]
        cure = AMBIGUOUS_CURE if key == AMBIGUOUS and role is Role.PERSON else MISSING_CURE[role]
        self._miss(role, name, text, record, columns, why, cure)
        if role is Role.PERSON and self.on_missing_owner == "reject":
            record.is_rejected = True
        return None

    def _miss(
        self, role: Role, name: str, text: str, record: Record, columns: dict[str, str], why: Said, cure: Said
    ) -> None:
        self.missing[role, text] = self.missing.get((role, text), 0) + 1
        code = f"MISSING_{role.value}"
        severity = Severity.ERROR if role is Role.STAGE else Severity.WARNING
        self._problem(record, columns, name, text, why, cure, code, severity)

    def _problem(
        self,
        record: Record,
        columns: dict[str, str],
        name: str,
        value: str,
        message: Said,
        cure: Said,
        code: str,
        severity: Severity,
    ) -> None:
        value = record.written.get(name, value)
        self.gather.add(
            Problem(self.file, record.line, columns.get(name, name), value, message, cure, code, severity)
        )

    def event(self, record: Record, columns: dict[str, str], file: int) -> Event | None:
        """A stage-history record as an event; None (with a problem) when it lacks its instant or its stage
        is unknown."""
        values = record.values
        at = self._instant(values.get("entered_at"))
        if at is None:
            message, cure = Said("has no instant"), Said("Give the instant the stage was entered.")
            self._problem(record, columns, "entered_at", "", message, cure, "NO_INSTANT", Severity.ERROR)
            return None
        process = self.deal_processes.get(id_key(str(values.get("deal", ""))), self.default_process)
        stage = self._stage(process, record, columns)
        if stage is None and "stage" in values:
            return None
        status = stage.status if stage else OPEN
        extra: State = {}
        for name in ("amount", "probability"):
            if columns.get(name):
                extra[name] = values.get(name)
        if columns.get("close_date"):
            extra["close_date"] = self._date(values.get("close_date"))
        category = self._category(values, status, stage)
        order = (int(values.get("sequence", 0)), record.line)
        return Event(at, order, stage.key if stage else None, status, category, extra, file, record.line)


def facts_of(state: State, moments: dict[str, Any], *, has_stage: bool, file: int, line: int) -> DealFacts:
    """Assemble the facts the timeline is built from."""
    return DealFacts(
        state, moments["started_at"], moments["stage_entered_at"], moments["changed_at"], has_stage,
        bool(moments.get("start_is_date")), file, line,
    )  # fmt: skip


def _canonical(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"no canonical form for {type(value).__name__}")


_ENCODER = json.JSONEncoder(default=_canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_text(*parts: object) -> str:
    """What a row states as JSON: one form for one content, across runs and encodings."""
    return _ENCODER.encode(parts)


def content_hash(*parts: object) -> int:
    """A signed 64-bit digest of what a row states; equal content, equal hash."""
    return digest_of_text(content_text(*parts))


def digest_of_text(text: str) -> int:
    """A signed 64-bit digest."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)
