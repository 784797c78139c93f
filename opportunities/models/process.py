"""How this company sells: processes, their stages, and the finer divisions of a forecast category."""

from django.db import models
from django.db.models import Q

from opportunities.domain.deal import Category, Status


class SalesProcess(models.Model):
    """An ordered way from first contact to decision (new business, expansion, renewal …)."""

    source = models.CharField(max_length=64, default="local")
    external_id = models.CharField(max_length=128, blank=True)
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "sales processes"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], condition=~Q(external_id=""), name="process_external_once"
            ),
            models.UniqueConstraint(fields=["source", "name"], name="process_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """A step of a process. It suggests a category and a probability; reaching one with an outcome closes the deal."""

    process = models.ForeignKey(SalesProcess, on_delete=models.PROTECT, related_name="stages")
    name = models.CharField(max_length=100)
    external_id = models.CharField(max_length=128, blank=True)
    position = models.PositiveSmallIntegerField()
    status = models.CharField(
        max_length=4, choices=[(s.value, s.value.title()) for s in Status], default=Status.OPEN
    )
    category = models.CharField(
        max_length=8, choices=[(c.value, c.value.title()) for c in Category], default=Category.PIPELINE
    )
    probability = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    guidance = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["process_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["process", "name"], name="stage_name_once"),
            models.CheckConstraint(
                condition=Q(probability__gte=0) & Q(probability__lte=100), name="stage_probability_percent"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Subcategory(models.Model):
    """A finer division of a category ('At risk' under Commit); the parent's total includes it."""

    category = models.CharField(max_length=8, choices=[(c.value, c.value.title()) for c in Category])
    code = models.SlugField(max_length=32)
    name = models.CharField(max_length=64)
    description = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "subcategories"
        ordering = ["category", "position"]
        constraints = [models.UniqueConstraint(fields=["category", "code"], name="subcategory_code_once")]

    def __str__(self) -> str:
        return self.name
