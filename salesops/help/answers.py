"""Questions people ask, with answers in plain words. Whoever changes a page changes its answer here."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from organization.domain.roles import Role
from salesops.help.topics import Topic

EVERYONE = frozenset(Role)
EDITORS = frozenset({Role.REP, Role.MANAGER})
READERS = EVERYONE - {Role.ADMIN}
TEAM = READERS - {Role.REP, Role.FINANCE}
KEEPERS = frozenset({Role.OPS, Role.ADMIN})

_DEALS = ("opportunities:deals", _("Deals"))
_FORECAST = ("forecasting:forecast", _("Forecast"))

ON_DEALS: tuple[Topic, ...] = (
    Topic(
        "change-category",
        _("How do I change a deal's category?"),
        _(
            "Move through the list with J and K and press 1 to 5, or press the category and choose. A stage "
            "suggests a category, you decide. Closing a deal sets Won or Lost by itself."
        ),
        EDITORS,
        *_DEALS,
    ),
    Topic(
        "change-several",
        _("How do I change several deals at once?"),
        _("Select them with X or their boxes, then choose what to change. One undo takes it all back."),
        EDITORS,
        *_DEALS,
    ),
    Topic(
        "undo",
        _("How do I take a change back?"),
        _(
            "Press Z, or Undo in the notice at the foot of the page. What changed together is taken back together."
        ),
        EDITORS | {Role.OPS},
    ),
    Topic(
        "conflict",
        _("Somebody changed the deal while I did. What now?"),
        _("Both values are shown, with who made the other; you choose. Nothing is overwritten silently."),
        EDITORS,
    ),
    Topic(
        "new-deal",
        _("How do I add a deal?"),
        _("Press New deal above the list of deals. It lives here only: nothing is written into the CRM."),
        EDITORS,
        "opportunities:new",
        _("New deal"),
    ),
    Topic(
        "who-sees-my-deals",
        _("Who sees my deals?"),
        _(
            "You and the managers above you; sales operations, executives and auditors see every deal, finance "
            "the won ones. Colleagues beside you do not, and administrators do not either."
        ),
        EDITORS,
    ),
)

ON_FORECAST: tuple[Topic, ...] = (
    Topic(
        "behind-a-number",
        _("What is behind a number?"),
        _(
            "Press it. A drawer opens with the deals, and they add up to it exactly. Open a deal to see each state "
            "it had and where that came from."
        ),
        READERS,
        *_FORECAST,
    ),
    Topic(
        "the-past",
        _("How did the page look last month?"),
        _(
            "Choose “As of” in the header and take a day. The page shows what was true then, with the organisation "
            "of the time. A past page is tinted and cannot be edited."
        ),
        READERS,
        *_FORECAST,
    ),
    Topic(
        "what-moved",
        _("Why did the forecast change?"),
        _(
            "“What moved” names the causes: created, pulled in, pushed out, up, down, amount, won, lost. Each deal "
            "counts once per cause, and the bars add up from then to now. Press a bar for its deals."
        ),
        TEAM,
        *_FORECAST,
    ),
    Topic(
        "close-the-gap",
        _("What could close the gap?"),
        _(
            "Open the subcategories of Upside: Bridge holds deals that could be pulled in. Then look at the Commit "
            "deals that are at risk; saving one is often cheaper than finding one."
        ),
        frozenset({Role.MANAGER, Role.EXECUTIVE, Role.OPS}),
        *_FORECAST,
    ),
    Topic(
        "take-along",
        _("How do I take figures along?"),
        _("Export gives what is on screen as CSV or XLSX, with unrounded amounts. Charts save as pictures."),
        READERS,
        *_FORECAST,
    ),
    Topic(
        "share",
        _("How do I show a colleague the same page?"),
        _(
            "Copy the address: it holds period, currency, filters and the as-of instant. Everybody sees in it only "
            "what they may see."
        ),
        READERS,
    ),
    Topic(
        "which-rate",
        _("Which exchange rate is used?"),
        _(
            "That of the fiscal month in which the deal closes. Months to come use the rate of the day asked about."
        ),
        READERS,
    ),
    Topic(
        "any-figure",
        _("How do I get a figure that no page shows?"),
        _(
            "Ask for figures: choose figures, dimensions, filters, a period and a day, and take the table as CSV."
        ),
        READERS,
        "pipeline:figures",
        _("Ask for figures"),
    ),
)

ON_SETUP: tuple[Topic, ...] = (
    Topic(
        "set-quotas",
        _("How do I set quotas?"),
        _(
            "Type into the grid or paste from a spreadsheet, then save. A changed quota never overwrites the "
            "former: past pages show the past number. A CSV can be imported as well."
        ),
        frozenset({Role.OPS}),
        "territories:quotas",
        _("Quotas"),
    ),
    Topic(
        "move-somebody",
        _("Somebody has a new manager. What do I do?"),
        _(
            "Open the person and enter the move with its date. Numbers of before stay with the manager of the time."
        ),
        KEEPERS,
        "organization:people",
        _("People"),
    ),
    Topic(
        "fiscal-year",
        _("Our fiscal year is not the calendar year."),
        _(
            "Set up a calendar: years of months with any start, 4-4-5 weeks and their kin, or your own. Former "
            "calendars stay."
        ),
        KEEPERS,
        "organization:setup_calendars",
        _("Calendars"),
    ),
    Topic(
        "set-rates",
        _("How do I enter exchange rates?"),
        _("Type a rate with the day from which it holds, or import a file. A correction is a new row."),
        KEEPERS,
        "organization:setup_rates",
        _("Currencies and rates"),
    ),
    Topic(
        "set-stages",
        _("How do I change stages and subcategories?"),
        _(
            "Under Set-up, per sales process: order, suggested category, probability and guidance of each stage."
        ),
        KEEPERS,
        "opportunities:setup_processes",
        _("Processes"),
    ),
)

ON_RUNNING: tuple[Topic, ...] = (
    Topic(
        "import",
        _("How do I import a CRM export?"),
        _(
            "Drop the file, or all files of the export. Check what the columns mean, answer what the file does not "
            "decide, look at what would change, confirm. Nothing is written before that."
        ),
        frozenset({Role.ADMIN}),
        "opportunities:import_new",
        _("New import"),
    ),
    Topic(
        "rejected-rows",
        _("Why were rows rejected?"),
        _(
            "The import's page groups them by cause, with row, column, value and the cure, and gives them as CSV. "
            "Correct them in the CRM, export again, import again: what is known already changes nothing."
        ),
        frozenset({Role.ADMIN, Role.OPS, Role.AUDITOR}),
        "opportunities:imports",
        _("Imports"),
    ),
    Topic(
        "undo-import",
        _("An import was wrong. Can it be taken back?"),
        _(
            "Yes, on its page. Every deal becomes exactly what it was; deals that people changed since then are left "
            "alone and named."
        ),
        frozenset({Role.ADMIN}),
        "opportunities:imports",
        _("Imports"),
    ),
    Topic(
        "add-login",
        _("How do I give somebody access?"),
        _(
            "Add a login with its roles and say which person it is; then hand over the link to choose a password. "
            "Administrator and finance wait for a second administrator's yes."
        ),
        frozenset({Role.ADMIN}),
        "organization:users",
        _("Users"),
    ),
    Topic(
        "trace",
        _("How do I check a figure back to its source?"),
        _(
            "Press the figure, open a deal, read its states: each names the person or the import and row. The "
            "import names its file and that file's digest."
        ),
        frozenset({Role.AUDITOR, Role.FINANCE, Role.OPS}),
        *_FORECAST,
    ),
    Topic(
        "protect-login",
        _("How do I protect my login?"),
        _("Add an authenticator app or a passkey, and keep the recovery codes in a safe place."),
        EVERYONE,
        "mfa_index",
        _("Two-step sign-in and passkeys"),
    ),
    Topic(
        "language",
        _("How do I change language, colours or keys?"),
        _("On your account's page: language, light or dark, how dense tables are, and single-letter keys."),
        EVERYONE,
        "organization:account",
        _("Your account"),
    ),
)

TOPICS: tuple[Topic, ...] = (*ON_DEALS, *ON_FORECAST, *ON_SETUP, *ON_RUNNING)
"""Every question, in the order in which the page shows them."""
