"""Accounts, always through the deals the viewer sees: an account without a visible deal does not exist for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from opportunities.domain.deal import NotVisible
from opportunities.models import Account, Opportunity
from organization.domain.scope import Scope


@dataclass(frozen=True)
class AccountFacts:
    """A customer as its page shows it."""

    id: int
    name: str
    industry: str
    country: str
    region: str
    city: str
    employees: int | None
    owner_name: str
    parent_name: str


def _seen(scope: Scope) -> QuerySet[Account]:
    return Account.objects.filter(pk__in=Opportunity.objects.visible_to(scope).values("account_id"))


def account(scope: Scope, account_id: int) -> AccountFacts:
    """The account. Raises `NotVisible` when the viewer sees none of its deals."""
    fields = (
        "id",
        "name",
        "industry",
        "country",
        "region",
        "city",
        "employees",
        "owner__name",
        "parent__name",
    )
    row: Any = _seen(scope).filter(pk=account_id).values_list(*fields).first()
    if row is None:
        raise NotVisible(account_id)
    pk, name, industry, country, region, city, employees, owner, parent = row
    return AccountFacts(pk, name, industry, country, region, city, employees, owner or "", parent or "")


def accounts_like(scope: Scope, text: str, limit: int = 10) -> list[tuple[int, str, str]]:
    """`(id, name, country)` of visible accounts whose name contains every word."""
    found = _seen(scope)
    for word in text.split():
        found = found.filter(name__icontains=word)
    return list(found.order_by("name", "id").values_list("id", "name", "country")[:limit])


def deals_like(scope: Scope, text: str, limit: int = 10) -> list[tuple[int, str, str, str]]:
    """`(id, name, account, category)` of visible deals whose name or account contains every word, open ones first."""
    found = Opportunity.objects.visible_to(scope)
    for word in text.split():
        found = found.filter(Q(name__icontains=word) | Q(account__name__icontains=word))
    fields = ("id", "name", "account__name", "category")
    closed = Case(When(status="OPEN", then=Value(0)), default=Value(1), output_field=IntegerField())
    rows = found.order_by(closed, "-changed_at", "id").values_list(*fields)[:limit]
    return [(pk, name, account_name or "", category) for pk, name, account_name, category in rows]
