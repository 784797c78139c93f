"""Who did what: free of foreign keys, names copied, so that the trail outlives what it speaks of."""

from django.db import models


class AuditEvent(models.Model):
    """One act of one actor on one object, with the values before and after. Insert-only, enforced by trigger."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor_id = models.BigIntegerField(null=True, blank=True)
    actor_name = models.CharField(max_length=200)
    verb = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64, blank=True)
    label = models.CharField(max_length=300, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["object_type", "object_id", "id"], name="audit_event_object"),
            models.Index(fields=["actor_id", "id"], name="audit_event_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.verb} {self.object_type} {self.label}"


class AuditSeal(models.Model):
    """A link of the hash chain over events `first_event_id`…`last_event_id`: a later change of any of them shows.

    Sealed shortly after the fact rather than in the writer's transaction, which would make all writers queue up.
    """

    first_event_id = models.BigIntegerField()
    last_event_id = models.BigIntegerField(unique=True)
    event_count = models.PositiveIntegerField()
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.first_event_id}-{self.last_event_id}: {self.hash[:12]}"
