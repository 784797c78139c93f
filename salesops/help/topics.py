"""What the help page says: each role's Monday, and questions with their answers. Figures are not explained here.

What a figure means stands in `pipeline.domain.metrics.REGISTRY` alone; the page reads it there.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from organization.domain.roles import Role

Text = str | Promise


@dataclass(frozen=True)
class Step:
    """One thing to do, and the page where it is done (a route name)."""

    text: Text
    route: str = ""
    link: Text = ""


@dataclass(frozen=True)
class Topic:
    """A question as people ask it, its answer in plain words, who asks it, and where to go."""

    slug: str
    question: Text
    answer: Text
    roles: frozenset[Role]
    route: str = ""
    link: Text = ""


@dataclass(frozen=True)
class Word:
    """A word that is no figure, in one sentence; `category` names its colour."""

    slug: str
    title: Text
    meaning: Text
    category: str = ""


_FORECAST = ("forecasting:forecast", _("Forecast"))
_DEALS = ("opportunities:deals", _("Deals"))

MONDAY: dict[Role, tuple[Step, ...]] = {
    Role.REP: (
        Step(
            _(
                "Open your deals. The list on top names what needs a look before the forecast call: "
                "a close date gone by, no next step, no amount."
            ),
            *_DEALS,
        ),
        Step(_("Mend each where it stands: press the value, type, Enter. Z takes the last change back.")),
        Step(_("Say how sure you are: the keys 1 to 5 set the category of the deal in focus.")),
        Step(_("Look at your number: quota, won, committed, and what is missing."), *_FORECAST),
    ),
    Role.MANAGER: (
        Step(
            _(
                "Read the first line of the forecast: how far the team is, and how that changed within the week."
            ),
            *_FORECAST,
        ),
        Step(_("Under “What moved”, press a bar: the deals behind the change, each counted once.")),
        Step(
            _("Open the subcategories of Commit and look at “At risk”; then at the deals pushed most often.")
        ),
        Step(_("Before the call, open each person's Commit and read the next steps.")),
    ),
    Role.OPS: (
        Step(
            _("Has the CRM export arrived, was anything rejected, and why?"),
            "opportunities:imports",
            _("Imports"),
        ),
        Step(
            _("Who has no quota yet, and how much more do reports carry than their managers?"),
            "territories:quotas",
            _("Quotas"),
        ),
        Step(
            _("Who joined, moved or left? A move counts from its date on; the past stays as it was."),
            "organization:people",
            _("People"),
        ),
        Step(
            _("Answer the question of the week: any figure by any dimension, as of any day."),
            "pipeline:figures",
            _("Ask for figures"),
        ),
    ),
    Role.ADMIN: (
        Step(
            _("Import this week's export. The answers you gave last time are remembered."),
            "opportunities:import_new",
            _("New import"),
        ),
        Step(
            _("Is everything well: jobs given up, health, the age of the newest backup?"),
            "system:system",
            _("System"),
        ),
        Step(
            _("Add who joined, deactivate who left, confirm the roles that wait for a second administrator."),
            "organization:users",
            _("Users"),
        ),
        Step(
            _("Look through the audit trail for what you did not expect."), "organization:audit", _("Audit")
        ),
    ),
    Role.EXECUTIVE: (
        Step(
            _("Read the first line of the forecast: how far the company is, and how that changed."),
            *_FORECAST,
        ),
        Step(_("Switch from people to territories or product families: where is the gap?")),
        Step(_("Under “What moved”, see why: by cause, each deal once, to the cent.")),
        Step(_("Set “As of” to your last review: the same page as it was that day.")),
    ),
    Role.FINANCE: (
        Step(_("Read Won, gap to quota and attainment of the period."), *_FORECAST),
        Step(_("Press Won: the deals, each with its own currency and the converted amount.")),
        Step(_("Export: amounts are unrounded, and columns add up to their totals.")),
    ),
    Role.AUDITOR: (
        Step(_("Pick a figure and press it: the deals that add up to it, exactly."), *_FORECAST),
        Step(_("Open a deal: each state it had, since when, and the person or import row it came from.")),
        Step(
            _("Read who changed what, with before and after. The trail is chained and can be verified."),
            "organization:audit",
            _("Audit"),
        ),
    ),
}
"""What each role does at the start of a week, in order."""

WORDS: tuple[Word, ...] = (
    Word("won", _("Won"), _("Signed. Counted by the day it closed."), "WON"),
    Word("commit", _("Commit"), _("Will close in the period; the owner stands by it."), "COMMIT"),
    Word("upside", _("Upside"), _("Can close in the period if things go well."), "UPSIDE"),
    Word("pipeline", _("Pipeline"), _("Being worked on, not expected in the period yet."), "PIPELINE"),
    Word("lost", _("Lost"), _("Decided against us."), "LOST"),
    Word("omitted", _("Omitted"), _("Open, but kept out of every forecast total on purpose."), "OMITTED"),
    Word(
        "subcategory",
        _("Subcategory"),
        _(
            "A finer division of a category, such as “At risk” under Commit or “Bridge” under Upside. "
            "The category's total always includes it."
        ),
    ),
    Word(
        "as-of",
        _("As of"),
        _(
            "What was true at that instant, with the organisation, rates and quotas of the time, as known today."
        ),
    ),
    Word("push", _("Push"), _("The close date of an open deal moved to a later month.")),
)
"""Words of the forecast that are not figures."""

FIGURES = (
    "quota", "won_amount", "commit_forecast", "best_case", "open_pipeline", "gap_to_quota", "gap_after_commit",
    "attainment", "coverage_remaining", "coverage_quota", "win_rate", "weighted_amount",
)  # fmt: skip
"""Names of the figures everybody meets; what they mean stands in the registry of metrics."""
