"""One act that changed deals: who, when, why. Every version points to the act it came from."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChangeSet(models.Model):
    """An edit, a bulk edit, an import, an undo: the unit that can be undone and the answer to 'where from?'."""

    class Kind(models.TextChoices):
        """What sort of act it was."""

        EDIT = "EDIT", _("Edit")
        IMPORT = "IMPORT", _("Import")
        UNDO = "UNDO", _("Undo")
        SEED = "SEED", _("Demo data")
        SYSTEM = "SYSTEM", _("System")

    kind = models.CharField(max_length=8, choices=Kind)
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(
        null=True, blank=True, help_text=_("Login that acted; copied, not linked.")
    )
    actor_name = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    undoes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="undone_by"
    )
    import_batch_id = models.BigIntegerField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} by {self.actor_name or 'system'}"
