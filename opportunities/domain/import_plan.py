"""The plan of an import: what each file shows, what must be asked, and what will be created, changed, left or rejected.

Pure: rows, mapping, answers and the known state go in; counts, questions and problems come out. Nothing is
written here, so the preview is the same code as the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from opportunities.domain.import_mapping import (
    DEAL_ROLES,
    NUMERIC,
    TEMPORAL,
    Answers,
    ColumnMap,
    Extract,
    FileMapping,
    ImportMapping,
    Role,
    StageRule,
)
from opportunities.domain.import_profile import FileProfile
from opportunities.domain.import_refs import AMBIGUOUS, RefBook, fold
from opportunities.domain.import_stages import is_settled, process_meant, stage_pairs
from opportunities.domain.import_typing import (
    Evidence,
    Option,
    Question,
    QuestionKind,
    date_question,
    decimal_question,
)
from salesops.kernel.dates import DateOrder
from salesops.kernel.numbers import NumberStyle
from salesops.kernel.said import Said

MAX_ACTION_OPTIONS = 8


def settle(
    mapping: ImportMapping, profiles: Mapping[str, FileProfile], answers: Answers
) -> tuple[ImportMapping, list[Question]]:
    """Fix date orders, decimal marks and identities from evidence or answers; what stays open comes back as
    questions."""
    questions: list[Question] = []
    files = []
    for file in mapping.files:
        profile = profiles.get(file.name)
        if profile is None:
            continue
        readings = {
            name: _reading(file.name, name, evidence, answers, questions)
            for name, evidence in profile.evidence.items()
        }
        extracts = tuple(
            _settled(part, file, profile, readings, answers, questions) for part in file.extracts
        )
        files.append(replace(file, extracts=extracts))
    return replace(mapping, files=tuple(files)), questions


def _reading(
    file: str, column: str, evidence: Evidence, answers: Answers, questions: list[Question]
) -> tuple[DateOrder | None, NumberStyle | None]:
    if evidence.kind in TEMPORAL:
        orders = evidence.orders()
        if len(orders) > 1:
            question = date_question(file, column, evidence, orders)
            answer = question.answer(answers.given)
            if answer is None:
                questions.append(question)
                return None, None
            return DateOrder(answer), None
        return next(iter(orders), None), None
    if evidence.kind in NUMERIC:
        styles = evidence.styles()
        if len(styles) > 1:
            question = decimal_question(file, column, evidence)
            answer = question.answer(answers.given)
            if answer is None:
                questions.append(question)
                return None, None
            return None, NumberStyle(answer)
        return None, next(iter(styles))
    return None, None


def _settled(
    part: Extract, file: FileMapping, profile: FileProfile, readings: dict[str, tuple[DateOrder | None,
    NumberStyle | None]], answers: Answers, questions: list[Question],
) -> Extract:  # fmt: skip
    columns: dict[str, ColumnMap] = {}
    for name, column in part.columns.items():
        order, style = readings.get(column.column, (None, None))
        columns[name] = replace(column, order=column.order or order, style=column.style or style)
    identity = part.identity
    if part.role is Role.OPPORTUNITY and "external_id" not in columns and not identity:
        question = _identity_question(file.name, profile)
        answer = question.answer(answers.given)
        if answer is None:
            questions.append(question)
        else:
            identity = tuple(
                piece.strip() for piece in answer.split("+") if piece.strip() in profile.header
            ) or (answer,)
    return replace(part, columns=columns, identity=identity)


def _identity_question(file: str, profile: FileProfile) -> Question:
    options = tuple(
        Option(name, Said("%(name)s (distinct in all %(rows)s rows)", name=name, rows=profile.rows))
        for name in profile.unique[:MAX_ACTION_OPTIONS]
    )
    text = Said("No column of “%(file)s” identifies a deal. Which columns together do?", file=file)
    suggestion = profile.unique[0] if profile.unique else ""
    return Question(
        f"identity:{file}", QuestionKind.IDENTITY, text, options, suggestion, True, file, count=profile.rows
    )


_WORDS: tuple[tuple[str, str, str], ...] = (
    ("lost", "LOST", "LOST"),
    ("reject", "LOST", "LOST"),
    ("disqualif", "LOST", "LOST"),
    ("cancel", "LOST", "LOST"),
    ("declin", "LOST", "LOST"),
    ("dead", "LOST", "LOST"),
    ("verloren", "LOST", "LOST"),
    ("won", "WON", "WON"),
    ("signed", "WON", "WON"),
    ("gewonnen", "WON", "WON"),
    ("customer", "WON", "WON"),
    ("negotia", "OPEN", "COMMIT"),
    ("verbal", "OPEN", "COMMIT"),
    ("contract", "OPEN", "COMMIT"),
    ("commit", "OPEN", "COMMIT"),
    ("proposal", "OPEN", "UPSIDE"),
    ("quote", "OPEN", "UPSIDE"),
    ("demo", "OPEN", "UPSIDE"),
    ("evaluat", "OPEN", "UPSIDE"),
)


def guess_stage(name: str) -> tuple[str, str]:
    """Status and category a stage's name suggests; only ever a suggestion."""
    folded = name.casefold()
    for word, status, category in _WORDS:
        if word in folded:
            return status, category
    return "OPEN", "PIPELINE"


def stage_rules(
    mapping: ImportMapping, profiles: Iterable[FileProfile], known: RefBook, answers: Answers
) -> tuple[dict[str, StageRule], list[Question]]:
    """What every stage text of the files means: by the mapping, by the rows' own flags, by answer; the rest
    is asked."""
    rules = {fold(rule.name): rule for rule in mapping.stages}
    questions: list[Question] = []
    counts: Counter[str] = Counter()
    flags: dict[str, Counter[tuple[str, ...]]] = {}
    profiles = list(profiles)
    open_stages = {
        stage
        for text, stage in stage_pairs(profiles, known)
        if not is_settled(process_meant(text, mapping, known), stage, known)
    }
    for profile in profiles:
        for (_, stage), count in profile.pairs.items():
            counts[stage] += count
        for stage, seen in profile.flags.items():
            flags.setdefault(stage, Counter()).update(seen)
    for stage, count in counts.items():
        stated = _by_flags(stage, flags[stage])
        if stated is not None:
            former = rules.get(fold(stage))
            rules[fold(stage)] = (
                replace(
                    stated, position=former.position, probability=stated.probability or former.probability
                )
                if former
                else stated
            )
        if fold(stage) in rules or stage not in open_stages:
            continue
        question = _stage_question(stage, count, known)
        answer = question.answer(answers.given)
        if answer is None:
            questions.append(question)
        elif answer.startswith(SAME_AS):
            known.same_stage(stage, answer.removeprefix(SAME_AS))
        else:
            rules[fold(stage)] = _answered(stage, answer)
    return rules, questions


def _by_flags(stage: str, seen: Counter[tuple[str, ...]]) -> StageRule | None:
    """A rule from what the rows of a stage say, when all of them that say anything agree."""
    outcomes = {(closed, won) for closed, won, _, _ in seen if closed or won}
    categories = Counter[str]()
    for (_, _, category, _), count in seen.items():
        if category:
            categories[category] += count
    probabilities = Counter(probability for (_, _, _, probability) in seen.elements() if probability)
    probability = probabilities.most_common(1)[0][0] if len(probabilities) == 1 else ""
    if len(outcomes) == 1:
        closed, won = outcomes.pop()
        is_won, is_closed = won in {"1", "true"}, closed in {"1", "true"}
        status = "WON" if is_won else "LOST" if is_closed else "OPEN"
    elif not outcomes and set(categories) == {"closed"}:
        status = "WON"
    elif not outcomes and set(categories) == {"omitted"} and probability == "0":
        status = "LOST"
    else:
        return None
    category = {
        "best case": "UPSIDE",
        "bestcase": "UPSIDE",
        "commit": "COMMIT",
        "forecast": "COMMIT",
        "omitted": "OMITTED",
    }.get(categories.most_common(1)[0][0] if categories else "", "PIPELINE")
    return StageRule(stage, status, category if status == "OPEN" else status, 0, probability)


_STAGE_OPTIONS = (
    Option("PIPELINE", Said("Open: pipeline")),
    Option("UPSIDE", Said("Open: upside")),
    Option("COMMIT", Said("Open: commit")),
    Option("OMITTED", Said("Open: omitted from the forecast")),
    Option("WON", Said("Won")),
    Option("LOST", Said("Lost")),
)


SAME_AS = "="
"""Begins the answer that a stage is another one, mistyped."""


def _stage_question(stage: str, count: int, known: RefBook) -> Question:
    """What a stage text means: first of all the stage it resembles, if there is one."""
    status, category = guess_stage(stage)
    like = known.like_stage(stage)
    text = Said("What does the stage “%(stage)s” mean?", stage=stage)
    if known.find_stage("", stage) == AMBIGUOUS:
        text = Said(
            "Several sales processes have a stage “%(stage)s”, that of these deals does not. What does it mean here?",
            stage=stage,
        )
    suggestion = category if status == "OPEN" else status
    options: tuple[Option, ...] = _STAGE_OPTIONS
    if like:
        suggestion = f"{SAME_AS}{like}"
        options = (Option(suggestion, Said("The stage “%(stage)s”, mistyped", stage=like)), *options)
    return Question(
        f"stage:{stage}", QuestionKind.STAGE, text, options, suggestion, True, value=stage, count=count
    )


def _answered(stage: str, answer: str) -> StageRule:
    status = answer if answer in {"WON", "LOST"} else "OPEN"
    return StageRule(stage, status, answer)


@dataclass(frozen=True, slots=True)
class AmountChange:
    """A deal whose amount the import changes, for the list of the largest."""

    key: str
    name: str
    before: Decimal | None
    after: Decimal | None
    currency: str
    row: int

    @property
    def size(self) -> Decimal:
        return abs((self.after or Decimal(0)) - (self.before or Decimal(0)))


@dataclass(slots=True)
class Plan:
    """What a run will do. For deals: rows = created + updated + unchanged + rejected + set aside."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    set_aside: int = 0
    """Rows that are no deal by a rule of the mapping, deleted in the source and unknown here, or word-for-
    word repetitions."""
    repeats: int = 0
    """Of those set aside: word-for-word repetitions."""
    deals: dict[str, int] = field(default_factory=dict)
    """Deals by outcome where several rows make one deal (order lines)."""
    history_rows: int = 0
    history_set_aside: int = 0
    """Lines of history that are no stage entry by a rule of the mapping, or deleted in the source."""
    history_orphans: int = 0
    references: dict[str, dict[str, int]] = field(default_factory=dict)
    new_processes: list[dict[str, Any]] = field(default_factory=list)
    """Sales processes that get new stages, or are new themselves."""
    quotas: dict[str, int] = field(default_factory=dict)
    rates: dict[str, int] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    problem_counts: dict[str, int] = field(default_factory=dict)
    largest_changes: list[AmountChange] = field(default_factory=list)
    repairs_of_use: list[list[str]] = field(default_factory=list)
    """Replacements (column, written value) that mended rows: these are remembered for the next file."""
    absent_open: int = 0
    """Open deals of this source that the file does not contain; they are left as they are."""
    statements: tuple[str, ...] = ()
    ignored_files: tuple[str, ...] = ()

    @property
    def is_blocked(self) -> bool:
        return any(question.blocking for question in self.questions)

    def balances(self) -> bool:
        """Whether every row is accounted for."""
        return self.rows == self.created + self.updated + self.unchanged + self.rejected + self.set_aside


def classify(rows: Iterable[tuple[str, int]], known: Mapping[str, int | None]) -> dict[str, str]:
    """Verdict by key: CREATED, UPDATED or UNCHANGED, by comparing hashes; the database does the same join
    on large files."""
    verdicts = {}
    for key, digest in rows:
        if key not in known:
            verdicts[key] = "CREATED"
        else:
            verdicts[key] = "UNCHANGED" if known[key] == digest else "UPDATED"
    return verdicts


def deal_files(mapping: ImportMapping) -> list[FileMapping]:
    """Files that carry deals."""
    return [file for file in mapping.files if any(part.role in DEAL_ROLES for part in file.extracts)]


def describe(value: Any) -> str:
    """A value as a person reads it in a report."""
    return f"{value:,.2f}" if isinstance(value, Decimal) else str(value)
