"""Match, repair and confirm: the steps at which a person decides."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from opportunities.crm.recognise import PRESETS
from opportunities.crm.suggest import suggest_columns
from opportunities.domain.import_json import mapping_from_json
from opportunities.domain.import_mapping import ROLE_LABEL, ImportMapping, Role
from opportunities.domain.import_matching import (
    MAIN_ROLES,
    column_lines,
    field_choices,
    main_extract,
    missing_fields,
    overlooked,
    shape_words,
    stage_lines,
    with_choices,
    with_stages,
)
from opportunities.domain.import_repairs import ANY_COLUMN
from opportunities.selectors import imports as selectors
from opportunities.services.imports import (
    ImportRefused,
    answer_import,
    change_mapping,
    recognise_import,
    take_back_repair,
)
from opportunities.services.imports_jobs import request_apply, request_plan
from opportunities.services.imports_shape import DELIMITERS, ENCODINGS, reshape_file
from opportunities.views.imports import IMPORT, batch_or_404, steps
from opportunities.views.imports_words import set_aside
from opportunities.views.words import will_happen
from organization.permissions import requires
from salesops.kernel.numbers import counted
from salesops.kernel.said import Said
from salesops.ui.words import in_words

MEANINGS = (
    ("PIPELINE", gettext_lazy("Open: pipeline")),
    ("UPSIDE", gettext_lazy("Open: upside")),
    ("COMMIT", gettext_lazy("Open: commit")),
    ("OMITTED", gettext_lazy("Open: omitted")),
    ("WON", gettext_lazy("Won")),
    ("LOST", gettext_lazy("Lost")),
)
SURE = 0.95
"""From here on the name of a column is that of the field, not a likeness of it."""
POLICIES = (
    ("ALWAYS", gettext_lazy("always overwrite")),
    ("IF_BLANK", gettext_lazy("only if blank")),
    ("NEVER", gettext_lazy("never")),
)


@requires(IMPORT)
def import_match(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Match: what each file is and what each column means."""
    facts = batch_or_404(request, batch_id)
    viewer = request.viewer  # type: ignore[attr-defined]
    if facts.state in {"RUNNING", "DONE", "UNDONE"}:
        return redirect("opportunities:import_done", batch_id)
    mapping = mapping_from_json(selectors.mapping_json(viewer, batch_id))
    if request.method == "POST":
        try:
            return _matched(request, batch_id, mapping)
        except ImportRefused as refused:
            messages.error(request, in_words(refused.why))
            return redirect("opportunities:import_match", batch_id)
    return render(
        request,
        "opportunities/import/match.html",
        {**_match_context(request, facts, mapping), **steps(batch_id, "match")},
    )


def _matched(request: HttpRequest, batch_id: int, mapping: ImportMapping) -> HttpResponse:
    data = request.POST
    if "use_preset" in data:
        recognise_import(batch_id=batch_id, preset=data.get("preset", ""))
        return redirect("opportunities:import_match", batch_id)
    files = selectors.files_of(request.viewer, batch_id)  # type: ignore[attr-defined]
    if _reshaped(data, batch_id, files):
        return redirect("opportunities:import_match", batch_id)
    for number, file in enumerate(files):
        role = data.get(f"role-{number}", "")
        indexes = range(len(file.header))
        fields = {index: data.get(f"field-{number}-{index}", "") for index in indexes}
        policies = {index: data.get(f"policy-{number}-{index}", "") for index in indexes}
        if data.get(f"asked-{number}", "") != role and role:
            fields = _suggested(Role(role), tuple(file.header))
        mapping = with_choices(mapping, file.name, tuple(file.header), role, fields, policies)
    mapping = with_stages(
        mapping,
        {key.removeprefix("stage-"): data[key] for key in data if key.startswith("stage-")},
    )
    zone = data.get("business_zone", "")
    if zone and zone not in available_timezones():
        raise ImportRefused(Said("“%(zone)s” is not a time zone.", zone=zone))
    source = data.get("source", "").strip()[:64] or mapping.source
    mapping = replace(
        mapping,
        business_zone=zone,
        source=source,
        currency=data.get("currency", mapping.currency).strip().upper()[:3],
    )
    change_mapping(batch_id=batch_id, mapping=mapping)
    if "again" in data:
        return redirect("opportunities:import_match", batch_id)
    request_plan(batch_id=batch_id, user=request.user)  # type: ignore[arg-type]
    return redirect("opportunities:import_progress", batch_id)


def _reshaped(data: Any, batch_id: int, files: list[Any]) -> bool:
    """Whether a file is to be read otherwise; the page then shows what its columns are now."""
    number = counted(data.get("reshape", ""))
    if number is None or number >= len(files):
        return False
    return reshape_file(
        batch_id=batch_id,
        position=files[number].position,
        encoding=data.get(f"encoding-{number}", ""),
        delimiter=data.get(f"delimiter-{number}", "").replace("TAB", "\t"),
        sheet=data.get(f"sheet-{number}", ""),
        has_header=data.get(f"header-{number}", "1") == "1",
    )


def _surely(role: Role, header: tuple[str, ...]) -> dict[str, str]:
    return {found.column: found.field for found in suggest_columns(role, header) if found.confidence >= SURE}


def _suggested(role: Role, header: tuple[str, ...]) -> dict[int, str]:
    return {header.index(suggestion.column): suggestion.field for suggestion in suggest_columns(role, header)}


def _match_context(
    request: HttpRequest, facts: selectors.BatchFacts, mapping: ImportMapping
) -> dict[str, Any]:
    rows = selectors.files_of(request.viewer, facts.id)  # type: ignore[attr-defined]
    files = [_file_context(number, file, mapping) for number, file in enumerate(rows)]
    files.sort(key=lambda item: (item["role"] != "OPPORTUNITY", not item["role"], item["number"]))
    noted = [file.shape.get("stages") or {} for file in rows]
    counts = sum((Counter(stages.get("counts", {})) for stages in noted), Counter[str]())
    return {
        "facts": facts,
        "files": files,
        "stages": stage_lines(mapping, counts),
        "all_counted": all(stages.get("is_whole", True) for stages in noted),
        "mapping": mapping,
        "roles": [("", _("Leave out")), *((role.value, in_words(ROLE_LABEL[role])) for role in MAIN_ROLES)],
        "presets": [(preset.code, preset.label) for preset in PRESETS.values()],
        "preset_label": PRESETS[mapping.preset].label if mapping.preset in PRESETS else "",
        "meanings": MEANINGS,
        "policies": POLICIES,
        "encodings": ENCODINGS,
        "delimiters": [("TAB", _("tab")) if mark == "\t" else (mark, mark) for mark in DELIMITERS],
        "zones": sorted(available_timezones()),
        "has_deals": any(item["role"] in {"OPPORTUNITY", "ORDER_LINE"} for item in files),
    }


def _file_context(number: int, file: Any, mapping: ImportMapping) -> dict[str, Any]:
    mapped = mapping.file(file.name)
    main = main_extract(mapped)
    header = tuple(file.header)
    sure: dict[str, float] = {}
    if not mapping.preset and main is not None:
        sure = {found.column: found.confidence for found in suggest_columns(main.role, header)}
    lines = column_lines(header, file.sample, mapped, sure)
    others = [part for part in (mapped.extracts if mapped else ()) if part is not main]
    return {
        "number": number,
        "name": file.name,
        "shape": in_words(shape_words(file.shape)),
        "reading": file.shape.get("chosen") or file.shape.get("found") or {},
        "role": main.role.value if main else "",
        "lines": lines,
        "mapped": sum(1 for line in lines if line.field),
        "fields": [("", "—"), *_named(field_choices(main.role))] if main else [],
        "missing": [in_words(label) for label in missing_fields(main)],
        "overlooked": _named(
            overlooked(lines, _surely(main.role, header) if main else {}, main.role if main else None)
        ),
        "has_policies": main is not None and main.role is Role.OPPORTUNITY,
        "where": main.where if main else (),
        "also": [in_words(ROLE_LABEL[part.role]) for part in others],
    }


def _named(fields: list[tuple[str, Said]]) -> list[tuple[str, str]]:
    return [(name, in_words(label)) for name, label in fields]


@requires(IMPORT)
def import_repair(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Repair: what the file does not decide is asked once per value; problems are shown by cause."""
    facts = batch_or_404(request, batch_id)
    viewer = request.viewer  # type: ignore[attr-defined]
    if facts.state in {"RUNNING", "DONE", "UNDONE"}:
        return redirect("opportunities:import_done", batch_id)
    questions = selectors.questions_of(viewer, batch_id)
    if request.method == "POST":
        return _repaired(request, facts, questions)
    return _repair_page(request, facts, questions)


def _repair_page(
    request: HttpRequest, facts: selectors.BatchFacts, questions: list[dict[str, Any]], *, refused: str = ""
) -> HttpResponse:
    """The page as it stands, or as it was filled in when that was refused."""
    viewer, data = request.viewer, request.POST  # type: ignore[attr-defined]
    errors_only = request.GET.get("errors") == "1"
    named = [
        {
            **question,
            "name": f"answer-{number}",
            "chosen": data.get(f"answer-{number}", question["suggestion"]),
            "other": data.get(f"other-{number}", ""),
            "is_missed": bool(refused) and _is_missed(question, data, number),
        }
        for number, question in enumerate(questions)
    ]
    context = {
        "facts": facts,
        "refused": refused,
        "questions": named,
        "stages": [question for question in named if question["kind"] == "STAGE"],
        "open": sum(1 for question in questions if question["blocking"]),
        "fix": {name: data.get(f"fix_{name}", "") for name in ("column", "old", "new")},
        "groups": selectors.problem_groups(viewer, facts.id, errors_only=errors_only),
        "errors_only": errors_only,
        "replaced": selectors.replacements_of(viewer, facts.id),
        "summary": selectors.batch_summary(viewer, facts.id),
        **steps(facts.id, "repair"),
    }
    return render(request, "opportunities/import/repair.html", context, status=422 if refused else 200)


def _answer(data: QueryDict, number: int) -> str | None:
    return data.get(f"other-{number}", "").strip() or data.get(f"answer-{number}")


def _is_missed(question: dict[str, Any], data: QueryDict, number: int) -> bool:
    return bool(question["blocking"]) and not _answer(data, number)


def _repaired(
    request: HttpRequest, facts: selectors.BatchFacts, questions: list[dict[str, Any]]
) -> HttpResponse:
    missed = sum(_is_missed(question, request.POST, number) for number, question in enumerate(questions))
    if missed and "fix" not in request.POST:  # Replace beside a value asks for no more than that
        words = ngettext(
            "%(n)s question is not answered yet: it is marked below.",
            "%(n)s questions are not answered yet: they are marked below.",
            missed,
        )
        return _repair_page(request, facts, questions, refused=words % {"n": missed})
    answers: dict[str, str] = {}
    repairs: dict[tuple[str, str], str] = {}
    for number, question in enumerate(questions):
        value = _answer(request.POST, number)
        if value is None:
            continue
        if question["kind"] == "REPAIR":
            repairs[question["column"], question["value"]] = value
        elif value:
            answers[question["key"]] = value
    repairs |= _replacements(request.POST)
    try:
        answer_import(batch_id=facts.id, answers=answers, repairs=repairs)
        request_plan(batch_id=facts.id, user=request.user)  # type: ignore[arg-type]
    except ImportRefused as refused:
        return _repair_page(request, facts, questions, refused=in_words(refused.why))
    return redirect("opportunities:import_progress", facts.id)


@requires(IMPORT)
@require_POST
def import_take_back(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Take a replacement back, and check every row again."""
    facts = batch_or_404(request, batch_id)
    column, old = request.POST.get("column", ""), request.POST.get("old", "")
    try:
        take_back_repair(batch_id=facts.id, column=column, old=old)
        request_plan(batch_id=facts.id, user=request.user)  # type: ignore[arg-type]
    except ImportRefused as refused:
        messages.error(request, in_words(refused.why))
        return redirect("opportunities:import_repair", batch_id)
    return redirect("opportunities:import_progress", batch_id)


def _replacements(data: QueryDict) -> dict[tuple[str, str], str]:
    """The value typed below, that of the problem whose button was pressed, and any typed beside others."""
    found = {}
    for key in (key for key in data if key.startswith("fix_old")):
        number = key.removeprefix("fix_old")
        column, old, new, hint = (
            data.get(f"{name}{number}", "").strip()
            for name in ("fix_column", "fix_old", "fix_new", "fix_hint")
        )
        if old and (not number or data.get("fix") == number[1:] or new != hint):
            found[column or ANY_COLUMN, old] = new
    return found


@requires(IMPORT)
def import_confirm(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Confirm: what will happen, in numbers; nothing has been written yet."""
    facts = batch_or_404(request, batch_id)
    viewer = request.viewer  # type: ignore[attr-defined]
    if facts.state == "ASKING":
        return redirect("opportunities:import_repair", batch_id)
    if facts.state not in {"READY", "CANCELLED"}:
        return redirect("opportunities:import_done", batch_id)
    if request.method == "POST":
        try:
            request_apply(batch_id=batch_id, user=request.user)  # type: ignore[arg-type]
        except ImportRefused as refused:
            messages.error(request, in_words(refused.why))
        return redirect("opportunities:import_progress", batch_id)
    summary = selectors.batch_summary(viewer, batch_id)
    changes = [
        {**change, "before": _amount(change["before"]), "after": _amount(change["after"])}
        for change in summary["largest_changes"]
    ]
    context = {
        "facts": facts,
        "summary": summary,
        "will_happen": will_happen(summary),
        "set_aside": set_aside(summary),
        "changes": changes,
        "references": [
            (in_words(ROLE_LABEL[Role(role)]), counts) for role, counts in summary["references"].items()
        ],
        "groups": selectors.problem_groups(viewer, batch_id, limit=20),
        "replaced": selectors.replacements_of(viewer, batch_id),
        "questions": [
            question for question in selectors.questions_of(viewer, batch_id) if not question["blocking"]
        ],
        "writes": summary["created"] + summary["updated"],
        **steps(batch_id, "confirm"),
    }
    return render(request, "opportunities/import/confirm.html", context)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
