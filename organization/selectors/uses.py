"""What hangs on a row of the set-up: read from the foreign keys themselves, so that no use is ever forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db.models import CASCADE, Count, ForeignObjectRel, Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from organization.models import Currency, FiscalCalendar, FiscalPeriod, Territory
from salesops.wall import context as wall

WORDS: Final[dict[str, str | Promise]] = {
    "opportunities.opportunity": _("Deals"),
    "opportunities.opportunityversion": _("Former states of deals"),
    "opportunities.account": _("Accounts"),
    "opportunities.product": _("Products"),
    "opportunities.stage": _("Stages"),
    "organization.person": _("People at home there"),
    "organization.territorymembership": _("Stays of people"),
    "organization.territory": _("Territories within"),
    "organization.exchangerate": _("Exchange rates"),
    "organization.company": _("The company"),
    "territories.quota": _("Quotas, former ones included"),
}
"""What rows of a table are called where they hang on something."""
PARTS: Final = frozenset({"organization.fiscalperiod", "organization.fiscalday"})
"""A calendar's own periods and days go with it and are no use of it."""


@dataclass(frozen=True)
class Use:
    """So many rows of one kind hang on it."""

    label: str | Promise
    count: int

    def __str__(self) -> str:
        return f"{self.label}: {self.count}"


def uses_of(row: Model) -> tuple[Use, ...]:
    """Everything that hangs on a row, by kind; empty when it may be deleted."""
    found = _counts(type(row), [row.pk])
    if isinstance(row, FiscalCalendar):
        found += _counts(FiscalPeriod, list(row.periods.values_list("pk", flat=True)))
    return tuple(Use(WORDS.get(name, name), count) for name, count in found if count)


@wall.system("counts without names, asked by who sets the thing up")
def _counts(model: type[Model], ids: list[Any]) -> list[tuple[str, int]]:
    return [
        (name, relation.related_model._default_manager.filter(**{f"{relation.field.name}__in": ids}).count())
        for name, relation in _relations(model)
    ]


def _relations(model: type[Model]) -> list[tuple[str, ForeignObjectRel]]:
    """The foreign keys to a table that keep a row alive, those without a way back included."""
    return [
        (relation.related_model._meta.label_lower, relation)
        for relation in model._meta.get_fields(include_hidden=True)
        if isinstance(relation, ForeignObjectRel)
        and relation.on_delete is not CASCADE
        and relation.related_model._meta.label_lower not in PARTS
    ]


@wall.system("counts without names, asked by who sets the thing up")
def uses_by_row(model: type[Model], kinds: dict[str, str]) -> dict[Any, dict[str, int]]:
    """How many rows of each kind (`name: "app.model"`) hang on each row of a table: one query a kind."""
    found: dict[Any, dict[str, int]] = {}
    relations = dict(_relations(model))
    for name, label in kinds.items():
        if label not in relations:
            continue
        field = relations[label].field.name
        rows = relations[label].related_model._default_manager.filter(**{f"{field}__isnull": False})
        for pk, count in rows.order_by().values_list(field).annotate(n=Count("pk")):
            found.setdefault(pk, {})[name] = count
    return found


def territory_uses() -> dict[int, dict[str, int]]:
    """Deals and accounts of each territory itself, without those below it."""
    return uses_by_row(Territory, {"deals": "opportunities.opportunity", "accounts": "opportunities.account"})


def currency_uses() -> list[tuple[str, str, dict[str, int]]]:
    """Code, name, and how many deals, quotas and rates each currency has, by code."""
    kinds = {
        "deals": "opportunities.opportunity", "quotas": "territories.quota", "rates": "organization.exchangerate",
        "products": "opportunities.product", "company": "organization.company",
    }  # fmt: skip
    uses = uses_by_row(Currency, kinds)
    rows = Currency.objects.order_by("code").values_list("code", "name")
    return [(code, name, uses.get(code, {})) for code, name in rows]


def calendar_quotas() -> dict[int, int]:
    """How many quotas, former ones included, each calendar's periods carry."""
    by_period = uses_by_row(FiscalPeriod, {"quotas": "territories.quota"})
    calendars = FiscalPeriod.objects.filter(pk__in=by_period).values_list("pk", "calendar_id")
    found: dict[int, int] = {}
    for period_id, calendar_id in calendars:
        found[calendar_id] = found.get(calendar_id, 0) + by_period[period_id]["quotas"]
    return found


def territory_use(territory_id: int) -> tuple[Use, ...]:
    """What hangs on one territory."""
    row = Territory.objects.filter(pk=territory_id).first()
    return uses_of(row) if row else ()
