"""The company: its currency and time zone, dated exchange rates, and its fiscal calendars as rows."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Currency(models.Model):
    """An ISO 4217 currency and the number of decimals of its minor unit."""

    code = models.CharField(max_length=3, primary_key=True)
    name = models.CharField(max_length=64)
    minor_unit = models.PositiveSmallIntegerField(default=2)

    class Meta:
        verbose_name_plural = "currencies"

    def __str__(self) -> str:
        return self.code


class ExchangeRate(models.Model):
    """Corporate currency per one unit of `currency`, from `from_date` until the next row's date.

    Append-only in use: a correction is a new row with a later `recorded_at`; the latest recorded wins.
    """

    currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="rates")
    from_date = models.DateField()
    rate = models.DecimalField(max_digits=20, decimal_places=10)
    recorded_at = models.DateTimeField(auto_now_add=True)
    source = models.CharField(max_length=64, default="local")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(rate__gt=0), name="exchange_rate_positive")]
        indexes = [models.Index(fields=["currency", "from_date", "recorded_at"], name="exchange_rate_lookup")]

    def __str__(self) -> str:
        return f"{self.currency_id} {self.from_date}: {self.rate}"


class FiscalCalendar(models.Model):
    """How the company cuts time. A change is a new calendar; the old one stays, so old periods keep their meaning."""

    class Kind(models.TextChoices):
        """The families of calendars."""

        MONTHS = "MONTHS", _("Calendar months")
        W445 = "W445", "4-4-5"
        W454 = "W454", "4-5-4"
        W544 = "W544", "5-4-4"
        CUSTOM = "CUSTOM", _("Custom")

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=8, choices=Kind)
    start_month = models.PositiveSmallIntegerField(default=1)
    week_start = models.PositiveSmallIntegerField(default=0, help_text=_("0 = Monday"))
    named_by_end = models.BooleanField(default=True, help_text=_("FY27 is the year that ends in 2027."))
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class FiscalPeriod(models.Model):
    """A year, quarter, month or week of a calendar: `[from_date, to_date)`, named like `FY27-Q1`."""

    class Kind(models.TextChoices):
        """Grains of time; each is a parent of the next but WEEK, which belongs to its year."""

        YEAR = "YEAR", _("Year")
        QUARTER = "QUARTER", _("Quarter")
        MONTH = "MONTH", _("Month")
        WEEK = "WEEK", _("Week")

    calendar = models.ForeignKey(FiscalCalendar, on_delete=models.PROTECT, related_name="periods")
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=32)
    from_date = models.DateField()
    to_date = models.DateField()
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )

    class Meta:
        ordering = ["from_date"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "kind", "from_date"], name="fiscal_period_once"),
            models.UniqueConstraint(fields=["calendar", "name"], name="fiscal_period_name_once"),
            models.CheckConstraint(condition=Q(from_date__lt=F("to_date")), name="fiscal_period_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name


class Company(models.Model):
    """The one row of company-wide settings."""

    name = models.CharField(max_length=200, default="Our company")
    corporate_currency = models.ForeignKey(Currency, on_delete=models.PROTECT, related_name="+")
    time_zone = models.CharField(max_length=64, default="UTC")
    calendar = models.ForeignKey(FiscalCalendar, on_delete=models.PROTECT, related_name="+")
    is_demo = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "companies"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="company_is_one")]

    def __str__(self) -> str:
        return self.name


class FiscalDay(models.Model):
    """One day of a calendar with the periods it lies in: the join from a date to its month, quarter, year or week."""

    calendar = models.ForeignKey(FiscalCalendar, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    week = models.ForeignKey(FiscalPeriod, on_delete=models.PROTECT, related_name="+")
    month = models.ForeignKey(FiscalPeriod, on_delete=models.PROTECT, related_name="+")
    quarter = models.ForeignKey(FiscalPeriod, on_delete=models.PROTECT, related_name="+")
    year = models.ForeignKey(FiscalPeriod, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["calendar", "day"], name="fiscal_day_once")]

    def __str__(self) -> str:
        return f"{self.calendar_id} {self.day}"
