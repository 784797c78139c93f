"""Imports: the batch with its mapping and plan, its files, staged rows, problems, effects, and mappings
worth remembering."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from salesops.kernel.said import Said


class SaidField(models.TextField):  # type: ignore[type-arg]
    """A sentence kept with its parts, so that all who read it do so in their own language."""

    def from_db_value(self, value: str, *_: object) -> Said:
        """As it was said."""
        return Said.again(value)

    def get_prep_value(self, value: Any) -> Any:
        """As text to keep."""
        return value.kept() if isinstance(value, Said) else super().get_prep_value(value)


class ImportBatch(models.Model):
    """One run of one export: who brought it, what it was understood to mean, what it did."""

    class State(models.TextChoices):
        """Where the batch is on its way from upload to done."""

        UPLOADED = "UPLOADED", _("Uploaded")
        ASKING = "ASKING", _("Has open questions")
        READY = "READY", _("Ready to import")
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Done")
        CANCELLED = "CANCELLED", _("Cancelled")
        FAILED = "FAILED", _("Failed")
        UNDONE = "UNDONE", _("Undone")

    state = models.CharField(max_length=9, choices=State, default=State.UPLOADED)
    source = models.CharField(max_length=64, blank=True)
    preset = models.CharField(max_length=64, blank=True)
    folder = models.CharField(max_length=500, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    answers = models.JSONField(default=dict, blank=True)
    repairs = models.JSONField(default=list, blank=True)
    plan = models.JSONField(default=dict, blank=True)
    questions = models.JSONField(default=list, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True, blank=True)
    actor_name = models.CharField(max_length=200, blank=True)
    as_of = models.DateTimeField(
        null=True, blank=True, help_text=_("The instant the export is taken to describe.")
    )
    staged_rows = models.BigIntegerField(default=0)
    job_id = models.BigIntegerField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    error = SaidField(blank=True)

    class Meta:
        verbose_name_plural = "import batches"
        indexes = [models.Index(fields=["-created_at"], name="import_newest")]

    def __str__(self) -> str:
        return f"Import {self.pk} ({self.source or 'unmapped'}, {self.state})"


class ImportFile(models.Model):
    """A file of a batch, kept so that every version can show the row it came from."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="files")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=255)
    path = models.CharField(max_length=500)
    digest = models.CharField(max_length=64, blank=True)
    size = models.BigIntegerField(default=0)
    rows = models.BigIntegerField(null=True, blank=True)
    shape = models.JSONField(default=dict, blank=True)
    header = models.JSONField(default=list, blank=True)
    sample = models.JSONField(default=list, blank=True)
    change_set_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "position"], name="import_file_position_once")
        ]

    def __str__(self) -> str:
        return self.name


class ImportRow(models.Model):
    """A staged row: typed, references resolved to keys, with the hash of what it states. UNLOGGED: it can
    be staged again."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    role = models.CharField(
        max_length=1, help_text=_("D = deal, H = stage history, Q = quota, X = exchange rate")
    )
    file = models.PositiveSmallIntegerField()
    line = models.PositiveIntegerField()
    key = models.CharField(max_length=300)
    hash = models.BigIntegerField()
    payload = models.JSONField()
    verdict = models.CharField(max_length=1, default="?")

    class Meta:
        indexes = [models.Index(fields=["batch", "role", "key"], name="import_row_key")]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.file}:{self.line} {self.key}"


class ImportProblem(models.Model):
    """Something wrong with a row: where, what, and the cure. Kept for the download of rejects."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="problems")
    file = models.CharField(max_length=255)
    row = models.PositiveIntegerField(null=True, blank=True)
    column = models.CharField(max_length=255, blank=True)
    value = models.CharField(max_length=200, blank=True)
    message = SaidField()
    cure = SaidField()
    code = models.CharField(max_length=32)
    severity = models.CharField(max_length=8)

    class Meta:
        indexes = [models.Index(fields=["batch", "code"], name="import_problem_code")]

    def __str__(self) -> str:
        return f"{self.file}:{self.row} {self.message}"


class ImportEffect(models.Model):
    """A record or deal that an import created or changed, with what it was before, the way back, and what the
    import left, so that undoing can tell whether somebody has changed it since."""

    class Action(models.TextChoices):
        """What was done; NOTED: a deal's row was read anew and told nothing new."""

        CREATED = "CREATED", _("Created")
        UPDATED = "UPDATED", _("Changed")
        NOTED = "NOTED", _("Noted")

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="effects")
    kind = models.CharField(max_length=32)
    object_id = models.BigIntegerField()
    action = models.CharField(max_length=8, choices=Action)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(
        default=dict, blank=True, help_text=_("The columns as the import left them; of deals, history tells.")
    )

    class Meta:
        indexes = [models.Index(fields=["batch", "kind"], name="import_effect_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id} {self.action}"


class RememberedMapping(models.Model):
    """A mapping confirmed once, offered again for files of the same header."""

    signature = models.CharField(max_length=64)
    source = models.CharField(max_length=64)
    file_mapping = models.JSONField(default=dict)
    run_mapping = models.JSONField(default=dict)
    answers = models.JSONField(default=dict, blank=True)
    repairs = models.JSONField(default=list, blank=True)
    used_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["signature"], condition=~Q(signature=""), name="remembered_signature_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.signature}"
