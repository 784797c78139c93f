"""The tables of background work: the job, the steps it has completed, the schedules."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    """Where a job is in its life. FAILED waits for its next attempt; DEAD has used them all."""

    QUEUED = "QUEUED", _("Waiting")
    RUNNING = "RUNNING", _("Running")
    DONE = "DONE", _("Done")
    FAILED = "FAILED", _("Failed, will be tried again")
    CANCELLED = "CANCELLED", _("Cancelled")
    DEAD = "DEAD", _("Given up")


OPEN_STATES: tuple[JobState, ...] = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED)
"""States from which work may still happen."""

FINAL_STATES: tuple[JobState, ...] = (JobState.DONE, JobState.CANCELLED, JobState.DEAD)
"""States a job never leaves by itself."""


REFUSED = {"refused": True}
"""The result of a job that ended CANCELLED because what it was given cannot be used: a matter for whoever asked, no
fault of the system."""


class Queue(models.TextChoices):
    """Which fleet of workers does the work."""

    INTERACTIVE = "interactive", _("Somebody waits for it")
    ROLLUPS = "rollups", _("Roll-ups")
    IMPORTS = "imports", _("Imports and exports")
    ANALYTICS = "analytics", _("Analysis")


class Job(models.Model):
    """One piece of background work. This row is the truth; a message on the broker merely says "look at it"."""

    kind = models.CharField(max_length=100)
    queue = models.CharField(max_length=20, choices=Queue, default=Queue.INTERACTIVE)
    payload = models.JSONField(default=dict, help_text=_("Identifiers only: no names, no amounts, no pay."))
    key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=5)
    cancel_requested = models.BooleanField(default=False)

    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(null=True, blank=True)
    progress_phase = models.CharField(max_length=200, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()
    not_before = models.DateTimeField()
    nudged_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["not_before"], condition=Q(state__in=["QUEUED", "FAILED"]), name="job_waiting"
            ),
            models.Index(fields=["lease_until"], condition=Q(state="RUNNING"), name="job_leased"),
            models.Index(fields=["created_by", "-created_at"], name="job_of_person"),
            models.Index(fields=["-created_at"], name="job_newest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="RUNNING", lease_until__isnull=False)
                | (~Q(state="RUNNING") & Q(lease_until__isnull=True)),
                name="job_running_has_lease",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["DONE", "CANCELLED", "DEAD"], finished_at__isnull=False)
                | (~Q(state__in=["DONE", "CANCELLED", "DEAD"]) & Q(finished_at__isnull=True)),
                name="job_final_has_finished",
            ),
            models.CheckConstraint(condition=Q(attempts__lte=F("max_attempts")), name="job_attempts_bounded"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk} {self.state}"


class JobStep(models.Model):
    """A step of a job whose effects are committed. Written in the same transaction as the effects: never twice."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="steps")
    step = models.CharField(max_length=200)
    attempt = models.PositiveSmallIntegerField()
    done_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "step"], name="job_step_once")]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.step}"


class Schedule(models.Model):
    """When a periodic task last ran; what runs how often is declared in code (`@periodic`)."""

    name = models.CharField(max_length=100, primary_key=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text=_("In a row, until it succeeds again."))
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name
