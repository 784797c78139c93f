"""From the files of a batch to a settled mapping, resolved references and open questions; writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

from opportunities.domain.import_circles import open_circles
from opportunities.domain.import_currencies import settle_currencies
from opportunities.domain.import_deals import DealReader, StageInfo
from opportunities.domain.import_mapping import (
    DEAL_ROLES,
    FIELDS,
    LONGEST_KEY,
    ROLE_ORDER,
    Answers,
    Extract,
    FileMapping,
    ImportMapping,
    Role,
    StageRule,
)
from opportunities.domain.import_memberships import MembershipReader, contradictions
from opportunities.domain.import_plan import settle, stage_rules
from opportunities.domain.import_profile import FileProfile, profile_file, with_stages_repaired
from opportunities.domain.import_references import (
    ReferencePlan,
    ReferenceRecord,
    classify_references,
    gather_records,
    resolve_inside,
)
from opportunities.domain.import_refs import AMBIGUOUS, RefBook, fold, id_key
from opportunities.domain.import_repairs import repair_questions
from opportunities.domain.import_rows import Record, extract_reader
from opportunities.domain.import_stages import StageSpec, repeated_stage, stage_pairs, stage_specs
from opportunities.domain.import_typing import Evidence, Option, Question, QuestionKind
from opportunities.models import ImportBatch
from opportunities.selectors.imports_known import Known, known_deal_keys, known_deal_processes, load_known
from opportunities.services.imports_reading import answers_of, open_tables
from organization.domain.scope import Scope
from salesops.kernel.said import Said
from salesops.kernel.tabular import Gatherer, Table

REFERENCE_ROLES = tuple(
    role
    for role in ROLE_ORDER
    if role not in DEAL_ROLES | {Role.STAGE_HISTORY, Role.MERGED, Role.QUOTA, Role.CURRENCY_RATE}
)
_NAMED_ROLES = tuple(role for role in REFERENCE_ROLES if role is not Role.MEMBERSHIP)
"""Lists of records with a name or an identity of their own."""
_REPAIRED = (Role.PRODUCT, Role.PERSON, Role.TERRITORY, Role.ACCOUNT)
Tell = Callable[[str, int], None]


def silent(phase: str, done: int) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Prepared:
    """A batch understood: everything staging and applying need."""

    batch: ImportBatch
    mapping: ImportMapping
    tables: dict[str, Table]
    profiles: dict[str, FileProfile]
    known: Known
    answers: Answers
    now: datetime
    gather: Gatherer = field(default_factory=Gatherer)
    questions: list[Question] = field(default_factory=list)
    references: dict[Role, ReferencePlan] = field(default_factory=dict)
    stages: dict[str, StageSpec] = field(default_factory=dict)
    deal_keys: set[str] = field(default_factory=set)
    missing: dict[tuple[Role, str], int] = field(default_factory=dict)
    statements: set[str] = field(default_factory=set)
    """On what terms deals were read, said once for all of them."""
    deal_processes: dict[str, str] | None = None
    """Process key by identity of deals, known and of this run; None where no stage's name is in several processes."""
    deal_currencies: dict[str, str] = field(default_factory=dict)

    @property
    def business_zone(self) -> ZoneInfo:
        return ZoneInfo(self.mapping.business_zone or self.known.time_zone)

    @property
    def stamp_zone(self) -> ZoneInfo:
        return ZoneInfo(self.mapping.time_zone or self.mapping.business_zone or self.known.time_zone)

    @property
    def is_blocked(self) -> bool:
        return any(question.blocking for question in self.questions)

    def file_number(self, name: str) -> int:
        return list(self.tables).index(name)


def prepare(batch: ImportBatch, mapping: ImportMapping, *, now: datetime, tell: Tell = silent) -> Prepared:
    """Read every mapped file once, settle how it is read, resolve the references it brings, and collect
    what must be asked."""
    tables, problems = open_tables(batch, mapping)
    scope = Scope.system("CRM import")
    known = load_known(scope, mapping.source)
    prepared = Prepared(batch, mapping, tables, {}, known, answers_of(batch).with_values_of(mapping), now)
    prepared.gather.watched = {old for _, old in prepared.answers.repairs}
    for problem in problems:
        prepared.gather.add(problem)
    prepared.deal_keys = (
        known_deal_keys(scope, mapping.source) if _has(mapping, Role.STAGE_HISTORY) else set()
    )
    _profile(prepared, tell)
    prepared.mapping, questions = settle(mapping, prepared.profiles, prepared.answers)
    prepared.questions = questions
    if not any(
        question.kind in {QuestionKind.DATE_ORDER, QuestionKind.DECIMAL_MARK} for question in questions
    ):
        _references(prepared)
    _stages(prepared)
    _repairs(prepared)
    return prepared


def _has(mapping: ImportMapping, role: Role) -> bool:
    return any(part.role is role for file in mapping.files for part in file.extracts)


def _profile(prepared: Prepared, tell: Tell) -> None:
    """Deal files first: whether a stage entry matters depends on whether its deal exists."""
    files = sorted(
        prepared.mapping.files, key=lambda file: not any(part.role in DEAL_ROLES for part in file.extracts)
    )
    for file in files:
        table = prepared.tables.get(file.name)
        if table is None:
            continue
        tell(gettext_noop("Reading") + f": {file.name}", 0)
        # Broken lines are reported by the reading that follows, once.
        profile = profile_file(table, file, Gatherer(), prepared.deal_keys)
        prepared.profiles[file.name] = with_stages_repaired(profile, file, prepared.answers)


def extracts_of(prepared: Prepared, role: Role) -> Iterator[tuple[FileMapping, Extract, Table]]:
    """All extracts of a role, with their files' tables."""
    for file in prepared.mapping.files:
        for part in file.extracts:
            if part.role is role and file.name in prepared.tables:
                yield file, part, prepared.tables[file.name]


def _records(prepared: Prepared, role: Role) -> Iterator[tuple[str, Record, bool]]:
    for file, part, table in extracts_of(prepared, role):
        header = file.columns or table.header
        reader = extract_reader(part, file.name, header, prepared.answers, prepared.gather)
        is_only_role = (
            all(other.role in REFERENCE_ROLES for other in file.extracts) and part is file.extracts[-1]
        )
        rows = table.rows(prepared.gather if is_only_role else Gatherer())
        for record in reader.read(rows):
            yield file.name, record, part.optional


def _references(prepared: Prepared) -> None:
    found: dict[Role, dict[str, ReferenceRecord]] = {}
    for role in _NAMED_ROLES:
        plan = prepared.references.setdefault(role, ReferencePlan(role))
        found[role] = gather_records(
            role, _records(prepared, role), prepared.known.refs, prepared.gather, plan
        )
    settle_currencies(found[Role.PRODUCT].values(), prepared.known.currencies, prepared.gather)
    _create_missing_owners(prepared, found[Role.PERSON])
    _places_into_accounts(prepared, found)
    for role in _NAMED_ROLES:
        if role is Role.STAGE:
            continue
        refs, known = prepared.known.refs, prepared.known.records.get(role, {})
        resolve_inside(role, found[role], refs, prepared.gather, missing=prepared.missing)
        open_circles(role, found[role], known, refs, prepared.gather)
        classify_references(prepared.references[role], found[role], known)
    for key, record in found[Role.PRODUCT].items():
        if "list_price" in record.values:
            prepared.known.list_prices[key] = record.values["list_price"]
    for key, record in found[Role.PERSON].items():
        if "territory" in record.values:
            prepared.known.home[key] = record.values["territory"]
    _memberships(prepared, found[Role.PERSON])
    _stage_records(prepared, found[Role.STAGE])


def _memberships(prepared: Prepared, people: dict[str, ReferenceRecord]) -> None:
    reader = MembershipReader(
        known=prepared.known.records.get(Role.MEMBERSHIP, {}),
        refs=prepared.known.refs,
        gather=prepared.gather,
        plan=prepared.references.setdefault(Role.MEMBERSHIP, ReferencePlan(Role.MEMBERSHIP)),
        today=prepared.now.astimezone(prepared.business_zone).date(),
    )
    reader.read(_records(prepared, Role.MEMBERSHIP))
    for problem in contradictions(reader, people):
        prepared.gather.add(problem)


def _create_missing_owners(prepared: Prepared, people: dict[str, ReferenceRecord]) -> None:
    """When the person said so, owners the files merely name become people without login."""
    if prepared.answers.given.get("missing-owners") != "create":
        return
    names = prepared.known.refs.of(Role.PERSON)
    for file, evidence in _evidence(prepared, Role.PERSON, only="owner"):
        for value in evidence.values:
            text = prepared.answers.repair("owner", value) or value
            if len(text) <= LONGEST_KEY and names.find(text) is None:
                people[text] = ReferenceRecord(text, {"name": text}, evidence.first_row.get(value, 0), file)
                names.add(text, name=text, ids=(text,))


def _places_into_accounts(prepared: Prepared, found: dict[Role, dict[str, ReferenceRecord]]) -> None:
    places = {id_key(key): record for key, record in found[Role.GEOGRAPHY].items()}
    for record in found[Role.ACCOUNT].values():
        place = places.get(id_key(str(record.values.pop("geography", ""))))
        if place is not None:
            record.values.update({name: value for name, value in place.values.items() if name != "name"})
    # No record of its own is kept of a place.
    prepared.references[Role.GEOGRAPHY].unchanged.update(found[Role.GEOGRAPHY])
    found[Role.GEOGRAPHY].clear()


def _evidence(prepared: Prepared, role: Role, only: str = "") -> Iterator[tuple[str, Evidence]]:
    for file in prepared.mapping.files:
        profile = prepared.profiles.get(file.name)
        for part in file.extracts:
            if part.role not in DEAL_ROLES or profile is None:
                continue
            for name, column in part.columns.items():
                spec = FIELDS[part.role].get(name)
                if (
                    spec
                    and spec.refers_to is role
                    and (not only or name == only)
                    and column.column in profile.evidence
                ):
                    yield file.name, profile.evidence[column.column]


def _stage_records(prepared: Prepared, found: dict[str, ReferenceRecord]) -> None:
    """Stages the export itself lists (connector tables) come before any rule."""
    for record in found.values():
        process = (
            prepared.known.refs.of(Role.PROCESS).find(str(record.values.get("process", "")))
            or prepared.mapping.process
        )
        spec = StageSpec.stated(process, record.key, record.values)
        twin = prepared.known.refs.find_stage(process, spec.name)
        if twin not in (None, AMBIGUOUS, spec.key) and twin in prepared.known.stages:
            prepared.gather.add(repeated_stage(record.file, record.line, record.column("name"), spec.name))
            prepared.known.refs.add_stage(str(twin), process, (spec.external_id,))
            prepared.references[Role.STAGE].repeated += 1
            continue
        prepared.stages.setdefault(spec.key, spec)
        prepared.known.refs.add_stage(spec.key, process, (spec.external_id, spec.name))
        prepared.known.stages.setdefault(
            spec.key, StageInfo(spec.key, spec.status, spec.category, spec.probability)
        )


def _stages(prepared: Prepared) -> None:
    rules, questions = stage_rules(
        prepared.mapping, prepared.profiles.values(), prepared.known.refs, prepared.answers
    )
    prepared.questions += questions
    prepared.mapping = replace(prepared.mapping, stages=_merged(prepared.mapping.stages, rules))
    pairs = stage_pairs(prepared.profiles.values(), prepared.known.refs)
    has_own = bool(prepared.stages) or bool(prepared.known.stages)
    for spec in stage_specs(prepared.mapping, pairs, prepared.known.refs, only_seen=has_own):
        if spec.key not in prepared.known.stages:
            prepared.stages.setdefault(spec.key, spec)
            prepared.known.stages[spec.key] = StageInfo(
                spec.key, spec.status, spec.category, spec.probability
            )
        prepared.known.refs.add_stage(spec.key, spec.process, (spec.name, spec.external_id))
    seen = {stage for profile in prepared.profiles.values() for _, stage in profile.pairs}
    if any(prepared.known.refs.find_stage("", stage) == AMBIGUOUS for stage in seen):
        prepared.deal_processes = known_deal_processes(
            Scope.system("CRM import"), prepared.mapping.source, prepared.known
        )


def settled_on(
    mapping: ImportMapping, profiles: dict[str, FileProfile], refs: RefBook, answers: Answers
) -> tuple[ImportMapping, list[Question]]:
    """What the mapping comes to once its files have been looked at, and what must be asked before."""
    settled, questions = settle(mapping, profiles, answers)
    rules, more = stage_rules(settled, profiles.values(), refs, answers)
    return replace(settled, stages=_merged(settled.stages, rules)), [*questions, *more]


def _merged(stated: tuple[StageRule, ...], rules: dict[str, StageRule]) -> tuple[StageRule, ...]:
    known = {fold(rule.name) for rule in stated}
    return tuple(rules.get(fold(rule.name), rule) for rule in stated) + tuple(
        rule for name, rule in rules.items() if name not in known
    )


def _repairs(prepared: Prepared) -> None:
    """Values that refer to nothing: those that resemble something are asked, owners of nobody are a choice
    with a default."""
    unknown_owners: dict[str, int] = {}
    for file in prepared.mapping.files:
        profile = prepared.profiles.get(file.name)
        for part in file.extracts:
            if part.role not in DEAL_ROLES or profile is None:
                continue
            for name, column in part.columns.items():
                evidence = profile.evidence.get(column.column)
                role = next((wanted for wanted in _REPAIRED if _refers(part.role, name) is wanted), None)
                if role is None or evidence is None or not evidence.values:
                    continue
                asked = repair_questions(
                    role,
                    column.column,
                    file.name,
                    evidence.values,
                    evidence.first_row,
                    prepared.known.refs,
                    prepared.answers,
                )
                prepared.questions += asked
                if role is Role.PERSON:
                    unknown_owners.update(_unknown(evidence.values, column.column, asked, prepared))
    if unknown_owners and "missing-owners" not in prepared.answers.given:
        prepared.questions.append(_owner_question(unknown_owners))


def _refers(role: Role, name: str) -> Role | None:
    spec = FIELDS[role].get(name)
    return spec.refers_to if spec else None


def _unknown(
    values: dict[str, int], column: str, asked: list[Question], prepared: Prepared
) -> dict[str, int]:
    """Owners nobody knows, and how many rows have each. A name too long for a person is none: its rows are rejected."""
    names = prepared.known.refs.of(Role.PERSON)
    handled = {question.value for question in asked}
    meant = {
        value: prepared.answers.repair(column, value) or value for value in values if value not in handled
    }
    return {
        value: values[value]
        for value, text in meant.items()
        if len(text) <= LONGEST_KEY and names.find(text) is None
    }


def _owner_question(unknown: dict[str, int]) -> Question:
    options = (
        Option("leave", Said("Import these deals without owner, and report them")),
        Option("create", Said("Add these people, without login")),
        Option("reject", Said("Do not import these deals")),
    )
    text = (
        Said("%(count)s owners are not known.", count=len(unknown))
        if len(unknown) > 1
        else Said("The owner “%(owner)s” is not known.", owner=next(iter(unknown)))
    )
    samples = tuple(sorted(unknown, key=lambda name: -unknown[name])[:10])
    return Question(
        "missing-owners", QuestionKind.MISSING_OWNERS, text, options, "leave", False,
        count=sum(unknown.values()), samples=samples,
    )  # fmt: skip


def deal_reader(prepared: Prepared, file: str) -> DealReader:
    """A reader of deal rows of one file, bound to what this run knows."""
    known = prepared.known
    return DealReader(
        refs=known.refs,
        stages=known.stages,
        stamp_zone=prepared.stamp_zone,
        business_zone=prepared.business_zone,
        currency=prepared.mapping.currency or known.corporate_currency,
        default_process=known.refs.of(Role.PROCESS).find(prepared.mapping.process)
        or prepared.mapping.process,
        gather=prepared.gather,
        currencies=known.currencies,
        territory_of_owner=known.home if prepared.mapping.territory_from_owner else {},
        list_prices=known.list_prices,
        missing=prepared.missing,
        on_missing_owner=prepared.answers.given.get("missing-owners", "leave"),
        file=file,
        statements=prepared.statements,
        deal_processes=prepared.deal_processes or {},
        known_currencies=prepared.deal_currencies,
    )
