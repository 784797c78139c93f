"""The cells of a deal: shown, and edited in place where the viewer may. Built once here for lists, cards and pages."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from html import escape
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from opportunities.domain.deal import OPEN_CATEGORIES, Category
from opportunities.domain.listing import DealRow
from opportunities.domain.rules import RuleBook
from opportunities.forms.amounts import uses_comma
from opportunities.views.words import FIELD_LABELS, FLAG_LABELS, reason
from salesops.ui import formats
from salesops.ui.categories import CATEGORY_LABELS
from salesops.ui.templatetags.ui import none, pill

ORDER = (Category.COMMIT, Category.UPSIDE, Category.PIPELINE, Category.OMITTED, Category.WON, Category.LOST)
KEYS = {
    Category.COMMIT: "1",
    Category.UPSIDE: "2",
    Category.PIPELINE: "3",
    Category.OMITTED: "4",
    Category.WON: "5",
}
"""Number keys that set a category. Losing a deal takes a deliberate choice, not a key beside winning it."""
_TYPES = {
    "amount": "money",
    "list_amount": "money",
    "probability": "number",
    "close_date": "date",
    "started_on": "date",
}
_ANY_ID = 1234567890
_CURES = {"amount": "ask_amount", "category": "category", "stage_id": "stage", "next_step": "ask_next_step"}
"""The cell that settles a doubt about a field; for any other, the close date."""


@dataclass(frozen=True)
class Choices:
    """What the selects of all rows offer, as JSON made once."""

    book: RuleBook
    owners: Sequence[tuple[int, str]] = ()

    @cached_property
    def categories(self) -> str:
        """Every category."""
        return json.dumps([(c.value, str(CATEGORY_LABELS[c])) for c in ORDER])

    @cached_property
    def _stages(self) -> Mapping[int, str]:
        by_process: dict[int, list[tuple[int, str, str]]] = {}
        for stage in self.book.stages.values():
            if stage.is_active:
                option = (stage.id, stage.name, "" if stage.status == "OPEN" else stage.status)
                by_process.setdefault(stage.process_id, []).append(option)
        return {process: json.dumps(stages) for process, stages in by_process.items()}

    def stages(self, process_id: int | None) -> str:
        """Stages of a process: id, name, and WON or LOST where it closes the deal."""
        return self._stages.get(process_id or 0, "[]")

    @cached_property
    def _subcategories(self) -> Mapping[str, str]:
        found: dict[str, list[tuple[Any, str]]] = {}
        for sub in self.book.subcategories.values():
            if sub.is_active:
                found.setdefault(sub.category, [("", "–")]).append((sub.id, sub.name))
        return {category: json.dumps(subs) for category, subs in found.items()}

    def subcategories(self, category: str) -> str:
        """Subcategories of a category; "" when it has none."""
        return self._subcategories.get(category, "")

    def kind_of(self, field: str, options: str) -> SafeString:
        """How a field is typed, as attributes; written once for all rows that offer the same."""
        found = self._written.get((field, options))
        if found is None:
            kind = "select" if options else _TYPES.get(field, "text")
            found = format_html(' data-type="{}"', kind)
            if options:
                found += format_html(' data-options="{}"', options)
            self._written[field, options] = found
        return found

    def label_of(self, field: str) -> str:
        """What a screen reader calls a field of the deal `%(deal)s`."""
        found = self._labels.get(field)
        if found is None:
            named = str(FIELD_LABELS[field]).replace("%", "%%")
            found = self._labels[field] = _("%(field)s of %(deal)s") % {"field": named, "deal": "%(deal)s"}
        return found

    @cached_property
    def _written(self) -> dict[tuple[str, str], SafeString]:
        return {}

    @cached_property
    def _labels(self) -> dict[str, str]:
        return {}

    @cached_property
    def people(self) -> str:
        """Owners the viewer may hand a deal to."""
        return json.dumps(list(self.owners))


@lru_cache(maxsize=8)
def _around(route: str) -> tuple[str, str]:
    before, _number, behind = reverse(route, args=[_ANY_ID]).partition(str(_ANY_ID))
    return before, behind


def _address(route: str, deal_id: int) -> str:
    """The address of a deal's route. `reverse` is asked once, not twice for each of fifty rows."""
    before, behind = _around(route)
    return f"{before}{deal_id}{behind}"


def deal_url(deal_id: int, as_of: str = "") -> str:
    """The page of a deal; `as_of` is the past instant, as its address writes it, at which the list shows the deal."""
    return _address("opportunities:deal", deal_id) + (f"?{urlencode({'as_of': as_of})}" if as_of else "")


class Deal:
    """A row with its cells as HTML; templates write `{{ deal.amount }}`, `{{ deal.close_date }}` …"""

    def __init__(self, row: DealRow, choices: Choices, part: str = "", as_of: str = "") -> None:
        self.row = row
        self.id = row.id
        self.choices = choices
        self.url = deal_url(row.id, as_of)
        self._edit_url = _address("opportunities:edit", row.id) + (f"?part={part}" if part else "")

    @property
    def edit_url(self) -> str:
        """Where a change of a field is posted."""
        return self._edit_url

    @cached_property
    def reasons(self) -> list[str]:
        """Why it needs a look, most pressing first."""
        return [reason(doubt) for doubt in self.row.doubts]

    @property
    def doubt(self) -> str:
        """The most pressing doubt in two or three words."""
        return str(FLAG_LABELS[self.row.doubts[0].flag]) if self.row.doubts else ""

    @property
    def cure_label(self) -> str:
        """The name of the field that settles it."""
        return str(FIELD_LABELS.get(self.cure_field, ""))

    @property
    def cure_field(self) -> str:
        """The field whose change settles the first doubt."""
        return self.row.doubts[0].cure_field if self.row.doubts else ""

    @property
    def cure(self) -> SafeString:
        """That field, editable."""
        cell: SafeString = getattr(self, _CURES.get(self.cure_field, "close_date"))
        return cell

    def _edit(self, field: str, value: object, shown: object, options: str = "") -> SafeString:
        if not self.row.may_edit:
            return format_html("{}", shown)
        typed = "" if value is None else escape(str(value))
        label = escape(self.choices.label_of(field) % {"deal": self.row.name})
        text = shown if isinstance(shown, SafeString) else escape(str(shown))
        return mark_safe(  # noqa: S308 - escaped above; `format_html` takes five times as long, for 300 cells a page
            f'<inline-edit data-url="{self._edit_url}" data-field="{field}" data-version="{self.row.version}" '
            f'data-value="{typed}"{self.choices.kind_of(field, options)} data-label="{label}">{text}</inline-edit>'
        )

    @property
    def name(self) -> SafeString:
        """The deal's name."""
        return self._edit("name", self.row.name, self.row.name)

    @property
    def category(self) -> SafeString:
        """Category as a pill."""
        return self._edit(
            "category", self.row.category.value, pill(self.row.category), self.choices.categories
        )

    @cached_property
    def subcategory(self) -> SafeString:
        """Subcategory; nothing where the category has none."""
        options = self.choices.subcategories(self.row.category)
        if not options and not self.row.subcategory_id:
            return SafeString("")
        add = format_html('<span class="sub-none" title="{}">+</span>', _("Subcategory"))
        shown = pill(self.row.category, "", self.row.subcategory_name) if self.row.subcategory_id else add
        return self._edit("subcategory_id", self.row.subcategory_id, shown, options)

    @property
    def stage(self) -> SafeString:
        """Stage."""
        shown = self.row.stage_name or none()
        return self._edit("stage_id", self.row.stage_id, shown, self.choices.stages(self.row.process_id))

    @property
    def amount(self) -> SafeString:
        """Amount in the deal's currency, exact; the corporate value in its title."""
        return self._edit("amount", as_typed(self.row.amount), self.amount_shown)

    @property
    def amount_shown(self) -> SafeString:
        """The amount alone."""
        if self.row.amount is None:
            return none()
        text = formats.money(self.row.amount, self.row.currency)
        if text.endswith((".00", ",00")):
            text = text[:-3]
        return format_html('<span class="num">{}</span>', text)

    @property
    def probability(self) -> SafeString:
        """Probability of winning, percent."""
        shown = none() if self.row.probability is None else f"{as_typed(self.row.probability)} %"
        return self._edit("probability", as_typed(self.row.probability), shown)

    @property
    def close_date(self) -> SafeString:
        """Expected, or actual, close date; marked when it has passed."""
        late = any(doubt.flag == "PAST_CLOSE" for doubt in self.row.doubts)
        text = formats.day(self.row.close_date)
        shown = (
            format_html('<span class="against">{}</span>', text)
            if late
            else (text if self.row.close_date else none())
        )
        return self._edit("close_date", self.row.close_date.isoformat() if self.row.close_date else "", shown)

    @property
    def started_on(self) -> SafeString:
        """When work on it began."""
        day = self.row.started_on
        return self._edit("started_on", day.isoformat() if day else "", formats.day(day) if day else none())

    @property
    def next_step(self) -> SafeString:
        """What happens next."""
        return self._edit("next_step", self.row.next_step, self.row.next_step or none())

    @property
    def ask_next_step(self) -> SafeString:
        """The next step, asked for."""
        return self._edit(
            "next_step", self.row.next_step, format_html('<em class="ask">{}</em>', _("What happens next?"))
        )

    @property
    def ask_amount(self) -> SafeString:
        """The amount, asked for."""
        asked = format_html('<em class="ask">{}</em>', _("How much?"))
        return self._edit("amount", "", asked) if self.row.amount is None else self.amount

    @property
    def owner(self) -> SafeString:
        """Owner; a select where there is somebody to hand it to."""
        shown = self.row.owner_name or none()
        if len(self.choices.owners) < 2:
            return format_html("{}", shown)
        return self._edit("owner_id", self.row.owner_id, shown, self.choices.people)

    @property
    def deal_type(self) -> SafeString:
        """New business, expansion …"""
        return self._edit("deal_type", self.row.deal_type, self.row.deal_type or none())

    @property
    def lead_source(self) -> SafeString:
        """Where it came from."""
        return self._edit("lead_source", self.row.lead_source, self.row.lead_source or none())

    @property
    def age(self) -> str:
        """Days in the present stage, short."""
        return "" if self.row.days_in_stage is None else _("%(n)s d") % {"n": self.row.days_in_stage}

    @property
    def is_slow(self) -> bool:
        """Much longer in its stage than won deals usually are."""
        return any(doubt.flag == "STALE" for doubt in self.row.doubts)

    def cell(self, field: str) -> SafeString:
        """The cell of a field, for the answer to an edit."""
        return getattr(
            self,
            {"stage_id": "stage", "subcategory_id": "subcategory", "owner_id": "owner"}.get(field, field),
        )

    @property
    def moves(self) -> list[tuple[str, str]]:
        """Categories it can be moved to by menu: (value, label)."""
        return [(c.value, str(CATEGORY_LABELS[c])) for c in ORDER if c is not self.row.category]


def as_typed(value: object) -> str:
    """A value as one would type it: numbers without trailing zeros, with the decimal mark of the language."""
    if value is None:
        return ""
    if not isinstance(value, Decimal):
        return str(value)
    text = f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
    return text.replace(".", ",") if uses_comma() else text


def quick_dates(today: dt.date, quarter_end: dt.date | None) -> list[tuple[str, str]]:
    """Close dates one press away: (ISO date, label)."""
    found = [
        ((today + dt.timedelta(days=7)).isoformat(), _("+1 week")),
        ((today + dt.timedelta(days=30)).isoformat(), _("+1 month")),
    ]
    if quarter_end and quarter_end > today:
        found.append((quarter_end.isoformat(), _("End of quarter")))
    return found


OPEN_ORDER = tuple(c for c in ORDER if c in OPEN_CATEGORIES)
"""Categories an open deal stands in, as columns of the board."""
