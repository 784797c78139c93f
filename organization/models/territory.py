"""The tree of territories as a dimension deals roll up by; planning (rules, assignment) lives in `territories`."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Func, Q, Value

from organization.models.people import FAR_FUTURE


class Territory(models.Model):
    """A node of the territory tree: a region, a country, a patch. Its top-level node is a deal's *region*."""

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=32, default="TERRITORY")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    source = models.CharField(max_length=64, default="local")
    external_id = models.CharField(max_length=128, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "territories"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], condition=~Q(external_id=""), name="territory_external_once"
            ),
            models.CheckConstraint(
                condition=~Q(parent=models.F("id")) | Q(parent__isnull=True), name="territory_not_own_parent"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TerritoryClosure(models.Model):
    """Every (ancestor, descendant) pair of the tree, self included with depth 0."""

    ancestor = models.ForeignKey(Territory, on_delete=models.CASCADE, related_name="+")
    descendant = models.ForeignKey(Territory, on_delete=models.CASCADE, related_name="+")
    depth = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ancestor", "descendant"], name="territory_closure_once")
        ]
        indexes = [models.Index(fields=["descendant", "ancestor", "depth"], name="territory_closure_up")]

    def __str__(self) -> str:
        return f"{self.ancestor_id} > {self.descendant_id} ({self.depth})"


class TerritoryMembership(models.Model):
    """`person` works in `territory` in `[from_date, to_date)`. A person may work in several at once, several people in
    one, so whatever is summed is never joined to it: a deal counts in its own territory and for its own owner.

    Checked when the transaction ends, because ending one stay and beginning the next are two statements.
    """

    person = models.ForeignKey("organization.Person", on_delete=models.PROTECT, related_name="memberships")
    territory = models.ForeignKey(Territory, on_delete=models.PROTECT, related_name="memberships")
    from_date = models.DateField()
    to_date = models.DateField(default=FAR_FUTURE)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(from_date__lt=F("to_date")), name="membership_not_empty"),
            ExclusionConstraint(
                name="membership_once_at_a_time",
                expressions=[
                    (
                        Func(F("person_id"), F("person_id"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func(F("territory_id"), F("territory_id"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (Func(F("from_date"), F("to_date"), function="daterange"), RangeOperators.OVERLAPS),
                ],
                deferrable=Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.territory} [{self.from_date}, {self.to_date})"
