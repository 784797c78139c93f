"""Set-up: the company, its calendars, currencies and rates, territories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from organization import selectors, services
from organization.domain.facts import TerritoryNode
from organization.domain.roles import Capability
from organization.forms import (
    MONTHS,
    TERRITORY_KINDS,
    WEEKDAYS,
    CalendarForm,
    CompanyForm,
    FirstCompanyForm,
    RateForm,
    TerritoryForm,
    UploadForm,
)
from organization.permissions import requires
from organization.selectors import setup as setup_selectors
from organization.selectors import uses
from organization.services.rate_file import import_rates
from salesops.kernel.periods import PeriodKind
from salesops.ui.form_page import form_page, press
from salesops.ui.pagination import page_of

MANAGE = Capability.MANAGE_ORGANIZATION


@requires(MANAGE)
def setup(request: HttpRequest) -> HttpResponse:
    """The first page of the set-up."""
    return redirect("organization:setup_company")


@requires(MANAGE)
def setup_company(request: HttpRequest) -> HttpResponse:
    """The company's settings; on an empty installation everything it needs at once."""
    if not selectors.is_set_up():
        return _first_setup(request)
    scope, facts = request.viewer, selectors.company()
    initial = {
        "name": facts.name, "corporate_currency": facts.corporate_currency, "time_zone": facts.time_zone,
        "calendar_id": facts.calendar_id,
    }  # fmt: skip
    calendars = [(c.id, c.name) for c in setup_selectors.calendars()]
    form = CompanyForm(request.POST or None, initial=initial, calendars=calendars)

    def save(data: dict[str, Any]) -> str:
        services.set_up_company(**data, scope=scope)
        return _("Saved.")

    return form_page(
        request, form, title=_("Company"), submit=_("Save"), save=save, back=reverse("organization:setup_company"),
        opened=initial, template="organization/setup_company.html", context={"tab": "company"},
    )  # fmt: skip


def _first_setup(request: HttpRequest) -> HttpResponse:
    scope = request.viewer
    form = FirstCompanyForm(request.POST or None)

    def save(data: dict[str, Any]) -> str:
        services.set_up_first_company(**data, scope=scope)
        return _("%(name)s is set up.") % {"name": data["name"]}

    return form_page(
        request, form, title=_("Set up your company"), submit=_("Set up"), save=save, back="/",
        lede=_("Four facts, and the calendar is built. All but the currency can be changed later."),
    )  # fmt: skip


@requires(MANAGE)
def setup_calendars(request: HttpRequest) -> HttpResponse:
    """All calendars; one is in force."""
    company = selectors.company()
    months, days = dict(MONTHS), dict(WEEKDAYS)
    quotas = uses.calendar_quotas()
    rows = [
        (c, months[c.start_month], days[c.week_start], quotas.get(c.id, 0))
        for c in setup_selectors.calendars()
    ]
    context = {"tab": "calendars", "rows": rows, "current": company.calendar_id}
    return render(request, "organization/setup_calendars.html", context)


@requires(MANAGE)
def setup_calendar(request: HttpRequest, calendar_id: int) -> HttpResponse:
    """A calendar's periods, year by year."""
    found = setup_selectors.calendars(calendar_id)
    if not found:
        raise Http404
    years = selectors.periods("YEAR", calendar_id=calendar_id)
    today = selectors.now_date()
    asked = request.GET.get("year", "")
    year = next((y for y in years if y.name == asked), None) or next(
        (y for y in years if today in y), years[-1] if years else None
    )
    context = {
        "tab": "calendars",
        "calendar": found[0],
        "years": [(y.name, y.name) for y in years],
        "year": year,
        "quarters": _quarters_of(year) if year else [],
        "is_current": found[0].id == selectors.company().calendar_id,
    }
    return render(request, "organization/setup_calendar.html", context)


def _quarters_of(year: Any) -> list[tuple[Any, list[Any]]]:
    months = selectors.children_of(year, "MONTH")
    return [(q, [m for m in months if m.parent_id == q.id]) for q in selectors.children_of(year, "QUARTER")]


@requires(MANAGE)
def setup_calendar_new(request: HttpRequest) -> HttpResponse:
    """Define a calendar: first its periods are shown, then it is written."""
    scope = request.viewer
    form = CalendarForm(request.POST or None)
    context: dict[str, Any] = {"tab": "calendars", "writes": False}
    if request.method == "POST" and form.is_valid() and request.POST.get("step") != "define":
        context["preview"] = _calendar_preview(form)

    def save(data: dict[str, Any]) -> str:
        services.define_calendar(**data, scope=scope)
        return _("Calendar %(name)s defined. It counts once you activate it.") % {"name": data["name"]}

    if request.POST.get("step") == "define" or request.method != "POST":
        return form_page(
            request, form, title=_("New calendar"), submit=_("Define"), save=save,
            back=reverse("organization:setup_calendars"), template="organization/setup_calendar_new.html",
            context=context,
        )  # fmt: skip
    context |= {"form": form, "title": _("New calendar")}
    return render(
        request, "organization/setup_calendar_new.html", context, status=422 if form.errors else 200
    )


def _calendar_preview(form: CalendarForm) -> list[Any] | None:
    """The year around today and its neighbours, or None with the reason in the form."""
    data = {key: value for key, value in form.cleaned_data.items() if key != "name"}
    try:
        specs = services.planned_periods(**data)
    except services.OrganizationError as error:
        form.add_error(error.field if error.field in form.fields else None, _(error.message))
        return None
    today = selectors.now_date()
    years = [s for s in specs if s.kind is PeriodKind.YEAR]
    here = next((i for i, y in enumerate(years) if y.from_date <= today < y.to_date), 0)
    chosen = years[max(here - 1, 0) : here + 3]
    return [
        (
            year,
            [s for s in specs if s.kind is PeriodKind.QUARTER and s.parent == year.name],
            sum(1 for s in specs if s.kind is PeriodKind.WEEK and s.parent == year.name),
        )
        for year in chosen
    ]


@require_POST
@requires(MANAGE)
def setup_calendar_activate(request: HttpRequest, calendar_id: int) -> HttpResponse:
    """Make a calendar the company's."""
    scope = request.viewer
    return press(
        request, lambda: services.activate_calendar(calendar_id=calendar_id, scope=scope),
        back=reverse("organization:setup_calendars"), message=_("The company now thinks in this calendar."),
    )  # fmt: skip


@requires(Capability.VIEW_RATES)
def setup_rates(request: HttpRequest) -> HttpResponse:
    """Currencies, and their rates through time; who only reads them is not told how much is stated in each."""
    may_manage = request.viewer.can(MANAGE)
    currency = request.GET.get("currency", "")
    rows = setup_selectors.rates()
    used = sorted({row.currency for row in rows})
    context = {
        "tab": "rates",
        "corporate": selectors.company().corporate_currency,
        "may_manage": may_manage,
        "currency_uses": uses.currency_uses() if may_manage else [],
        "page": page_of(request, [row for row in rows if not currency or row.currency == currency]),
        "currency": currency,
        "currencies": [("", _("All currencies")), *((code, code) for code in used)],
        "latest": {c: next(row for row in rows if row.currency == c and not row.is_superseded) for c in used},
    }
    return render(request, "organization/setup_rates.html", context)


@requires(MANAGE)
def setup_rate_new(request: HttpRequest) -> HttpResponse:
    """Record one rate."""
    scope = request.viewer
    form = RateForm(request.POST or None, initial={"from_date": selectors.now_date()})

    def save(data: dict[str, Any]) -> str:
        added = services.record_rates([services.NewRate(**data)], scope=scope)
        return _("Rate recorded.") if added else _("That rate is recorded already.")

    return form_page(
        request, form, title=_("Record a rate"), submit=_("Record"), save=save,
        back=reverse("organization:setup_rates"),
        lede=_("A rate counts from its day until the next one. A correction is a new rate for the same day."),
    )  # fmt: skip


@requires(MANAGE)
def setup_rates_import(request: HttpRequest) -> HttpResponse:
    """Read rates from a CSV or XLSX file; nothing is recorded while any row is wrong."""
    scope = request.viewer
    form = UploadForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"tab": "rates"}

    def save(data: dict[str, Any]) -> str:
        report = import_rates(upload=data["file"], scope=scope)
        if report.problems:
            context["problems"] = report.problems
            raise services.OrganizationError(
                "", _("Nothing was recorded: mend the rows below and try again.")
            )
        return _("%(added)s rates recorded, %(same)s were known already.") % {
            "added": report.added, "same": report.rows - report.added,
        }  # fmt: skip

    return form_page(
        request, form, title=_("Import rates"), submit=_("Import"), save=save,
        back=reverse("organization:setup_rates"), template="organization/setup_rates_import.html", context=context,
        lede=_("Three columns with a header: currency, from_date (2026-02-28), rate."),
    )  # fmt: skip


@requires(MANAGE)
def setup_territories(request: HttpRequest) -> HttpResponse:
    """The tree of territories."""
    nodes = selectors.territory_tree(request.viewer)
    people: dict[int, list[str]] = {}
    for stay in selectors.people_of_territory(request.viewer, on=selectors.now_date()):
        people.setdefault(stay.territory_id, []).append(stay.person_name)
    hanging, kinds = _with_those_below(nodes, uses.territory_uses()), dict(TERRITORY_KINDS)
    rows = [
        (node, sorted(people.get(node.id, ())), hanging[node.id], kinds.get(node.kind, node.kind))
        for node in nodes
    ]
    return render(request, "organization/setup_territories.html", {"tab": "territories", "rows": rows})


def _with_those_below(
    nodes: Sequence[TerritoryNode], direct: Mapping[int, Mapping[str, int]]
) -> dict[int, Counter[str]]:
    """What hangs on each territory or on any below it; `nodes` has every parent before its children."""
    found = {node.id: Counter(direct.get(node.id, {})) for node in nodes}
    for node in reversed(nodes):
        if node.parent_id in found:
            found[node.parent_id].update(found[node.id])
    return found


@requires(MANAGE)
def setup_territory(request: HttpRequest, territory_id: int | None = None) -> HttpResponse:
    """Add a territory, or rename and move one."""
    scope = request.viewer
    nodes = selectors.territory_tree(scope)
    node = next((n for n in nodes if n.id == territory_id), None)
    if territory_id is not None and node is None:
        raise Http404
    below = set(selectors.territory_subtree_ids(territory_id)) if territory_id else set()
    parents = [(n.id, "\u2003" * n.depth + n.name) for n in nodes if n.id not in below]
    initial: dict[str, Any] = {"parent_id": request.GET.get("parent")}
    if node:
        initial = {
            "name": node.name,
            "kind": node.kind,
            "parent_id": node.parent_id,
            "is_active": node.is_active,
        }
    form = TerritoryForm(request.POST or None, initial=initial, parents=parents)

    def save(data: dict[str, Any]) -> str:
        services.place_territory(**data, territory_id=territory_id, scope=scope)
        return _("Saved.") if node else _("%(name)s added.") % {"name": data["name"]}

    title = _("Edit %(name)s") % {"name": node.name} if node else _("New territory")
    return form_page(
        request,
        form,
        title=title,
        submit=_("Save"),
        save=save,
        back=reverse("organization:setup_territories"),
        opened=initial if node else None,
        template="organization/setup_territory.html",
        context={
            "members": selectors.people_of_territory(scope, territory_id) if node else [],
            "delete_url": reverse("organization:setup_territory_delete", args=[node.id]) if node else "",
            "uses": uses.territory_use(node.id) if node else (),
        },
    )
