"""People, their logins and roles, and who reports to whom, since when."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from organization.domain.roles import Role

FAR_FUTURE = dt.date(9999, 12, 31)
"""The end of an interval that has none; a date, not 'infinity', because Python cannot hold the latter."""


class UserManager(BaseUserManager["User"]):
    """Creates logins; the e-mail address is the name."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A login with this address; without a password it can only sign in by single sign-on."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password or None)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A login that may also use the repair screens."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A login. What it may do comes from its role grants, whose rows from its person."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)
    language = models.CharField(
        max_length=8, blank=True, default="", help_text=_("Empty: the language the browser asks for.")
    )
    theme = models.CharField(max_length=8, default="auto")
    density = models.CharField(max_length=12, default="comfortable")
    letter_keys = models.BooleanField(default=True, help_text=_("Single-letter shortcuts are on."))
    preferences = models.JSONField(default=dict, blank=True)
    session_epoch = models.PositiveIntegerField(
        default=0, help_text=_("Raised to end every session of this login at once.")
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """The name to greet somebody by."""
        return self.name or self.email

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """A session lives while password and epoch stay: raising the epoch signs out everywhere at once."""
        return salted_hmac(
            "organization.User.session",
            f"{self.password}:{self.session_epoch}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()


class RoleGrant(models.Model):
    """A role given to a login, by whom and when; taken away by setting `revoked_at`, never deleted.

    A grant of a powerful role waits (`is_pending`) and gives nothing until a second administrator confirms it.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="role_grants")
    role = models.CharField(max_length=16, choices=[(r.value, r.value.title()) for r in Role])
    granted_at = models.DateTimeField()
    granted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    is_pending = models.BooleanField(default=False)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role"], condition=Q(revoked_at__isnull=True), name="role_granted_once"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("granted_by")),
                name="role_confirmed_by_second_person",
            ),
            models.CheckConstraint(
                condition=Q(granted_by__isnull=True) | ~Q(granted_by=F("user")),
                name="role_not_granted_to_oneself",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"


class Person(models.Model):
    """Somebody who owns deals or manages people who do, with or without a login."""

    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    title = models.CharField(max_length=200, blank=True)
    user = models.OneToOneField(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="person")
    source = models.CharField(max_length=64, default="local", help_text=_("Where the record came from."))
    external_id = models.CharField(max_length=128, blank=True)
    territory = models.ForeignKey(
        "organization.Territory", null=True, blank=True, on_delete=models.SET_NULL, related_name="people"
    )
    is_active = models.BooleanField(default=True)
    started_on = models.DateField(null=True, blank=True)
    left_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], condition=~Q(external_id=""), name="person_external_once"
            ),
        ]
        indexes = [models.Index(fields=["name"], name="person_name")]

    def __str__(self) -> str:
        return self.name


class ReportingLine(models.Model):
    """`person` reports to `manager` in `[from_date, to_date)`; one manager at a time, enforced by the database."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="reporting_lines")
    manager = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="report_lines")
    from_date = models.DateField()
    to_date = models.DateField(default=FAR_FUTURE)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(from_date__lt=F("to_date")), name="reporting_line_not_empty"),
            models.CheckConstraint(condition=~Q(person=F("manager")), name="reporting_line_not_self"),
            ExclusionConstraint(
                name="reporting_line_one_manager",
                expressions=[
                    (
                        Func(F("person_id"), F("person_id"), Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (Func(F("from_date"), F("to_date"), function="daterange"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes = [models.Index(fields=["manager", "from_date"], name="reporting_line_manager")]

    def __str__(self) -> str:
        return f"{self.person} -> {self.manager} [{self.from_date}, {self.to_date})"


class PersonClosure(models.Model):
    """Every (ancestor, descendant) pair of *today's* tree, self included with depth 0; rebuilt with each change."""

    ancestor = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    descendant = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    depth = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ancestor", "descendant"], name="person_closure_once")]
        indexes = [models.Index(fields=["descendant", "ancestor", "depth"], name="person_closure_up")]

    def __str__(self) -> str:
        return f"{self.ancestor_id} > {self.descendant_id} ({self.depth})"
