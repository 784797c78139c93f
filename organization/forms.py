"""What people type about the organisation, parsed strictly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from organization.domain.roles import Role
from organization.domain.tokens import LONGEST_DAYS, TokenScope
from organization.models import FiscalCalendar
from organization.selectors import currencies, periods
from salesops.kernel.dates import EARLIEST, BadDate, parse_moment
from salesops.kernel.periods import CustomMonth
from salesops.ui.formats import day

ROLE_LABELS = {
    Role.REP: _("Sales rep"),
    Role.MANAGER: _("Sales manager"),
    Role.OPS: _("Sales operations"),
    Role.ADMIN: _("Administrator"),
    Role.EXECUTIVE: _("Executive"),
    Role.FINANCE: _("Finance"),
    Role.AUDITOR: _("Auditor"),
}
MONTHS = [
    (1, _("January")), (2, _("February")), (3, _("March")), (4, _("April")), (5, _("May")), (6, _("June")),
    (7, _("July")), (8, _("August")), (9, _("September")), (10, _("October")), (11, _("November")),
    (12, _("December")),
]  # fmt: skip
TERRITORY_KINDS = [
    ("REGION", _("Region")), ("COUNTRY", _("Country")), ("AREA", _("Area")), ("DISTRICT", _("District")),
    ("TERRITORY", _("Territory")), ("SEGMENT", _("Segment")), ("NAMED_ACCOUNTS", _("Named accounts")),
]  # fmt: skip
"""What a territory can be; a kind an import brought along stays on offer for its own territory."""
WEEKDAYS = [
    (0, _("Monday")), (1, _("Tuesday")), (2, _("Wednesday")), (3, _("Thursday")), (4, _("Friday")),
    (5, _("Saturday")), (6, _("Sunday")),
]  # fmt: skip


class DateInput(forms.DateInput):
    """The browser's own date field."""

    input_type = "date"

    def __init__(self, **options: Any) -> None:
        super().__init__(format="%Y-%m-%d", **options)


_CONTINENTS = (
    "Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip


def zone_choices() -> list[tuple[str, str]]:
    """Places by continent, and UTC: neither abbreviations, fixed offsets nor old names such as US/Eastern."""
    places = sorted(
        zone for zone in available_timezones() if zone.split("/")[0] in _CONTINENTS and "/" in zone
    )
    return [("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in places)]


def _choices(rows: list[tuple[int, str]], empty: Any) -> list[tuple[Any, Any]]:
    return [("", empty), *rows]


class ReportingDateField(forms.DateField):
    """Since when somebody reports to somebody: a day of the company's calendar, by which figures are cut."""

    widget = DateInput

    def validate(self, value: dt.date | None) -> None:
        """Refuses slips such as the years 1800 and 2999."""
        super().validate(value)
        years = periods("YEAR")
        if value and years and not years[0].from_date <= value < years[-1].to_date:
            last = years[-1].to_date - dt.timedelta(days=1)
            raise forms.ValidationError(
                _("The company's calendar goes from %(first)s to %(last)s; choose a day within."),
                params={"first": day(years[0].from_date), "last": day(last)},
            )


class PersonForm(forms.Form):
    """A person's own facts; with `managers`, also whom they report to."""

    name = forms.CharField(label=_("Name"), max_length=200)
    title = forms.CharField(label=_("Job title"), max_length=200, required=False)
    email = forms.EmailField(label=_("E-mail address"), required=False)
    territory_id = forms.TypedChoiceField(
        label=_("Home territory"), required=False, coerce=int, empty_value=None
    )
    manager_id = forms.TypedChoiceField(label=_("Reports to"), required=False, coerce=int, empty_value=None)
    from_date = ReportingDateField(label=_("Since"), required=False)
    is_active = forms.BooleanField(
        label=_("Works here"), required=False, help_text=_("Leavers keep their past numbers where they were.")
    )

    def __init__(
        self,
        *args: Any,
        territories: list[tuple[int, str]],
        managers: list[tuple[int, str]] | None = None,
        **kw: Any,
    ) -> None:
        super().__init__(*args, **kw)
        self.fields["territory_id"].choices = _choices(territories, _("None"))  # type: ignore[attr-defined]
        if managers is None:
            del self.fields["manager_id"], self.fields["from_date"]
        else:
            self.fields["manager_id"].choices = _choices(managers, _("Nobody"))  # type: ignore[attr-defined]
            del self.fields["is_active"]


class MoveForm(forms.Form):
    """To whom somebody reports, from which day on."""

    manager_id = forms.TypedChoiceField(label=_("Reports to"), required=False, coerce=int, empty_value=None)
    from_date = ReportingDateField(label=_("From"))

    def __init__(self, *args: Any, managers: list[tuple[int, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["manager_id"].choices = _choices(managers, _("Nobody (top of the tree)"))  # type: ignore[attr-defined]


class LoginForm(forms.Form):
    """A new login."""

    email = forms.EmailField(label=_("E-mail address"))
    name = forms.CharField(label=_("Name"), max_length=200)
    person_id = forms.TypedChoiceField(
        label=_("Person"), required=False, coerce=int, empty_value=None,
        help_text=_("Whose deals and reports this login's are. Administrators and executives need none."),
    )  # fmt: skip
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=list(ROLE_LABELS.items()),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one role: without one a login sees nothing.")},
    )
    password = forms.CharField(
        label=_("First password"), required=False, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave empty to hand over a link with which they choose their own."),
    )  # fmt: skip

    def __init__(self, *args: Any, people: list[tuple[int, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["person_id"].choices = _choices(people, _("Nobody"))  # type: ignore[attr-defined]


class LoginCorrectionForm(forms.Form):
    """Name and address of a login."""

    name = forms.CharField(label=_("Name"), max_length=200)
    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_(
            "They sign in with it. A mail to the former and the new address tells them of the change."
        ),
    )


class LinkForm(forms.Form):
    """Which person a login is."""

    person_id = forms.TypedChoiceField(label=_("Person"), required=False, coerce=int, empty_value=None)

    def __init__(self, *args: Any, people: list[tuple[int, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["person_id"].choices = _choices(people, _("Nobody"))  # type: ignore[attr-defined]


class CompanyForm(forms.Form):
    """The company's settings."""

    name = forms.CharField(label=_("Name of the company"), max_length=200)
    corporate_currency = forms.CharField(
        label=_("Corporate currency"), max_length=3, min_length=3,
        help_text=_("ISO 4217 code, such as EUR. Totals are shown in it. It stays once exchange rates are recorded."),
    )  # fmt: skip
    time_zone = forms.ChoiceField(
        label=_("Business time zone"), choices=zone_choices,
        help_text=_("Where a business day begins and ends."),
    )  # fmt: skip
    calendar_id = forms.TypedChoiceField(label=_("Fiscal calendar"), coerce=int)

    def __init__(self, *args: Any, calendars: list[tuple[int, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["calendar_id"].choices = calendars  # type: ignore[attr-defined]
        own, known = self.initial.get("time_zone"), zone_choices()
        if own and own not in dict(known):
            self.fields["time_zone"].choices = [(own, own), *known]  # type: ignore[attr-defined]


class FirstCompanyForm(forms.Form):
    """Everything an empty installation needs, on one page."""

    name = forms.CharField(label=_("Name of the company"), max_length=200)
    corporate_currency = forms.CharField(
        label=_("Corporate currency"), max_length=3, min_length=3, initial="USD",
        help_text=_("ISO 4217 code, such as EUR. Totals are shown in it."),
    )  # fmt: skip
    time_zone = forms.ChoiceField(
        label=_("Business time zone"), choices=zone_choices,
        initial="UTC",
    )  # fmt: skip
    start_month = forms.TypedChoiceField(
        label=_("Fiscal year begins in"), coerce=int, choices=MONTHS, initial=1
    )


class CalendarForm(forms.Form):
    """A calendar to define; `show` previews, `define` writes."""

    name = forms.CharField(label=_("Name"), max_length=100)
    kind = forms.ChoiceField(label=_("Kind"), choices=FiscalCalendar.Kind.choices)
    start_month = forms.TypedChoiceField(label=_("Year begins in"), coerce=int, choices=MONTHS, initial=1)
    week_start = forms.TypedChoiceField(label=_("Weeks begin on"), coerce=int, choices=WEEKDAYS, initial=0)
    named_by_end = forms.BooleanField(
        label=_("Name years by the calendar year they end in"), required=False, initial=True,
        help_text=_("The year from February 2026 to January 2027 is then FY27, otherwise FY26."),
    )  # fmt: skip
    custom = forms.CharField(
        label=_("Months of a custom calendar"), required=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
        help_text=_("One month a line: year, quarter, month, first day, day after the last, such as "
                    "FY27, FY27-Q1, FY27-P1, 2026-02-02, 2026-03-02."),
    )  # fmt: skip

    def clean_custom(self) -> list[CustomMonth]:
        """The lines as months; the first bad line is named."""
        rows: list[CustomMonth] = []
        for number, line in enumerate(self.cleaned_data["custom"].splitlines(), start=1):
            if not line.strip():
                continue
            cells = [cell.strip() for cell in line.replace("\t", ",").replace(";", ",").split(",")]
            if len(cells) != 5 or not all(cells):
                raise forms.ValidationError(_("Line %(n)s needs five values."), params={"n": number})
            begin, end = (iso_date(cell) for cell in cells[3:])
            if begin is None or end is None:
                raise forms.ValidationError(
                    _("Line %(n)s: write both dates like 2026-02-28."), params={"n": number}
                )
            rows.append(CustomMonth(cells[0], cells[1], cells[2], begin, end))
        return rows


def iso_date(text: str) -> dt.date | None:
    """A date written 2026-02-28, else None."""
    try:
        moment = parse_moment(text)
    except BadDate:
        return None
    return moment.date() if isinstance(moment, dt.datetime) else moment


def day_asked(query: Mapping[str, str]) -> dt.date | None:
    """The day an address looks back to, as `as_of` or, copied from the forecast, as `at`; None for none or nonsense."""
    text = query.get("as_of") or query.get("at") or ""
    day = iso_date(text[:10]) if text else None
    if day is None or day.year == dt.MAXYEAR:
        return None
    return max(day, EARLIEST.date())


class RateForm(forms.Form):
    """One exchange rate."""

    currency = forms.CharField(label=_("Currency"), max_length=3, min_length=3, help_text=_("Such as EUR."))
    from_date = forms.DateField(label=_("Valid from"), widget=DateInput())
    rate = forms.DecimalField(
        label=_("Rate"), max_digits=20, decimal_places=10, min_value=Decimal("0.0000000001"),
        error_messages={"min_value": _("A rate is a number above zero.")},
        help_text=_("Corporate currency for one unit of this currency."),
    )  # fmt: skip

    def clean_currency(self) -> str:
        """In capitals."""
        return str(self.cleaned_data["currency"]).upper()


class UploadForm(forms.Form):
    """A file to read."""

    file = forms.FileField(label=_("File"))


class TerritoryForm(forms.Form):
    """A territory and its place."""

    name = forms.CharField(label=_("Name"), max_length=200)
    kind = forms.ChoiceField(label=_("Kind"), choices=TERRITORY_KINDS, initial="TERRITORY")
    parent_id = forms.TypedChoiceField(label=_("Within"), required=False, coerce=int, empty_value=None)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, parents: list[tuple[int, str]], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["parent_id"].choices = _choices(parents, _("Nothing (a region of its own)"))  # type: ignore[attr-defined]
        own = self.initial.get("kind")
        if own and own not in dict(TERRITORY_KINDS):
            self.fields["kind"].choices = [*TERRITORY_KINDS, (own, own.capitalize())]  # type: ignore[attr-defined]


class PreferencesForm(forms.Form):
    """How the pages look to one person."""

    name = forms.CharField(label=_("Name"), max_length=200)
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("As the browser")), ("en", "English"), ("de", "Deutsch")],
    )
    theme = forms.ChoiceField(
        label=_("Theme"), choices=[("auto", _("As the device")), ("light", _("Light")), ("dark", _("Dark"))]
    )
    density = forms.ChoiceField(
        label=_("Density"), choices=[("comfortable", _("Comfortable")), ("compact", _("Compact"))]
    )
    letter_keys = forms.BooleanField(
        label=_("Single-letter keys"), required=False,
        help_text=_("J, K, X, E and the like act on lists. Switch off if you dictate or use a screen reader."),
    )  # fmt: skip


class TokenForm(forms.Form):
    """A token for a program."""

    name = forms.CharField(
        label=_("Program"), max_length=80, help_text=_("What uses it, such as “nightly export”.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("Allowed to"), widget=forms.CheckboxSelectMultiple,
        choices=[
            (TokenScope.READ_DEALS.value, _("read deals")),
            (TokenScope.WRITE_DEALS.value, _("read and change deals")),
            (TokenScope.READ_FIGURES.value, _("read figures, forecast and quotas")),
        ],
        help_text=_("Never more than you may yourself at that moment."),
    )  # fmt: skip
    days = forms.IntegerField(
        label=_("Good for days"), min_value=1, max_value=LONGEST_DAYS, initial=LONGEST_DAYS
    )


def currency_choices() -> list[tuple[str, str]]:
    """Codes with names."""
    return [(code, f"{code} · {name}") for code, name, _unit in currencies()]
