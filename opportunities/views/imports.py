"""Imports: their history, a new one, its progress, what became of it, and undoing it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from opportunities.domain.import_mapping import ROLE_LABEL, Role
from opportunities.selectors import imports as selectors
from opportunities.services.imports import ImportRefused, reason_of, receive_import
from opportunities.services.imports_discard import discard_import
from opportunities.services.imports_jobs import request_cancel
from opportunities.services.imports_undo import undo_import
from opportunities.views.imports_words import set_aside, was_undone
from opportunities.views.words import has_happened
from organization.domain.roles import Capability
from organization.permissions import requires
from salesops.jobs.selectors import job_visible
from salesops.kernel.archive import distinct
from salesops.kernel.said import Said
from salesops.kernel.tabular import MIB, UnreadableFile
from salesops.ui.exports import BYTE_ORDER_MARK, csv_lines
from salesops.ui.words import in_words

IMPORT = Capability.IMPORT_CRM
VIEW = (Capability.VIEW_IMPORTS, Capability.IMPORT_CRM)
STEPS = ("upload", "match", "repair", "confirm", "progress", "done")


def steps(batch_id: int | None, current: str) -> dict[str, Any]:
    """The stepper: finished steps of an import that is not applied yet can be gone back to."""
    labels = {
        "upload": _("Upload"),
        "match": _("Match"),
        "repair": _("Repair"),
        "confirm": _("Confirm"),
        "progress": _("Progress"),
        "done": _("Done"),
    }
    may_go_back = batch_id is not None and current in {"match", "repair", "confirm"}
    urls = {
        name: reverse(f"opportunities:import_{name}", args=[batch_id])
        if may_go_back and name in {"match", "repair"}
        else ""
        for name in STEPS
    }
    return {
        "steps": [{"label": labels[name], "url": urls[name]} for name in STEPS],
        "current_step": STEPS.index(current) + 1,
    }


def batch_or_404(request: HttpRequest, batch_id: int) -> selectors.BatchFacts:
    """The import, or 404 for those who may not see it."""
    try:
        return selectors.batch(request.viewer, batch_id)  # type: ignore[attr-defined]
    except selectors.NotVisible:
        raise Http404 from None


@requires(*VIEW)
@require_GET
def imports(request: HttpRequest) -> HttpResponse:
    """The history of imports, and where a new one begins."""
    viewer = request.viewer  # type: ignore[attr-defined]
    rows = selectors.batches(viewer)
    counts = selectors.undo_counts(viewer, [row.id for row in rows if row.can_undo])
    context = {
        "rows": [(row, counts.get(row.id, (0, 0))) for row in rows],
        "may_import": viewer.can(IMPORT),
    }
    return render(request, "opportunities/import/list.html", context)


@requires(IMPORT)
def import_new(request: HttpRequest) -> HttpResponse:
    """Upload: files dropped, chosen or pasted become a batch."""
    error = ""
    if request.method == "POST":
        try:
            batch_id = _received(request)
            return redirect("opportunities:import_match", batch_id)
        except (UnreadableFile, ImportRefused) as refused:
            error = in_words(reason_of(refused))
    context = {"error": error, "max_mb": settings.UPLOAD_MAX_MB, **steps(None, "upload")}
    return render(request, "opportunities/import/upload.html", context, status=422 if error else 200)


def _received(request: HttpRequest) -> int:
    files = request.FILES.getlist("files")
    pasted = request.POST.get("pasted", "").strip()
    if not files and not pasted:
        raise ImportRefused(Said("Choose a file, a zip or several files of one export."))
    _refuse_too_large(files)
    with tempfile.TemporaryDirectory(prefix="upload-") as folder:
        chosen = [get_valid_filename(Path(file.name or "file.csv").name) for file in files]
        *names, name_of_pasted = distinct([*chosen, "pasted.csv"])
        for file, name in zip(files, names, strict=True):
            with (Path(folder) / name).open("wb") as out:
                for chunk in file.chunks():
                    out.write(chunk)
        if pasted:
            (Path(folder) / name_of_pasted).write_text(pasted + "\n", encoding="utf-8")
        found = list(Path(folder).iterdir())
        path = found[0] if len(found) == 1 else Path(folder)
        viewer, preset = request.viewer, request.POST.get("preset", "")  # type: ignore[attr-defined]
        return receive_import(path=path, scope=viewer, actor_name=str(request.user), preset=preset)


def _refuse_too_large(files: Sequence[UploadedFile]) -> None:
    most = settings.UPLOAD_MAX_MB
    if sum(file.size or 0 for file in files) <= most * MIB:
        return
    for file in files:
        if (file.size or 0) > most * MIB:
            raise ImportRefused(Said("“%(name)s” is larger than %(mb)s MB.", name=file.name or "", mb=most))
    raise ImportRefused(
        Said(
            "These files are larger than %(mb)s MB together. Choose fewer, or pack them into one zip.",
            mb=most,
        )
    )


@requires(*VIEW)
@require_GET
def import_batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    """One import: what it did, its problems, undo; an unfinished one continues where it stands."""
    viewer = request.viewer  # type: ignore[attr-defined]
    facts = batch_or_404(request, batch_id)
    if viewer.can(IMPORT):
        onward = {
            "UPLOADED": "import_match",
            "ASKING": "import_repair",
            "READY": "import_confirm",
            "RUNNING": "import_progress",
        }
        if facts.state in onward:
            return redirect(f"opportunities:{onward[facts.state]}", batch_id)
    summary = selectors.batch_summary(viewer, batch_id)
    context = {
        "facts": facts,
        "summary": summary,
        "has_happened": has_happened(summary),
        "set_aside": set_aside(summary),
        "references": [
            (in_words(ROLE_LABEL[Role(role)]), counts) for role, counts in summary["references"].items()
        ],
        "kept": _kept(summary["undone"]),
        "groups": selectors.problem_groups(viewer, batch_id),
        "files": selectors.files_of(viewer, batch_id),
        "may_import": viewer.can(IMPORT),
        "may_undo": viewer.can(IMPORT) and (facts.can_undo or facts.state == "CANCELLED"),
        "undoing": selectors.undo_counts(viewer, [batch_id]).get(batch_id, (0, 0)),
        "sees_deals": viewer.can(Capability.VIEW_DEALS),
        **steps(batch_id, "done"),
    }
    return render(request, "opportunities/import/done.html", context)


import_done = import_batch


def _kept(undone: dict[str, Any]) -> list[dict[str, str]]:
    """What undoing left, in words."""
    reasons = {
        "CHANGED": _("changed since"),
        "IN_USE": _("named by something that stays"),
        "GONE": _("what it was before can no longer be"),
    }
    return [
        {
            "kind": in_words(ROLE_LABEL[Role(kept["kind"])]),
            "name": kept["name"],
            "reason": reasons[kept["reason"]],
        }
        for kept in undone.get("kept", ())
    ]


@requires(IMPORT)
@require_GET
def import_progress(request: HttpRequest, batch_id: int) -> HttpResponse:
    """What the background work is doing; the page may be left and come back to."""
    facts = batch_or_404(request, batch_id)
    return render(request, "opportunities/import/progress.html", _progress(request, facts))


@requires(IMPORT)
@require_GET
def import_status(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The moving part of the progress page; when the work has ended it leads on."""
    facts = batch_or_404(request, batch_id)
    context = _progress(request, facts)
    if context["onward"]:
        return HttpResponse(status=204, headers={"HX-Redirect": context["onward"]})
    return render(request, "opportunities/import/_status.html", context)


def _progress(request: HttpRequest, facts: selectors.BatchFacts) -> dict[str, Any]:
    job = job_visible(facts.job_id, everything=True) if facts.job_id else None
    names = {"ASKING": "import_repair", "READY": "import_confirm", "DONE": "import_done"}
    is_over = job is None or job.finished
    onward = ""
    if facts.state == "DONE" or (is_over and facts.state in names and (job is None or job.state == "DONE")):
        onward = reverse(f"opportunities:{names[facts.state]}", args=[facts.id])
    is_plan = job is not None and job.kind.endswith("plan_import")
    rate = None
    if job is not None and job.started_at and job.done and not job.finished:
        from django.utils import timezone

        seconds = (timezone.now() - job.started_at).total_seconds()
        rate = int(job.done / seconds) if seconds > 1 else None
    return {
        "facts": facts,
        "job": job,
        "onward": onward,
        "is_plan": is_plan,
        "rate": rate,
        **steps(facts.id, "repair" if is_plan else "progress"),
    }


@requires(IMPORT)
@require_POST
def import_cancel(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Stop the background work at its next step."""
    facts = batch_or_404(request, batch_id)
    if request_cancel(batch_id=facts.id):
        messages.info(request, _("The import stops after the rows it is writing."))
    return redirect("opportunities:import_progress", batch_id)


@requires(IMPORT)
@require_POST
def import_undo(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Undo a finished import."""
    facts = batch_or_404(request, batch_id)
    try:
        done = undo_import(batch_id=facts.id, actor_id=request.user.pk, actor_name=str(request.user))
    except ImportRefused as refused:
        messages.error(request, in_words(refused.why))
        return redirect("opportunities:import_done", batch_id)
    messages.success(request, was_undone(done))
    return redirect("opportunities:import_done", batch_id)


@requires(IMPORT)
@require_POST
def import_discard(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Remove an import that wrote nothing, with its rows and files."""
    facts = batch_or_404(request, batch_id)
    try:
        discard_import(batch_id=facts.id, actor_id=request.user.pk, actor_name=str(request.user))
    except ImportRefused as refused:
        messages.error(request, in_words(refused.why))
        return redirect("opportunities:import_done", batch_id)
    messages.success(request, _("Import %(id)s was discarded.") % {"id": facts.id})
    return redirect("opportunities:imports")


@requires(*VIEW)
@require_GET
def import_rejects(request: HttpRequest, batch_id: int) -> StreamingHttpResponse:
    """Every problem as CSV: people mend by it, so what it says is in their language; names and codes stay the same."""
    facts = batch_or_404(request, batch_id)
    rows = selectors.problems_of(request.viewer, facts.id)  # type: ignore[attr-defined]
    head = ("file", "row", "column", "value", "what is wrong", "what to do", "code", "severity")
    cells = (
        (r.file, r.row, r.column, r.value, in_words(r.message), in_words(r.cure), r.code, r.severity)
        for r in rows
    )
    lines = chain([BYTE_ORDER_MARK], csv_lines([head]), csv_lines(cells))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="import-{facts.id}-problems.csv"'
    return response
