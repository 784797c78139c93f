"""My deals: what needs a look first, then every deal as a list or a board."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from opportunities import selectors
from opportunities.domain.deal import Category, Status
from opportunities.domain.listing import DealPage
from opportunities.domain.rules import FIRST_DATE, LAST_DATE
from opportunities.exports import deals_csv
from opportunities.selectors.listing import Groups
from opportunities.views.asking import Page, sees_only_won
from opportunities.views.cards import CardWriter, QueueWriter
from opportunities.views.cells import KEYS, OPEN_ORDER, ORDER, Choices, Deal, quick_dates
from opportunities.views.rows import RowWriter
from opportunities.views.words import FLAG_LABELS
from organization.domain.roles import Capability
from organization.permissions import requires
from organization.selectors import company
from salesops.ui import formats
from salesops.ui.categories import CATEGORY_LABELS
from salesops.ui.pagination import PageOf
from salesops.ui.tables import Sort

CARDS_PER_COLUMN = 30
Totals = dict[Category, tuple[int, Decimal]]


@dataclass(frozen=True)
class Column:
    """A column of the board: all deals of a category counted and summed, the first of them as cards, and how many
    `more` have none."""

    category: Category
    label: str
    count: int
    total: Decimal
    cards: SafeString
    more: int
    key: str


@require_GET
@requires(Capability.VIEW_DEALS)
def deals(request: HttpRequest) -> HttpResponse:
    """The rep's home; managers see their people's deals, narrowed by owner."""
    page = Page.of(request)
    choices = page.choices()
    groups = selectors.deal_groups(page.scope, page.all_categories, page.at)
    totals = groups.by_category()
    found = _found(page, groups)
    context = {
        **_head(page, totals),
        **_chosen(request, page, found),
        "found": found,
        "choices": choices,
        "close_dates": (FIRST_DATE, LAST_DATE),
        "rows": _rows(page, found, choices),
        "columns": _columns(page, totals, found, choices) if page.asked.view == "board" else [],
        "may_edit": page.may_edit,
        "categories": [(c.value, CATEGORY_LABELS[c], KEYS.get(c, "")) for c in ORDER],
        **_queue(page, choices),
    }
    return render(request, "opportunities/deals.html", context)


@require_GET
@requires(Capability.VIEW_DEALS)
def export(request: HttpRequest) -> HttpResponse:
    """The whole list as CSV: every deal that matches the filters, as of the same instant."""
    page = Page.of(request)
    found = selectors.deals(page.scope, replace(page.query, size=0, page=1), page.at)
    stamp = (page.at.date() if page.at else page.today).isoformat()
    headers = {"Content-Disposition": f'attachment; filename="deals-{stamp}.csv"'}
    text = "\ufeff" + deals_csv(found.rows, found.currency, company().minor_unit)
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


def _rows(page: Page, found: DealPage, choices: Choices) -> SafeString:
    if page.asked.view != "list":
        return SafeString()
    writer = RowWriter(owners=page.shows_owner, selectable=page.may_edit)
    return writer.write(Deal(row, choices, "list", page.as_of) for row in found.rows)


def _found(page: Page, groups: Groups) -> DealPage:
    shown = page.query
    if page.asked.view != "list":
        shown = replace(page.query, per_category=CARDS_PER_COLUMN, page=1)
    of_all = None if shown.flag else groups  # the tiles count all deals, whether they need a look or not
    return selectors.deals(page.scope, shown, page.at, of_all)


def _columns(page: Page, totals: Totals, found: DealPage, choices: Choices) -> list[Column]:
    """Columns of the categories that are asked for; the closing ones are only targets unless asked for."""
    is_open_shown = not sees_only_won(page.scope)
    shown = [
        c
        for c in ORDER
        if (c in OPEN_ORDER and is_open_shown) or page.asked.state in ("all", c.value.lower())
    ]
    if page.query.categories:
        shown = [c for c in ORDER if c in page.query.categories]
    columns, writer = [], CardWriter(owners=page.shows_owner)
    for category in shown:
        rows = [row for row in found.rows if row.category is category][:CARDS_PER_COLUMN]
        count, total = totals.get(category, (0, Decimal(0)))
        cards = writer.write(Deal(row, choices, "card", page.as_of) for row in rows)
        label, more = str(CATEGORY_LABELS[category]), count - len(rows)
        columns.append(Column(category, label, count, total, cards, more, KEYS.get(category, "")))
    return columns


def _queue(page: Page, choices: Choices) -> dict[str, Any]:
    """What needs a look, unless the past is shown or the list is already that."""
    elsewhere = page.at is not None or page.query.flag or page.query.page > 1
    if elsewhere or page.asked.state not in ("open", "all") or not page.scope.can(Capability.EDIT_DEALS):
        return {"queue_count": None, "answer": _answer(page, None)}
    rows, count = selectors.first_deals(page.scope, page.attention)
    quick = quick_dates(page.today, page.quarter_end)
    writer = QueueWriter(owners=page.shows_owner, quick=quick)
    return {
        "queue": writer.write(Deal(row, choices, "queue") for row in rows),
        "queue_count": count,
        "queue_more": count - len(rows),
        "answer": _answer(page, count),
    }


def _answer(page: Page, doubtful: int | None) -> SafeString:
    """The sentence above everything, whatever the list is filtered by: what to do before the call, and the quarter."""
    parts: list[SafeString] = []
    if doubtful == 0:
        parts.append(SafeString(_("Nothing needs you before the call.")))
    elif doubtful:
        words = ngettext(
            "<b>%(n)s deal</b> needs you before the call.",
            "<b>%(n)s deals</b> need you before the call.",
            doubtful,
        )
        parts.append(format_html(words.replace("%(n)s", "{n}"), n=formats.number(doubtful)))
    parts.append(_quarter_sentence(page))
    return SafeString(" ".join(parts))


def _quarter_sentence(page: Page) -> SafeString:
    """What is won this quarter and what stands in the two categories that count on it."""
    said, period = _quarter_sums(page), page.closing.get("quarter", "")
    if not said:
        words = _("Nothing closes in %(period)s yet.") if period else _("No deals here yet.")
        return format_html(words.replace("%(period)s", "{period}"), period=period)
    sums = SafeString(", ".join(said[:-1]) + (_(" and ") if len(said) > 1 else "") + said[-1])
    words = _("Closing in %(period)s: %(sums)s.") if period else "%(sums)s."
    return format_html(
        words.replace("%(period)s", "{period}").replace("%(sums)s", "{sums}"), period=period, sums=sums
    )


def _quarter_sums(page: Page) -> list[SafeString]:
    totals = selectors.category_totals(page.scope, page.quarter_query, page.at)
    currency = company().corporate_currency
    found = []
    for category in (Category.WON, Category.COMMIT, Category.UPSIDE):
        count, total = totals.get(category, (0, Decimal(0)))
        if count:
            amount = formats.money(total, currency, compact=True)
            found.append(format_html("{} <b>{}</b>", CATEGORY_LABELS[category], amount))
    return found


def _head(page: Page, totals: Totals) -> dict[str, Any]:
    names = {p.id: p.name for p in page.people}
    owner = page.query.owner_ids[0] if len(page.query.owner_ids) == 1 else None
    only_won = sees_only_won(page.scope)
    tiles = [
        (c, CATEGORY_LABELS[c], *totals.get(c, (0, Decimal(0))))
        for c in ORDER
        if c in totals or (c in OPEN_ORDER and not only_won)
    ]
    return {
        "page": page,
        "at": page.at,
        "asked": page.asked,
        "tiles": tiles,
        "owner_name": names.get(owner or 0, ""),
        "owners": [("", _("Everybody"))] + [(p.id, " " * p.depth + p.name) for p in page.people]
        if page.is_team
        else [],
        "closing": [("", _("Any close date")), *page.closing.items()],
        "tiles_say": _tiles_say(page),
        "only_won": only_won,
        "states": [("won", _("Won deals only"))]
        if only_won
        else [("open", _("Open")), ("won", _("Won")), ("lost", _("Lost")), ("all", _("All"))],
        "flag_label": FLAG_LABELS.get(page.query.flag, ""),
        "stages": _stage_options(only_won=only_won),
        "stage": page.query.stage_ids[0] if page.query.stage_ids else "",
        "owner": owner or "",
    }


def _tiles_say(page: Page) -> str:
    """Which deals the sums over the list are of, so that nobody takes them for the quarter's."""
    query, closing = page.query, page.closing.get(page.asked.period) or _("Any close date")
    if page.asked.period == "stated" and query.close_from and query.close_to:
        last = query.close_to - dt.timedelta(days=1)
        closing = _("%(first)s to %(last)s") % {
            "first": formats.day(query.close_from), "last": formats.day(last),
        }  # fmt: skip
    narrowed = query.text or query.stage_ids or query.account_ids or query.subcategory_ids
    return f"{closing}, {_('as filtered')}" if narrowed else closing


def _stage_options(*, only_won: bool) -> list[tuple[object, str]]:
    book, names = selectors.rule_book(), selectors.process_names()
    several = len(names) > 1
    options: list[tuple[object, str]] = [("", _("Any stage"))]
    for stage in book.stages.values():
        if stage.is_active and stage.process_id in names and (stage.status is Status.WON or not only_won):
            label = f"{names[stage.process_id]}: {stage.name}" if several else stage.name
            options.append((stage.id, label))
    return options


def _chosen(request: HttpRequest, page: Page, found: DealPage) -> dict[str, Any]:
    """Pager and sort as components want them."""
    first = (found.page - 1) * found.size + 1 if found.total_count else 0
    pages = found.pages
    near = sorted({1, pages, *range(max(found.page - 1, 1), min(found.page + 1, pages) + 1)})
    numbers: list[int | None] = []
    for number in near:
        if numbers and numbers[-1] is not None and number - numbers[-1] > 1:
            numbers.append(None)
        numbers.append(number)
    order = page.query.order
    return {
        "pager": PageOf(
            found.rows,
            found.page,
            pages,
            found.total_count,
            first,
            first + len(found.rows) - 1,
            found.size,
            tuple(numbers),
        ),
        "sort": Sort(order.lstrip("-"), order.startswith("-")),
        "views": [
            {"label": _("List"), "url": _with(request, view=None), "current": page.asked.view == "list"},
            {
                "label": _("Board"),
                "url": _with(request, view="board", page=None),
                "current": page.asked.view == "board",
            },
        ],
    }


def _with(request: HttpRequest, **changes: str | None) -> str:
    get = request.GET.copy()
    for name, value in changes.items():
        get.pop(name, None)
        if value is not None:
            get[name] = value
    return f"{request.path}?{get.urlencode()}" if get else request.path
