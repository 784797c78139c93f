"""The org chart, dated; a person; moving somebody and who is affected."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from organization import selectors, services
from organization.domain.facts import PersonNode
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.forms import MoveForm, PersonForm, day_asked
from organization.permissions import requires
from salesops.ui import meanwhile
from salesops.ui.form_page import RefusedError, done, form_page, tell_changed, unseen

VIEW = Capability.VIEW_ORGANIZATION
MANAGE = Capability.MANAGE_ORGANIZATION


def _as_of(request: HttpRequest) -> dt.date | None:
    """The date asked for, None for today."""
    day = day_asked(request.GET)
    return None if day == selectors.now_date() else day


ROWS_AT_ONCE = 300
"""Above this many people, branches below the second level are fetched when opened."""


@requires(VIEW)
def people(request: HttpRequest) -> HttpResponse:
    """Everybody the viewer sees, as a tree, on any date."""
    nodes = _nodes(request)
    sizes = _sizes(nodes)
    is_long = len(nodes) > ROWS_AT_ONCE
    shown = [node for node in nodes if node.depth < 2] if is_long else nodes
    context = _row_context(request, shown, sizes)
    context |= {"answer": _answer(nodes, sizes), "leavers": bool(request.GET.get("leavers"))}
    if is_long:
        query = request.GET.copy()
        query.pop("parent", None)
        context |= {"open_depth": 1, "row_url": f"{reverse('organization:people_rows')}?{query.urlencode()}"}
    return render(request, "organization/people.html", context)


@requires(VIEW)
def people_rows(request: HttpRequest) -> HttpResponse:
    """The rows right below somebody, when a branch is opened."""
    nodes = _nodes(request)
    below = [node for node in nodes if str(node.parent_id) == request.GET.get("parent", "")]
    if not below:
        raise Http404
    context = _row_context(request, below, _sizes(nodes))
    query = request.GET.copy()
    query.pop("parent", None)
    context |= {"open_depth": 0, "row_url": f"{reverse('organization:people_rows')}?{query.urlencode()}"}
    return render(request, "organization/_people_rows.html", context)


def _nodes(request: HttpRequest) -> list[PersonNode]:
    nodes = selectors.people_tree(request.viewer, at=_as_of(request))
    return nodes if request.GET.get("leavers") else _without_leavers(nodes)


def _row_context(request: HttpRequest, nodes: list[PersonNode], sizes: dict[int, int]) -> dict[str, Any]:
    names = {t.id: t.name for t in selectors.territory_tree(request.viewer)}
    return {
        "rows": [(node, names.get(node.territory_id or 0, ""), sizes[node.id]) for node in nodes],
        "as_of": _as_of(request),
        "may_manage": request.viewer.can(MANAGE),
        "open_depth": 2,
    }


def _without_leavers(nodes: list[PersonNode]) -> list[PersonNode]:
    """Leave out who no longer works here, unless somebody still stands below them."""
    needed: set[int] = set()
    for node in reversed(nodes):
        if node.is_active or node.id in needed:
            needed.add(node.id)
            if node.parent_id is not None:
                needed.add(node.parent_id)
    return [node for node in nodes if node.id in needed]


def _sizes(nodes: list[PersonNode]) -> dict[int, int]:
    """How many people stand below each, directly or not."""
    sizes = dict.fromkeys((node.id for node in nodes), 0)
    for node in reversed(nodes):
        if node.parent_id is not None:
            sizes[node.parent_id] += sizes[node.id] + 1
    return sizes


def _answer(nodes: list[PersonNode], sizes: dict[int, int]) -> str:
    levels = max((node.depth for node in nodes), default=-1) + 1
    managers = sum(1 for size in sizes.values() if size)
    people = ngettext("%(n)s person", "%(n)s people", len(nodes)) % {"n": len(nodes)}
    if not managers:
        return _("%(people)s.") % {"people": people}
    shown = {
        "people": people,
        "levels": ngettext("in one level", "in %(n)s levels", levels) % {"n": levels},
        "lead": ngettext("one of them leads others", "%(n)s of them lead others", managers) % {"n": managers},
    }
    return _("%(people)s %(levels)s; %(lead)s.") % shown


def _visible(scope: Scope, person_id: int, day: dt.date | None = None) -> tuple[PersonNode, list[PersonNode]]:
    nodes = selectors.people_tree(scope, at=day)
    person = next((node for node in nodes if node.id == person_id), None)
    if person is None:
        raise Http404
    return person, nodes


@requires(VIEW)
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """One person: place, reports, and the history of both."""
    node, nodes = _visible(request.viewer, person_id)
    lines = selectors.reporting_lines(request.viewer, person_id)
    territories = {t.id: t.name for t in selectors.territory_tree(request.viewer)}
    context = {
        "person": node,
        "manager": next((n for n in nodes if n.id == node.parent_id), None),
        "reports": [n for n in nodes if n.parent_id == person_id],
        "managers_of": [line for line in lines if line.person_id == person_id],
        "reports_of": [line for line in lines if line.manager_id == person_id],
        "territory": territories.get(node.territory_id or 0, ""),
        "works_in": selectors.territories_of(request.viewer, person_id),
        "may_manage": request.viewer.can(MANAGE),
        "today": selectors.now_date(),
    }
    return render(request, "organization/person.html", context)


def _territory_choices(scope: Scope) -> list[tuple[int, str]]:
    return [(t.id, " " * 2 * t.depth + t.name) for t in selectors.territory_tree(scope) if t.is_active]


def _manager_choices(nodes: list[PersonNode], without: set[int]) -> list[tuple[int, str]]:
    """Everybody who could be a manager, indented like the tree."""
    return [
        (n.id, "\u2003" * n.depth + (f"{n.name} · {n.title}" if n.title else n.name))
        for n in nodes
        if n.id not in without and n.is_active
    ]


@requires(MANAGE)
def person_new(request: HttpRequest) -> HttpResponse:
    """Add somebody."""
    scope = request.viewer
    nodes = selectors.people_tree(scope)
    initial = {"from_date": selectors.now_date(), "manager_id": request.GET.get("manager")}
    form = PersonForm(
        request.POST or None, initial=initial, territories=_territory_choices(scope),
        managers=_manager_choices(nodes, set()),
    )  # fmt: skip

    def save(data: dict[str, Any]) -> str:
        services.create_person(**data, scope=scope)
        return _("%(name)s added.") % {"name": data["name"]}

    back = reverse("organization:people")
    return form_page(request, form, title=_("Add a person"), submit=_("Add"), save=save, back=back)


@requires(MANAGE)
def person_edit(request: HttpRequest, person_id: int) -> HttpResponse:
    """Change a person's own facts."""
    scope = request.viewer
    node, _nodes = _visible(scope, person_id)
    initial = {
        "name": node.name, "title": node.title, "email": node.email, "territory_id": node.territory_id,
        "is_active": node.is_active,
    }  # fmt: skip
    form = PersonForm(request.POST or None, initial=initial, territories=_territory_choices(scope))

    def save(data: dict[str, Any]) -> str:
        services.change_person(person_id=person_id, seen=data.pop("seen"), changes=data, scope=scope)
        return _("Saved.")

    back = reverse("organization:people")
    title = _("Edit %(name)s") % {"name": node.name}
    return form_page(request, form, title=title, submit=_("Save"), save=save, back=back, opened=initial)


@requires(MANAGE)
def person_move(request: HttpRequest, person_id: int) -> HttpResponse:
    """Give somebody another manager from a day on: first who is affected, then the move."""
    scope = request.viewer
    node, nodes = _visible(scope, person_id)
    below = set(selectors.subtree_ids(person_id))
    form = MoveForm(
        request.POST or None, initial={"manager_id": node.parent_id, "from_date": selectors.now_date()},
        managers=_manager_choices(nodes, {person_id}),
    )  # fmt: skip
    context: dict[str, Any] = {"form": form, "person": node, "back": reverse("organization:people")}
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        data, status = dict(form.cleaned_data), 200
        former_id = selectors.manager_of(person_id, data["from_date"])
        if request.POST.get("step") == "move" and data["manager_id"] != former_id:
            seen = meanwhile.from_field(request.POST.get(meanwhile.FIELD))
            if seen is None:
                return unseen()
            if seen.get("from_date") == str(data["from_date"]):  # else they have seen what another day brings
                status = _moved(form, person_id, data, seen, scope)
                if status == 200:
                    return done(request, context["back"], _("%(name)s moved.") % {"name": node.name})
        if status != 422:
            context["preview"] = _preview(
                node, nodes, below, former_id, data["manager_id"], data["from_date"]
            )
            context[meanwhile.FIELD] = meanwhile.as_field(
                {"from_date": data["from_date"], "manager_id": former_id}
            )
    return render(request, "organization/person_move.html", context, status=status)


def _moved(form: MoveForm, person_id: int, data: dict[str, Any], seen: meanwhile.Seen, scope: Scope) -> int:
    """The status of having moved somebody; the form says what was in the way."""
    try:
        services.set_manager(person_id=person_id, **data, seen=seen, scope=scope)
    except meanwhile.ChangedMeanwhileError as error:
        tell_changed(form, error)
        return 409
    except RefusedError as error:
        if error.is_forbidden:
            raise PermissionDenied from error
        form.add_error("manager_id", _(error.message))
        return 422
    return 200


def _preview(
    node: PersonNode,
    nodes: list[PersonNode],
    below: set[int],
    former_id: int | None,
    manager_id: int | None,
    day: dt.date,
) -> dict[str, Any]:
    """Who moves along, who gains and who loses sight of them, and when it counts."""
    by_id = {n.id: n for n in nodes}
    old, new = _chain(by_id, former_id), _chain(by_id, manager_id)
    moving = [n for n in nodes if n.id in below and n.id != node.id]
    return {
        "day": day,
        "is_past": day < selectors.now_date(),
        "is_future": day > selectors.now_date(),
        "is_same": manager_id == former_id,
        "is_cycle": manager_id in below,
        "moving": moving,
        "moving_text": ngettext(
            "%(n)s person moves along", "%(n)s people move along", len(moving)
        ) % {"n": len(moving)},
        "losing": [n for n in old if n not in new],
        "gaining": [n for n in new if n not in old],
        "manager": by_id.get(manager_id) if manager_id else None,
        "former": by_id.get(former_id) if former_id else None,
    }  # fmt: skip


def _chain(by_id: dict[int, PersonNode], person_id: int | None) -> list[PersonNode]:
    """The person and everybody above."""
    chain: list[PersonNode] = []
    while person_id is not None and person_id in by_id and by_id[person_id] not in chain:
        chain.append(by_id[person_id])
        person_id = by_id[person_id].parent_id
    return chain
