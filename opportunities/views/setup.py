"""Set-up of how the company sells: processes, stages, categories and their subcategories."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from opportunities.domain.deal import OPEN_CATEGORIES, Category
from opportunities.forms.setup import ProcessForm, StageForm, SubcategoryForm
from opportunities.selectors import setup as selectors
from opportunities.services import setup as services
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.permissions import requires
from salesops.ui.form_page import form_page, press

CONFIGURE = Capability.CONFIGURE_PROCESS


BACK = {"process": "setup_processes", "stage": "setup_processes", "subcategory": "setup_categories"}


def _deletion(scope: Scope, kind: str, row_id: int | None) -> dict[str, Any]:
    """What the page of one row offers or says about deleting it."""
    if row_id is None:
        return {}
    address = reverse("opportunities:setup_delete", args=[kind, row_id])
    return {"delete_url": address, "uses": selectors.setup_uses(scope, kind, row_id)}


@require_POST
@requires(CONFIGURE)
def delete(request: HttpRequest, kind: str, row_id: int) -> HttpResponse:
    """Delete a process, stage or subcategory, or say what hangs on it."""
    if kind not in BACK:
        raise Http404
    scope = request.viewer
    return press(
        request, lambda: services.remove(kind=kind, row_id=row_id, scope=scope),
        back=reverse(f"opportunities:{BACK[kind]}"), message=_("Deleted."),
    )  # fmt: skip


@requires(CONFIGURE)
def processes(request: HttpRequest) -> HttpResponse:
    """Every process with its stages."""
    context = {"tab": "processes", "processes": selectors.processes_for_setup(request.viewer)}
    return render(request, "opportunities/setup/processes.html", context)


@requires(CONFIGURE)
def process(request: HttpRequest, process_id: int | None = None) -> HttpResponse:
    """Add a process, or change one."""
    scope = request.viewer
    known = {p.id: p for p in selectors.processes_for_setup(scope)}
    facts = known.get(process_id) if process_id else None
    if process_id and facts is None:
        raise Http404
    initial = {"name": facts.name, "is_active": facts.is_active} if facts else {}
    form = ProcessForm(request.POST or None, initial=initial)

    def save(data: dict[str, Any]) -> str:
        services.save_process(**data, process_id=process_id, scope=scope)
        return _("Saved.")

    title = _("Edit %(name)s") % {"name": facts.name} if facts else _("New process")
    back = reverse("opportunities:setup_processes")
    return form_page(
        request, form, title=title, submit=_("Save"), save=save, back=back, opened=initial or None,
        context=_deletion(scope, "process", process_id),
    )  # fmt: skip


@requires(CONFIGURE)
def stage(request: HttpRequest, process_id: int, stage_id: int | None = None) -> HttpResponse:
    """Add a stage, or change one."""
    scope = request.viewer
    facts = selectors.stage_for_setup(scope, stage_id) if stage_id else None
    known = {p.id for p in selectors.processes_for_setup(scope)}
    if process_id not in known or (stage_id and (facts is None or facts.process_id != process_id)):
        raise Http404
    fields = ("name", "status", "category", "probability", "guidance", "is_active")
    initial = {field: getattr(facts, field) for field in fields} if facts else {}
    if initial.get("category") not in OPEN_CATEGORIES:
        initial.pop("category", None)  # what closing forces is nothing to go back to
    form = StageForm(request.POST or None, initial=initial)

    def save(data: dict[str, Any]) -> str:
        services.save_stage(**data, process_id=process_id, stage_id=stage_id, scope=scope)
        return _("Saved. Deals in the stage keep what they have.") if stage_id else _("Stage added.")

    title = _("Edit %(name)s") % {"name": facts.name} if facts else _("New stage")
    back = reverse("opportunities:setup_processes")
    return form_page(
        request, form, title=title, submit=_("Save"), save=save, back=back, opened=initial or None,
        context=_deletion(scope, "stage", stage_id),
    )  # fmt: skip


@require_POST
@requires(CONFIGURE)
def stage_move(request: HttpRequest, stage_id: int) -> HttpResponse:
    """One place up or down."""
    scope, step = request.viewer, -1 if request.POST.get("step") == "-1" else 1
    back = reverse("opportunities:setup_processes")
    return press(request, lambda: services.move_stage(stage_id=stage_id, step=step, scope=scope), back=back)


@requires(CONFIGURE)
def categories(request: HttpRequest) -> HttpResponse:
    """The six categories, each with its subcategories."""
    rows = selectors.subcategories_for_setup(request.viewer)
    groups = [(c.value, [row for row in rows if row.category == c.value]) for c in Category]
    return render(request, "opportunities/setup/categories.html", {"tab": "categories", "groups": groups})


@requires(CONFIGURE)
def subcategory(request: HttpRequest, subcategory_id: int | None = None) -> HttpResponse:
    """Add a subcategory, or change one."""
    scope = request.viewer
    facts = next((s for s in selectors.subcategories_for_setup(scope) if s.id == subcategory_id), None)
    if subcategory_id and facts is None:
        raise Http404
    initial: dict[str, Any] = {"category": request.GET.get("category", "COMMIT")}
    if facts:
        initial = {"name": facts.name, "description": facts.description, "is_active": facts.is_active}
    form = SubcategoryForm(request.POST or None, initial=initial, is_new=facts is None)

    def save(data: dict[str, Any]) -> str:
        category = facts.category if facts else data.pop("category")
        services.save_subcategory(**data, category=category, subcategory_id=subcategory_id, scope=scope)
        return _("Saved.")

    title = _("Edit %(name)s") % {"name": facts.name} if facts else _("New subcategory")
    back = reverse("opportunities:setup_categories")
    return form_page(
        request, form, title=title, submit=_("Save"), save=save, back=back, opened=initial if facts else None,
        context=_deletion(scope, "subcategory", subcategory_id),
    )  # fmt: skip


@require_POST
@requires(CONFIGURE)
def subcategory_move(request: HttpRequest, subcategory_id: int) -> HttpResponse:
    """One place up or down."""
    scope, step = request.viewer, -1 if request.POST.get("step") == "-1" else 1
    return press(
        request, lambda: services.move_subcategory(subcategory_id=subcategory_id, step=step, scope=scope),
        back=reverse("opportunities:setup_categories"),
    )  # fmt: skip
