"""Quotas: what a person is to sell in a period. (Planning of territories and quotas grows here.)"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from organization.domain.scope import Scope

FAR_FUTURE_AT = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)


class QuotaQuerySet(models.QuerySet["Quota"]):
    """Chainable reads of quotas."""

    def visible_to(self, scope: Scope) -> QuotaQuerySet:
        """Own and below; or all, for those who read everything, and for finance."""
        if scope.everything or scope.won_only_everywhere:
            return self
        return self.filter(person_id__in=scope.person_ids)

    def known_at(self, at: dt.datetime) -> QuotaQuerySet:
        """The quotas in force at an instant."""
        return self.known_between(at, at)

    def known_between(self, first: dt.datetime, last: dt.datetime) -> QuotaQuerySet:
        """The quotas in force at some instant from `first` to `last`, both included."""
        return self.filter(recorded_at__lte=last, superseded_at__gt=first)


class Quota(models.Model):
    """A person's quota for one fiscal period: own number of a rep, team number of a manager.

    Never overwritten: a change supersedes the row and appends another, so a past page shows the past quota.
    """

    person = models.ForeignKey("organization.Person", on_delete=models.PROTECT, related_name="quotas")
    period = models.ForeignKey("organization.FiscalPeriod", on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    currency = models.ForeignKey("organization.Currency", on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(default=FAR_FUTURE_AT)
    actor_id = models.BigIntegerField(null=True, blank=True)
    source = models.CharField(max_length=64, default="typed")

    objects = QuotaQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "period"],
                condition=Q(superseded_at=FAR_FUTURE_AT),
                name="quota_one_current",
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="quota_not_negative"),
        ]
        indexes = [models.Index(fields=["period", "person"], name="quota_period_person")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.period_id}: {self.amount}"
