"""Lists of deals with complete totals, now or as of any instant, in a constant number of queries."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from opportunities.domain.deal import Category, DealState, Status
from opportunities.domain.hygiene import Condition, Typical, doubts
from opportunities.domain.listing import LARGEST_PAGE, CurrencySum, DealPage, DealQuery, DealRow, Group
from opportunities.domain.rules import RuleBook
from opportunities.models import Product
from opportunities.selectors.counts import counting, counts_then
from opportunities.selectors.filters import matching, ordering, visible_rows
from opportunities.selectors.hygiene import typical_days
from opportunities.selectors.kept_sums import kept_groups
from opportunities.selectors.processes import rule_book
from organization.domain.rates import RateBook, RateMonths
from organization.domain.scope import Scope
from organization.models import Territory
from organization.selectors import business_date, company, periods, rate_book
from organization.selectors.memo import remembered
from salesops.kernel.money import EXACT, exact_sum

_SHARED = (
    "name", "account_id", "account__name", "owner_id", "owner__name", "process_id", "stage_id", "status", "category",
    "subcategory_id", "amount", "currency_id", "probability", "close_date", "started_on", "next_step", "deal_type",
    "lead_source", "product_id", "territory_id",
)  # fmt: skip
"""No more names than these: with every further table PostgreSQL plans longer than it reads."""
_NOW = ("id", "version", *_SHARED, "created_at", "changed_at", "stage_entered_at", "push_count")
_PAST = (
    "opportunity_id", "opportunity__version", *_SHARED, "opportunity__created_at", "valid_from", "stage_entered_at",
    "push_count",
)  # fmt: skip


def deals(
    scope: Scope, query: DealQuery, at: dt.datetime | None = None, of_all: Groups | None = None
) -> DealPage:
    """The page of deals asked for, and the totals of all that match. `at` is an instant; None means now.

    As of an instant, stage entry and pushes are counted from the history up to it. Queries: rows, totals, and what is
    read once per request (company, rates, months, stages, typical days). A page that has read the groups of the same
    query for all categories gives them as `of_all`; then the totals are not read again.
    """
    judge = Judge.of(scope, at)
    found = matching(scope, query, at, judge.typical, judge.today)
    groups = (
        of_all.of(query.categories) if of_all is not None else _groups(scope, found, query, at, judge.value)
    )
    sums, converted, weighted = groups.totals()
    size = min(query.size, LARGEST_PAGE) if query.size else 0
    rows = rows_of(_chosen(found, query, at, size), at, judge)
    total = sum(part.count for part in sums)
    book = judge.value.book
    missing = tuple(part.currency for part in sums if not book.has_rate(part.currency))
    return DealPage(rows, total, sums, converted, book.corporate, query.page, size, at, missing, weighted)


def first_deals(scope: Scope, query: DealQuery) -> tuple[tuple[DealRow, ...], int]:
    """The first of the present deals that match, and how many match: for what shows no sums."""
    judge = Judge.of(scope, None)
    found = matching(scope, query, None, judge.typical, judge.today)
    rows = rows_of(_chosen(found, query, None, query.size), None, judge)
    return rows, found.count() if len(rows) == query.size else len(rows)


def _chosen(found: QuerySet[Any], query: DealQuery, at: dt.datetime | None, size: int) -> QuerySet[Any]:
    """The rows of the page asked for, or the first of each category."""
    order = ordering(query, at)
    if query.per_category:
        rank = Window(RowNumber(), partition_by=[F("category")], order_by=order)
        return found.annotate(rank=rank).filter(rank__lte=query.per_category).order_by(*order)
    first = (max(query.page, 1) - 1) * size
    ordered = found.order_by(*order)
    return ordered[first : first + size] if size else ordered


def deal_rows(scope: Scope, deal_ids: Iterable[int], at: dt.datetime | None = None) -> dict[int, DealRow]:
    """These deals as far as the viewer may see them, by id."""
    ids = list(deal_ids)
    found = visible_rows(scope, at).filter(**{"pk__in" if at is None else "opportunity_id__in": ids})
    return {row.id: row for row in rows_of(found, at, Judge.of(scope, at))}


@dataclass(frozen=True)
class Valuation:
    """Turns amounts into corporate currency by the rate of their fiscal month of close."""

    book: RateBook
    months: RateMonths

    @staticmethod
    def at(at: dt.datetime | None) -> Valuation:
        """The rates as of an instant, as known now."""
        day = business_date(at)
        book = remembered(("opportunities.rates", day), lambda: rate_book(day))
        months = remembered("opportunities.months", lambda: RateMonths.of(periods("MONTH")))
        return Valuation(book, months)

    def of(self, amount: Decimal | None, currency: str, close_date: dt.date | None) -> Decimal | None:
        """The amount in corporate currency, unrounded; None without an amount or a rate."""
        if amount is None or not self.book.has_rate(currency):
            return None
        return self.book.convert(amount, currency, self.months.month_of(close_date))


@dataclass(frozen=True)
class Groups:
    """What the deals that match a query add up to, by category, currency and close date (or its month), because the
    rate depends on these: one reading for whatever a page sums."""

    groups: tuple[Group, ...]
    value: Valuation

    def of(self, categories: Collection[str]) -> Groups:
        """Those of some categories; of all for none."""
        found = tuple(group for group in self.groups if group[0] in categories) if categories else self.groups
        return Groups(found, self.value)

    def by_category(self) -> dict[Category, tuple[int, Decimal]]:
        """How many deals and their exact corporate sum, by category from won to omitted."""
        counts: dict[Category, int] = defaultdict(int)
        sums: dict[Category, list[Decimal]] = defaultdict(list)
        for category, currency, close_date, number, _, total, _ in self.groups:
            counts[Category(category)] += number
            sums[Category(category)].append(self.value.of(total, currency, close_date) or Decimal(0))
        return {
            category: (counts[category], exact_sum(sums[category]))
            for category in Category
            if category in sums
        }

    def totals(self) -> tuple[tuple[CurrencySum, ...], Decimal, Decimal]:
        """Sums per currency, and the corporate value of all, plain and weighted."""
        parts: dict[str, list[Any]] = defaultdict(lambda: [0, 0, [], []])
        converted: list[Decimal] = []
        weighted: list[Decimal] = []
        for _, currency, close_date, number, unpriced, total, expected in self.groups:
            part = parts[currency]
            part[0] += number
            part[1] += unpriced
            likely = None if expected is None else EXACT.divide(expected, Decimal(100))
            part[2].append(total or Decimal(0))
            part[3].append(likely or Decimal(0))
            converted.append(self.value.of(total, currency, close_date) or Decimal(0))
            weighted.append(self.value.of(likely, currency, close_date) or Decimal(0))
        sums = tuple(
            CurrencySum(code, part[0], part[1], exact_sum(part[2]), exact_sum(part[3]))
            for code, part in sorted(parts.items())
        )
        return sums, exact_sum(converted), exact_sum(weighted)


def deal_groups(scope: Scope, query: DealQuery, at: dt.datetime | None = None) -> Groups:
    """The sums of the deals that match: one query."""
    judge = Judge.of(scope, at)
    return _groups(scope, matching(scope, query, at, judge.typical, judge.today), query, at, judge.value)


def _groups(
    scope: Scope, found: QuerySet[Any], query: DealQuery, at: dt.datetime | None, value: Valuation
) -> Groups:
    """As kept, else counted."""
    kept = kept_groups(scope, query) if at is None else None
    if kept is not None:
        return Groups(kept, value)
    rows = found.order_by().values_list("category", "currency_id", "close_date").annotate(
        number=Count("pk"),
        unpriced=Count("pk", filter=Q(amount__isnull=True)),
        total=Sum("amount"),
        expected=Sum(F("amount") * F("probability")),
    )  # fmt: skip
    with counting(at if query.flag else None):
        return Groups(tuple(rows), value)


def rows_of(found: QuerySet[Any], at: dt.datetime | None, judge: Judge) -> tuple[DealRow, ...]:
    """Rows of a queryset of deals or versions, with value, days in stage and doubts."""
    rows = found if at is None else found.annotate(**counts_then(at))
    with counting(at):
        read = list(rows.values_list(*(_NOW if at is None else _PAST)))
    products = _named(Product, {row[_PRODUCT] for row in read})
    names = _Names(judge.book, products, _named(Territory, {row[_TERRITORY] for row in read}))
    return tuple(judge.judged(names.row(values)) for values in read)


_PRODUCT, _TERRITORY = 2 + _SHARED.index("product_id"), 2 + _SHARED.index("territory_id")


def _named(model: type[Product | Territory], ids: set[int | None]) -> dict[int | None, str]:
    """The names of records that few rows of a page differ in, and its lists share: each is read once for a request."""
    known: dict[int | None, str] = remembered(("opportunities.names", model), dict)
    if unknown := {pk for pk in ids if pk is not None and pk not in known}:
        known.update(model.objects.filter(pk__in=unknown).values_list("id", "name"))
    return known


@dataclass(frozen=True)
class _Names:
    """What the rows that were read refer to, by id."""

    book: RuleBook
    products: Mapping[int | None, str]
    territories: Mapping[int | None, str]

    def row(self, values: Sequence[Any]) -> DealRow:
        """The row with the names of its stage, subcategory, product and territory; "" where there is none."""
        (
            pk, version, name, account_id, account, owner_id, owner, process_id, stage_id, status, category,
            subcategory_id, amount, currency, probability, close_date, started_on, next_step, deal_type, lead_source,
            product_id, territory_id, *counted,
        ) = values  # fmt: skip
        stage, subcategory = self.book.stages.get(stage_id), self.book.subcategories.get(subcategory_id)
        return DealRow(
            pk, version, name, account_id, account or "", owner_id, owner or "", process_id, stage_id,
            stage.name if stage else "", Status(status), Category(category), subcategory_id,
            subcategory.name if subcategory else "", amount, currency, probability, close_date, started_on, next_step,
            deal_type, lead_source, self.products.get(product_id, ""), self.territories.get(territory_id, ""), *counted,
        )  # fmt: skip


@dataclass(frozen=True)
class Judge:
    """Adds to a row what follows from rules, rates and the viewer's rights; read once for many rows."""

    scope: Scope
    at: dt.datetime | None
    value: Valuation
    typical: Typical
    today: dt.date
    zone: dt.tzinfo
    book: RuleBook

    @staticmethod
    def of(scope: Scope, at: dt.datetime | None) -> Judge:
        """The judge of what this viewer sees at an instant (None: now)."""
        day = business_date(at)
        return Judge(scope, at, Valuation.at(at), typical_days(at), day, company().zone, rule_book())

    def judged(self, row: DealRow) -> DealRow:
        """The row with corporate value, days in stage, doubts, and whether the viewer may change it."""
        entered = row.stage_entered_at
        days = (self.today - entered.astimezone(self.zone).date()).days if entered and row.is_open else None
        stage = self.book.stages.get(row.stage_id or 0)
        state = DealState(
            status=row.status, category=row.category, amount=row.amount, close_date=row.close_date,
            stage_id=row.stage_id, next_step=row.next_step,
        )  # fmt: skip
        condition = Condition(self.today, days, row.push_count, stage.category if stage else None)
        return replace(
            row,
            converted=self.value.of(row.amount, row.currency, row.close_date),
            days_in_stage=days,
            typical_days=self.typical.days.get(row.stage_id or 0),
            doubts=doubts(state, condition, self.typical),
            may_edit=self.at is None and self.scope.may_edit_owner(row.owner_id),
        )


def category_totals(
    scope: Scope, query: DealQuery, at: dt.datetime | None = None
) -> dict[Category, tuple[int, Decimal]]:
    """How many deals match and their exact corporate sum, by category from won to omitted: one query."""
    return deal_groups(scope, query, at).by_category()
