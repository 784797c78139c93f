"""Deals: the current row, and the append-only versions that answer 'as of' and 'as known at'.

Only `opportunities.services` writes here. Database triggers (migration `triggers`) write the version of every
insert and update, refuse an update that does not raise `version`, and refuse to change or delete history.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value

from opportunities.domain.deal import Category, Status

if TYPE_CHECKING:
    from organization.domain.scope import Scope

FAR_FUTURE_AT = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
"""End of an interval that has none."""


def _point(expression: F | Func) -> Func:
    """An equality an exclusion constraint can hold without extensions: the range of one number."""
    return Func(expression, expression, Value("[]"), function="int8range")


class OpportunityQuerySet(models.QuerySet["Opportunity"]):
    """Chainable reads of current deals."""

    def visible_to(self, scope: Scope) -> OpportunityQuerySet:
        """The deals this viewer may see: own and below; all; or, for finance, the won ones."""
        live = self.filter(is_deleted=False)
        if scope.everything:
            return live
        mine = Q(owner_id__in=scope.person_ids)
        if scope.won_only_everywhere:
            mine |= Q(status=Status.WON)
        return live.filter(mine)


class DealColumns(models.Model):
    """The state that the current row and each version share (`domain.deal.TRACKED_FIELDS`).

    Every change of a deal writes a version, and each of its indexes with it: what is looked up among deals only, or by
    another index, has none of its own there (`db_index=False`).
    """

    name = models.CharField(max_length=255)
    account = models.ForeignKey(
        "opportunities.Account", null=True, blank=True, on_delete=models.PROTECT, related_name="%(class)s_set"
    )
    owner = models.ForeignKey(
        "organization.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="%(class)s_set",
        db_index=False,
    )  # fmt: skip
    process = models.ForeignKey(
        "opportunities.SalesProcess", null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        db_index=False,
    )  # fmt: skip
    stage = models.ForeignKey(
        "opportunities.Stage", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    status = models.CharField(
        max_length=4, choices=[(s.value, s.value.title()) for s in Status], default=Status.OPEN
    )
    category = models.CharField(
        max_length=8, choices=[(c.value, c.value.title()) for c in Category], default=Category.PIPELINE
    )
    subcategory = models.ForeignKey(
        "opportunities.Subcategory", null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        db_index=False,
    )  # fmt: skip
    amount = models.DecimalField(max_digits=19, decimal_places=4, null=True, blank=True)
    currency = models.ForeignKey(
        "organization.Currency", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    list_amount = models.DecimalField(max_digits=19, decimal_places=4, null=True, blank=True)
    probability = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    close_date = models.DateField(null=True, blank=True)
    started_on = models.DateField(null=True, blank=True)
    next_step = models.CharField(max_length=500, blank=True)
    deal_type = models.CharField(max_length=64, blank=True)
    lead_source = models.CharField(max_length=64, blank=True)
    territory = models.ForeignKey(
        "organization.Territory", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    product = models.ForeignKey(
        "opportunities.Product", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    is_deleted = models.BooleanField(default=False)

    class Meta:
        abstract = True


_FILTERED = ("currency", "process", "subcategory")
_CLOSING_FORCES_CATEGORY = (
    Q(status=Status.WON, category=Category.WON)
    | Q(status=Status.LOST, category=Category.LOST)
    | (Q(status=Status.OPEN) & ~Q(category__in=[Category.WON, Category.LOST]))
)


class Opportunity(DealColumns):
    """A deal as it stands now. `version` counts its changes and is the optimistic lock of every write."""

    source = models.CharField(max_length=64, default="local")
    external_id = models.CharField(max_length=128)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(help_text="Since when, in the business, the present state holds.")
    change_set = models.ForeignKey("opportunities.ChangeSet", on_delete=models.PROTECT, related_name="+")
    source_row = models.PositiveIntegerField(null=True, blank=True)
    content_hash = models.BigIntegerField(
        null=True, blank=True, help_text="Of the imported row last applied."
    )
    created_at = models.DateTimeField(help_text="When the deal was created, in the business.")
    stage_entered_at = models.DateTimeField(null=True, blank=True)
    push_count = models.PositiveSmallIntegerField(default=0)
    attributes = models.JSONField(default=dict, blank=True)

    objects = OpportunityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "opportunities"
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="opportunity_external_once"),
            models.CheckConstraint(
                condition=_CLOSING_FORCES_CATEGORY, name="opportunity_category_fits_status"
            ),
        ]
        indexes = [
            models.Index(
                fields=["owner", "close_date", "category"],
                include=["amount", "status"],
                name="opportunity_owner_close",
            ),
            models.Index(fields=["close_date"], name="opportunity_close"),
            models.Index(  # lists show open deals by close date, and their totals
                fields=["close_date", "id"],
                include=["category", "currency", "amount", "probability"],
                condition=models.Q(status="OPEN", is_deleted=False),
                name="opportunity_open",
            ),
            models.Index(  # and those of some people, most of whose deals are closed; `status` is for the wall
                fields=["owner", "close_date", "id"],
                include=["status", "category", "currency", "amount", "probability"],
                condition=models.Q(status="OPEN", is_deleted=False),
                name="opportunity_open_owner",
            ),
            *(models.Index(fields=[name], name=f"opportunity_{name}") for name in _FILTERED),
        ]

    def __str__(self) -> str:
        return self.name


class OpportunityVersion(DealColumns):
    """What was so during `[valid_from, valid_to)`, as we knew it during `[recorded_at, superseded_at)`."""

    class Origin(models.TextChoices):
        """How we know: somebody or some file said so, or it was concluded from dates in a file without history."""

        STATED = "STATED", "Stated"
        DERIVED = "DERIVED", "Derived from dates"

    opportunity = models.ForeignKey(
        Opportunity, on_delete=models.PROTECT, related_name="versions", db_index=False
    )
    seq = models.PositiveIntegerField()
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(default=FAR_FUTURE_AT)
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(default=FAR_FUTURE_AT)
    change_set = models.ForeignKey(
        "opportunities.ChangeSet", on_delete=models.PROTECT, related_name="versions"
    )
    source_row = models.PositiveIntegerField(null=True, blank=True)
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.STATED)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["opportunity", "seq"], name="version_seq_once"),
            models.UniqueConstraint(
                fields=["opportunity"],
                condition=Q(valid_to=FAR_FUTURE_AT, superseded_at=FAR_FUTURE_AT),
                name="version_one_current",
            ),
            models.CheckConstraint(condition=Q(valid_from__lte=F("valid_to")), name="version_interval"),
        ]
        indexes = [
            models.Index(
                fields=["owner", "close_date", "valid_from", "valid_to"],
                include=[
                    "category",
                    "subcategory",
                    "amount",
                    "probability",
                    "currency",
                    "opportunity",
                    "is_deleted",
                ],
                condition=Q(superseded_at=FAR_FUTURE_AT),
                name="version_asof",
            ),
            models.Index(fields=["owner"], name="version_owner"),  # of all versions: deleting a person asks
            models.Index(fields=["opportunity", "valid_from"], name="version_timeline"),
        ]

    def __str__(self) -> str:
        return f"{self.name} [{self.valid_from:%Y-%m-%d}, {self.valid_to:%Y-%m-%d})"


class OpportunityLine(models.Model):
    """A product on a deal."""

    opportunity = models.ForeignKey(
        Opportunity, on_delete=models.PROTECT, related_name="lines", db_index=False
    )
    position = models.PositiveSmallIntegerField()
    product = models.ForeignKey("opportunities.Product", on_delete=models.PROTECT, related_name="+")
    quantity = models.DecimalField(max_digits=14, decimal_places=4, default=1)
    unit_price = models.DecimalField(max_digits=19, decimal_places=4, null=True, blank=True)
    amount = models.DecimalField(max_digits=19, decimal_places=4)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["opportunity", "position"], name="line_position_once")]

    def __str__(self) -> str:
        return f"{self.opportunity_id} #{self.position}"


class OpportunitySplitQuerySet(models.QuerySet["OpportunitySplit"]):
    """Chainable reads of shares."""

    def at(self, at: dt.datetime | None) -> OpportunitySplitQuerySet:
        """The shares in force at an instant; None: now."""
        if at is None:
            return self.filter(valid_to=FAR_FUTURE_AT)
        return self.filter(valid_from__lte=at, valid_to__gt=at)


class OpportunitySplit(models.Model):
    """A person's share of a deal during `[valid_from, valid_to)`: REVENUE shares sum to 100 %, OVERLAY shares stand
    beside them.

    Append-only: a trigger (migration `dated_splits`) refuses every change but ending a share once, by the act
    `ended_by`. The present has no table of its own; it is what has not ended.
    """

    class Kind(models.TextChoices):
        """Whether the share divides the deal or stands beside it."""

        REVENUE = "REVENUE", "Revenue"
        OVERLAY = "OVERLAY", "Overlay"

    opportunity = models.ForeignKey(Opportunity, on_delete=models.PROTECT, related_name="splits")
    person = models.ForeignKey("organization.Person", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.REVENUE)
    share = models.DecimalField(max_digits=7, decimal_places=4, help_text="Percent.")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(default=FAR_FUTURE_AT)
    recorded_at = models.DateTimeField()
    change_set = models.ForeignKey("opportunities.ChangeSet", on_delete=models.PROTECT, related_name="+")
    ended_by = models.ForeignKey(
        "opportunities.ChangeSet", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = OpportunitySplitQuerySet.as_manager()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="split_person_once_at_a_time",
                expressions=[
                    (_point(F("opportunity_id")), RangeOperators.OVERLAPS),
                    (_point(F("person_id")), RangeOperators.OVERLAPS),
                    (_point(Func(F("kind"), function="ascii")), RangeOperators.OVERLAPS),
                    (Func(F("valid_from"), F("valid_to"), function="tstzrange"), RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(condition=Q(share__gt=0) & Q(share__lte=100), name="split_share_percent"),
            models.CheckConstraint(condition=Q(valid_from__lte=F("valid_to")), name="split_interval"),
        ]

    def __str__(self) -> str:
        return f"{self.opportunity_id}: {self.person_id} {self.share} %"
