"""What is sold, and the tree of families it rolls up by."""

from django.db import models
from django.db.models import Q


class ProductFamily(models.Model):
    """A node of the product tree."""

    name = models.CharField(max_length=200)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    source = models.CharField(max_length=64, default="local")

    class Meta:
        verbose_name_plural = "product families"
        constraints = [models.UniqueConstraint(fields=["source", "name"], name="family_name_once")]

    def __str__(self) -> str:
        return self.name


class ProductFamilyClosure(models.Model):
    """Every (ancestor, descendant) pair of the product tree, self included with depth 0."""

    ancestor = models.ForeignKey(ProductFamily, on_delete=models.CASCADE, related_name="+")
    descendant = models.ForeignKey(ProductFamily, on_delete=models.CASCADE, related_name="+")
    depth = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ancestor", "descendant"], name="family_closure_once")]
        indexes = [models.Index(fields=["descendant", "ancestor", "depth"], name="family_closure_up")]

    def __str__(self) -> str:
        return f"{self.ancestor_id} > {self.descendant_id} ({self.depth})"


class Product(models.Model):
    """A product with its list price."""

    source = models.CharField(max_length=64, default="local")
    external_id = models.CharField(max_length=128, blank=True)
    name = models.CharField(max_length=255)
    family = models.ForeignKey(
        ProductFamily, null=True, blank=True, on_delete=models.PROTECT, related_name="products"
    )
    list_price = models.DecimalField(max_digits=19, decimal_places=4, null=True, blank=True)
    currency = models.ForeignKey(
        "organization.Currency", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], condition=~Q(external_id=""), name="product_external_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name
