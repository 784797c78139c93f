"""The tree of territories as a dimension deals roll up by; planning (rules, assignment) lives in `territories`."""

from django.db import models
from django.db.models import Q


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
