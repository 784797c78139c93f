"""From a `DealQuery` to a queryset: of the current rows, or of the versions valid at an instant as known now."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Case, DecimalField, F, Q, QuerySet, Value, When

from opportunities.domain.hygiene import Typical
from opportunities.domain.listing import DealQuery, Worth
from opportunities.models import ImportEffect, Opportunity, OpportunityVersion, ProductFamilyClosure
from opportunities.models.opportunity import FAR_FUTURE_AT
from opportunities.selectors.counts import counts_then
from opportunities.selectors.hygiene import flag_filter
from organization.domain.scope import Scope
from organization.selectors import subtree_ids, territory_subtree_ids
from salesops.wall import context as wall

_ORDERS = {
    "name": "name",
    "account": "account__name",
    "owner": "owner__name",
    "stage": "stage__position",
    "category": "category",
    "amount": "amount",
    "close_date": "close_date",
    "next_step": "next_step",
    "probability": "probability",
    "changed": "changed_at",
    "entered": "stage_entered_at",
    "pushes": "push_count",
}
_VALUE = DecimalField(max_digits=60, decimal_places=30)
_PAST_ORDERS = {**_ORDERS, "changed": "valid_from"}


def visible_rows(scope: Scope, at: dt.datetime | None) -> QuerySet[Any]:
    """The deals a viewer may see: now, or as they were at `at`. A past state is judged by its owner of that time, and
    bears the stage entry and pushes counted up to that instant."""
    if at is None:
        return Opportunity.objects.visible_to(scope)
    rows = OpportunityVersion.objects.alias(**counts_then(at)).filter(
        _walled(), superseded_at=FAR_FUTURE_AT, valid_from__lte=at, valid_to__gt=at, is_deleted=False
    )
    if scope.everything:
        return rows
    mine = Q(owner_id__in=scope.person_ids)
    return rows.filter(mine | Q(status="WON")) if scope.won_only_everywhere else rows.filter(mine)


def _walled() -> Q:
    """What the database's policy says of versions, said here: what counts stage entry and pushes runs as the system."""
    reach = wall.current()
    if reach.unwalled or reach.everything:
        return Q()
    won = Q(category="WON") if reach.won else Q(pk__in=[])
    return Q(owner_id__in=reach.people or ()) | Q(opportunity_id__in=reach.opened) | won


def matching(
    scope: Scope, query: DealQuery, at: dt.datetime | None, typical: Typical, today: dt.date
) -> QuerySet[Any]:
    """The visible deals that match, unordered."""
    rows = visible_rows(scope, at)
    for condition in (*_owners(query, at), *_values(query), *_trees(query), *_dates(query)):
        rows = rows.filter(condition)
    if query.deal_ids:
        rows = rows.filter(**{"pk__in" if at is None else "opportunity_id__in": query.deal_ids})
    if query.import_id is not None:
        effects = ImportEffect.objects.filter(
            batch_id=query.import_id, kind="OPPORTUNITY", action__in=["CREATED", "UPDATED"]
        )
        rows = rows.filter(**{"pk__in" if at is None else "opportunity_id__in": effects.values("object_id")})
    for word in query.text.split():
        rows = rows.filter(Q(name__icontains=word) | Q(account__name__icontains=word))
    if query.flag:
        rows = rows.filter(flag_filter(query.flag, today, typical))
    return rows


def ordering(query: DealQuery, at: dt.datetime | None) -> list[Any]:
    """The order asked for, blanks last, made total by id so that pages never overlap."""
    names = _ORDERS if at is None else _PAST_ORDERS
    key = query.order.lstrip("-")
    name = _value(query.worth) if key == "amount" and query.worth else F(names.get(key, "close_date"))
    first = name.desc(nulls_last=True) if query.order.startswith("-") else name.asc(nulls_last=True)
    return [first, "pk" if at is None else "opportunity_id"]


def _value(worth: tuple[Worth, ...]) -> Case:
    """The amount in another currency, for the database to sort by: nothing where no rate is known."""
    rates: dict[str, list[When]] = {}
    for part in worth:
        value = F("amount") * Value(part.factor, output_field=_VALUE)
        rates.setdefault(part.currency, []).append(When(close_date__lt=part.close_to, then=value))
    by_currency = [
        When(currency_id=code, then=Case(*dated, output_field=_VALUE)) for code, dated in rates.items()
    ]
    return Case(*by_currency, output_field=_VALUE)


def _any_of(column: str, ids: tuple[int, ...]) -> list[Q]:
    """One of the ids; 0 stands for none."""
    if not ids:
        return []
    found = Q(**{f"{column}__in": [i for i in ids if i]})
    return [found | Q(**{f"{column}__isnull": True}) if 0 in ids else found]


def _owners(query: DealQuery, at: dt.datetime | None) -> list[Q]:
    found = _any_of("owner_id", query.owner_ids)
    if query.node_id == 0:
        found.append(Q(owner_id__isnull=True))
    elif query.node_id is not None:
        people = [query.node_id] if query.exact_node else subtree_ids(query.node_id, at, query.organization)
        found.append(Q(owner_id__in=people))
    return found


def _values(query: DealQuery) -> list[Q]:
    plain = {
        "category__in": query.categories,
        "status__in": query.statuses,
        "currency_id__in": query.currencies,
        "deal_type__in": query.deal_types,
        "lead_source__in": query.lead_sources,
    }
    found = [Q(**{name: values}) for name, values in plain.items() if values]
    found += _any_of("subcategory_id", query.subcategory_ids) + _any_of("stage_id", query.stage_ids)
    found += _any_of("process_id", query.process_ids) + _any_of("account_id", query.account_ids)
    return found + _any_of("product_id", query.product_ids)


def _trees(query: DealQuery) -> list[Q]:
    found = []
    if query.territory_id == 0:
        found.append(Q(territory_id__isnull=True))
    elif query.territory_id is not None:
        below = [query.territory_id] if query.exact_node else territory_subtree_ids(query.territory_id)
        found.append(Q(territory_id__in=below))
    if query.family_id == 0:
        found.append(Q(product_id__isnull=True) | Q(product__family_id__isnull=True))
    elif query.family_id is not None and query.exact_node:
        found.append(Q(product__family_id=query.family_id))
    elif query.family_id is not None:
        pairs = ProductFamilyClosure.objects.filter(ancestor_id=query.family_id)
        found.append(Q(product__family_id__in=pairs.values("descendant_id")))
    return found


def _dates(query: DealQuery) -> list[Q]:
    if query.no_close_date:
        return [Q(close_date__isnull=True)]
    found = []
    if query.close_from is not None:
        found.append(Q(close_date__gte=query.close_from))
    if query.close_to is not None:
        found.append(Q(close_date__lt=query.close_to))
    return found
