"""The words of the forecast page: columns, rows, presets."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from forecasting.domain.answer import Answer
from forecasting.domain.columns import OPEN, Column, Rollup
from forecasting.domain.question import Question, Since, TreeName
from forecasting.domain.table import Kind, Place
from opportunities.domain.deal import Category
from pipeline.domain.waterfall import Cause
from salesops.ui import formats

Text = str | Promise

COLUMNS: dict[str, Text] = {
    "quota": _("Quota"),
    "won": _("Won"),
    "commit": _("Commit"),
    "upside": _("Upside"),
    "pipeline": _("Pipeline"),
    "commit_forecast": _("Commit forecast"),
    "best_case": _("Best case"),
    "open": _("Open pipeline"),
    "gap": _("Gap"),
    "gap_to_quota": _("Gap to quota"),
    "attainment": _("Attainment"),
    "coverage": _("Coverage"),
    "lost": _("Lost"),
    "omitted": _("Omitted"),
    "change": _("Change"),
}
TREES: dict[TreeName, Text] = {
    TreeName.PEOPLE: _("People"),
    TreeName.TERRITORIES: _("Territories"),
    TreeName.FAMILIES: _("Product families"),
}
EVERYTHING: dict[TreeName, Text] = {
    TreeName.PEOPLE: _("Everybody"),
    TreeName.TERRITORIES: _("All territories"),
    TreeName.FAMILIES: _("All product families"),
}
UNASSIGNED: dict[TreeName, Text] = {
    TreeName.PEOPLE: _("No owner"),
    TreeName.TERRITORIES: _("No territory"),
    TreeName.FAMILIES: _("No product family"),
}
OWN: dict[TreeName, Text] = {
    TreeName.PEOPLE: _("Own deals"),
    TreeName.TERRITORIES: _("Directly in it"),
    TreeName.FAMILIES: _("Directly in it"),
}
SINCE: dict[str, Text] = {
    Since.WEEK: _("a week earlier"),
    Since.MONDAY: _("Monday"),
    Since.MONTH: _("four weeks earlier"),
    Since.PERIOD: _("start of the period"),
}
ROLLUPS: dict[Rollup, Text] = {Rollup.SINGLE: _("Single"), Rollup.CUMULATIVE: _("Cumulative")}
KINDS: dict[str, Text] = {"YEAR": _("Year"), "QUARTER": _("Quarter"), "MONTH": _("Month")}
COLOURS: dict[str, Category] = {
    "won": Category.WON,
    "commit": Category.COMMIT,
    "upside": Category.UPSIDE,
    "pipeline": Category.PIPELINE,
    "lost": Category.LOST,
    "omitted": Category.OMITTED,
}
"""The colour that marks a column of one category; sums of several and ratios wear none."""

CAUSES: dict[Cause, Text] = {
    Cause.CREATED: _("Created"),
    Cause.REOPENED: _("Reopened"),
    Cause.PULLED_IN: _("Pulled in"),
    Cause.PUSHED_IN: _("Pushed in"),
    Cause.PUSHED_OUT: _("Pushed out"),
    Cause.PULLED_OUT: _("Pulled out"),
    Cause.TRANSFERRED_IN: _("Transferred in"),
    Cause.TRANSFERRED_OUT: _("Transferred out"),
    Cause.CATEGORY_UP: _("Category up"),
    Cause.CATEGORY_DOWN: _("Category down"),
    Cause.AMOUNT_UP: _("Amount up"),
    Cause.AMOUNT_DOWN: _("Amount down"),
    Cause.CURRENCY: _("Currency"),
    Cause.WON: _("Won"),
    Cause.LOST: _("Lost"),
    Cause.OMITTED: _("Omitted"),
    Cause.DELETED: _("Deleted"),
}
CAUSE_MEANING: dict[Cause, Text] = {
    Cause.CREATED: _("Did not exist then."),
    Cause.REOPENED: _("Was closed then, is open now."),
    Cause.PULLED_IN: _("Close date moved into the period from later."),
    Cause.PUSHED_IN: _("Close date moved into the period from earlier."),
    Cause.PUSHED_OUT: _("Close date moved past the end of the period."),
    Cause.PULLED_OUT: _("Close date moved before the period."),
    Cause.TRANSFERRED_IN: _("Came from another owner or team."),
    Cause.TRANSFERRED_OUT: _("Went to another owner or team."),
    Cause.CATEGORY_UP: _("Moved to a more certain category."),
    Cause.CATEGORY_DOWN: _("Moved to a less certain category."),
    Cause.AMOUNT_UP: _("Amount raised."),
    Cause.AMOUNT_DOWN: _("Amount lowered."),
    Cause.CURRENCY: _("Same amount, other exchange rate."),
    Cause.WON: _("Closed as won."),
    Cause.LOST: _("Closed as lost."),
    Cause.OMITTED: _("Taken out of the forecast."),
    Cause.DELETED: _("Deleted."),
}


def within_sentence(text: Text) -> str:
    """A heading inside a sentence: small in English, as it is where nouns keep their capital."""
    return str(text).lower() if formats.locale_code().startswith("en") else str(text)


def column_label(column: Column) -> str:
    """The heading of a column; a subcategory's own name, or what its category holds besides."""
    if column.subcategory_id is None:
        return full_label(column)
    return column.label or gettext("Unmarked")


def full_label(column: Column) -> str:
    """The same, saying what a subcategory belongs to: for drawers and exports."""
    if column.subcategory_id is None:
        is_all_open = column.name == "pipeline" and column.categories == OPEN.categories
        return gettext("Open pipeline") if is_all_open else str(COLUMNS[column.name])
    return f"{COLUMNS[column.name.split('.')[0]]}: {column_label(column)}"


def place_label(place: Place, tree: TreeName) -> str:
    """The name of a row."""
    if place.kind is Kind.ALL:
        return str(EVERYTHING[tree])
    if place.kind is Kind.UNASSIGNED:
        return str(UNASSIGNED[tree])
    return str(OWN[tree]) if place.kind is Kind.OWN else place.name


def since_label(question: Question) -> str:
    """What a change is measured from, short enough to follow "since": the day, with a time that was chosen."""
    local = formats.timezone.localtime(question.since)
    if (local.hour, local.minute) == (0, 0) or question.since_name in {Since.WEEK, Since.MONTH}:
        return formats.day(local.date(), "short")
    return formats.moment(question.since, "short")


def replaced_words(word: str, given: str, question: Question) -> str:
    """What the page shows instead of something in its address that means nothing here."""
    words = {"given": given[:40], "period": question.period.name, "currency": question.currency}
    if word == "period":
        return gettext("There is no period “%(given)s”; %(period)s is shown.") % words
    if word == "currency":
        return gettext("No exchange rate is known for “%(given)s”; amounts are in %(currency)s.") % words
    if word == "at":
        return gettext("“%(given)s” is no moment of the past; the present is shown.") % words
    return gettext("“%(given)s” is no moment to compare with; a week earlier is taken.") % words


def moved_words(found: Answer, question: Question) -> str:
    """The clause of the sentence that says how the commit forecast moved; empty when nothing is compared."""
    if found.change is None:
        return ""
    words = {
        "change": formats.money(abs(found.change), question.currency, compact=True),
        "since": since_label(question),
    }
    if found.change > 0:
        return gettext(", up %(change)s since %(since)s") % words
    if found.change < 0:
        return gettext(", down %(change)s since %(since)s") % words
    return gettext(", unchanged since %(since)s") % words
