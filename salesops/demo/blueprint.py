"""What the demo company is: its regions and teams, how it sells, what it sells, at which rates. Data, no logic."""

from __future__ import annotations

from dataclasses import dataclass

COMPANY_NAME = "Quillhaven Systems"
MAIL_DOMAIN = "quillhaven.example"
TIME_ZONE = "America/New_York"
SOURCE = "salesforce"
SEED = "quillhaven-1"
HISTORY_MONTHS = 24


@dataclass(frozen=True)
class TeamSpec:
    """A first-line team: its patches by country, how many reps, and how much business its patches hold."""

    name: str
    patches: tuple[tuple[str, tuple[str, ...]], ...]
    reps: int
    potential: float
    currency: str


@dataclass(frozen=True)
class AreaSpec:
    """A director's area."""

    name: str
    teams: tuple[TeamSpec, ...]


@dataclass(frozen=True)
class RegionSpec:
    """A vice president's region: the top of the territory tree."""

    name: str
    productivity: float
    areas: tuple[AreaSpec, ...]


def _team(name: str, reps: int, currency: str, potential: float | None = None, **patches: str) -> TeamSpec:
    places = tuple((country.replace("_", " "), tuple(text.split("|"))) for country, text in patches.items())
    return TeamSpec(name, places, reps, float(reps) if potential is None else potential, currency)


REGIONS = (
    RegionSpec(
        "North America",
        1.15,
        (
            AreaSpec(
                "US East",
                (
                    _team("Northeast", 5, "USD", United_States="New England|New York Metro|Upstate New York"),
                    _team("Mid-Atlantic", 5, "USD", United_States="Pennsylvania|Capital Region|Carolinas"),
                    _team("Southeast", 5, "USD", United_States="Georgia|Florida|Gulf Coast"),
                ),
            ),
            AreaSpec(
                "US West",
                (
                    _team(
                        "Pacific", 5, "USD", United_States="Northern California|Southern California|Northwest"
                    ),
                    _team("Mountain & Texas", 4, "USD", United_States="Texas|Mountain States"),
                ),
            ),
            AreaSpec(
                "Central & Canada",
                (
                    _team(
                        "Great Lakes",
                        5,
                        "USD",
                        United_States="Illinois & Wisconsin|Michigan & Ohio|Upper Midwest",
                    ),
                    _team("Canada", 4, "USD", Canada="Ontario & Quebec|Western Canada"),
                ),
            ),
        ),
    ),
    RegionSpec(
        "Northern Europe",
        1.0,
        (
            AreaSpec(
                "UK & Ireland",
                (
                    _team("London & South", 6, "GBP", United_Kingdom="London|Home Counties|South West"),
                    _team(
                        "North & Ireland",
                        5,
                        "GBP",
                        United_Kingdom="Midlands|Northern England|Scotland",
                        Ireland="Ireland",
                    ),
                ),
            ),
            AreaSpec(
                "DACH",
                (
                    _team("Germany North", 5, "EUR", Germany="Hamburg & Bremen|Berlin|Rhine-Ruhr"),
                    _team(
                        "Germany South & Alps",
                        5,
                        "EUR",
                        Germany="Bavaria|Baden-Württemberg",
                        Austria="Austria",
                        Switzerland="Switzerland",
                    ),
                ),
            ),
            AreaSpec(
                "Nordics & Benelux",
                (
                    _team(
                        "Nordics",
                        4,
                        "EUR",
                        Sweden="Sweden",
                        Denmark="Denmark",
                        Finland="Finland",
                        Norway="Norway",
                    ),
                    _team("Benelux", 4, "EUR", Netherlands="Randstad|Eastern Netherlands", Belgium="Belgium"),
                ),
            ),
        ),
    ),
    RegionSpec(
        "Southern Europe",
        0.95,
        (
            AreaSpec(
                "Mediterranean",
                (
                    _team("France", 5, "EUR", France="Île-de-France|Lyon & South-East|Atlantic"),
                    # The badly balanced region: six people where little is to be had, two where much is.
                    _team("Iberia", 6, "EUR", 2.0, Spain="Madrid|Catalonia|Andalusia", Portugal="Portugal"),
                    _team("Italy", 2, "EUR", 6.0, Italy="Lombardy|Emilia & Veneto|Rome & South"),
                ),
            ),
        ),
    ),
    RegionSpec(
        "Asia-Pacific",
        0.85,
        (
            AreaSpec(
                "Australia & New Zealand",
                (
                    _team(
                        "ANZ",
                        5,
                        "USD",
                        Australia="New South Wales|Victoria|Queensland & West",
                        New_Zealand="New Zealand",
                    ),
                ),
            ),
            AreaSpec(
                "Asia",
                (
                    _team("ASEAN", 4, "USD", Singapore="Singapore", Malaysia="Malaysia", Thailand="Thailand"),
                    _team("Japan", 3, "USD", Japan="Kanto|Kansai"),
                ),
            ),
        ),
    ),
)


@dataclass(frozen=True)
class StageSpec:
    """A stage: default category and probability (percent), and what should be true before a deal leaves it."""

    name: str
    probability: int
    category: str
    guidance: str = ""
    status: str = "OPEN"


@dataclass(frozen=True)
class ProcessSpec:
    """A way of selling: share of deals, chance to win, median cycle in days, size against a new deal."""

    key: str
    name: str
    deal_type: str
    share: float
    win_rate: float
    cycle: float
    size: float
    stages: tuple[StageSpec, ...]

    @property
    def open_stages(self) -> int:
        """How many of the stages are still open."""
        return len(self.stages) - 2


_WON = StageSpec("Closed Won", 100, "WON", "Signed order on file; hand over to onboarding.", "WON")
_LOST = StageSpec(
    "Closed Lost", 0, "LOST", "Note the reason: no decision, price, competitor, timing.", "LOST"
)

PROCESSES = (
    ProcessSpec(
        "new",
        "New business",
        "New Business",
        0.60,
        0.205,
        74,
        1.0,
        (
            StageSpec(
                "Qualification",
                10,
                "PIPELINE",
                "A named problem, a budget range and somebody who wants it solved.",
            ),
            StageSpec(
                "Discovery",
                20,
                "PIPELINE",
                "Sites, volumes and present systems known; economic buyer identified.",
            ),
            StageSpec("Evaluation", 40, "UPSIDE", "Success criteria agreed in writing; trial scheduled."),
            StageSpec(
                "Proposal", 60, "UPSIDE", "Price presented to the economic buyer; decision date confirmed."
            ),
            StageSpec("Negotiation", 80, "COMMIT", "Legal and purchasing engaged; only terms are open."),
            _WON,
            _LOST,
        ),
    ),
    ProcessSpec(
        "expansion",
        "Expansion",
        "Expansion",
        0.25,
        0.36,
        46,
        0.6,
        (
            StageSpec("Identified", 20, "PIPELINE", "Use of the present contract shows the need."),
            StageSpec("Scoping", 45, "UPSIDE", "Sites and modules listed with the customer's sponsor."),
            StageSpec("Proposal", 65, "UPSIDE", "Amendment sent; sponsor supports it."),
            StageSpec("Negotiation", 85, "COMMIT", "Purchasing has the amendment."),
            _WON,
            _LOST,
        ),
    ),
    ProcessSpec(
        "renewal",
        "Renewal",
        "Renewal",
        0.15,
        0.72,
        62,
        0.75,
        (
            StageSpec("Upcoming", 50, "PIPELINE", "Ninety days before the end of term: health reviewed."),
            StageSpec("Engaged", 70, "UPSIDE", "Terms discussed; no open escalation."),
            StageSpec("Quoted", 85, "COMMIT", "Renewal quote sent, purchase order requested."),
            _WON,
            _LOST,
        ),
    ),
)

SUBCATEGORIES = (
    ("COMMIT", "firm", "Firm", "Nothing stands between us and signature but the calendar."),
    ("COMMIT", "at-risk", "At risk", "Still committed, but something may stop it: budget, sponsor, legal."),
    ("UPSIDE", "bridge", "Bridge", "Deals that bridge commit to target: can be pulled in with help."),
    ("UPSIDE", "stretch", "Stretch", "Possible this period only if everything goes right."),
    ("PIPELINE", "early", "Early", "Not yet qualified by the buyer."),
    ("PIPELINE", "on-hold", "On hold", "The customer paused; date to resume agreed."),
    ("OMITTED", "duplicate", "Duplicate", "Counted elsewhere."),
)

FAMILIES = {
    "Platform": ("Warehouse", "Transport"),
    "Insight": ("Analytics", "Planning"),
    "Services": ("Onboarding", "Training"),
}

PRODUCTS = (
    # name, family, list price in USD, share of deals, size against the mean
    ("Dock Core", "Warehouse", 24000, 0.20, 1.0),
    ("Dock Enterprise", "Warehouse", 88000, 0.10, 2.1),
    ("Slotting", "Warehouse", 15000, 0.08, 0.6),
    ("Route Planner", "Transport", 30000, 0.15, 1.0),
    ("Fleet Desk", "Transport", 42000, 0.10, 1.3),
    ("Carrier Portal", "Transport", 18000, 0.07, 0.7),
    ("Signal Analytics", "Analytics", 26000, 0.10, 0.8),
    ("Cost to Serve", "Analytics", 34000, 0.05, 1.0),
    ("Demand Planner", "Planning", 48000, 0.06, 1.4),
    ("Yard Simulator", "Planning", 52000, 0.03, 1.3),
    ("Launch Package", "Onboarding", 9000, 0.04, 0.35),
    ("Academy", "Training", 6000, 0.02, 0.25),
)

LEAD_SOURCES = (
    ("Outbound", 0.34, 0.85),
    ("Inbound", 0.27, 1.15),
    ("Partner", 0.17, 1.2),
    ("Event", 0.12, 0.9),
    ("Referral", 0.10, 1.45),
)
"""Name, share of deals, factor on the chance to win."""

SEGMENTS = (("Enterprise", 0.12, 105_000), ("Mid-market", 0.38, 34_000), ("Small business", 0.50, 12_500))
"""Name, share of accounts, median amount of a new deal in USD."""

RATE_ANCHORS = {"EUR": (1.065, 1.125, 1.085, 1.14), "GBP": (1.245, 1.31, 1.27, 1.335)}
"""USD per unit, at equal distances over the history; months between are interpolated with a little noise."""

LOST_REASONS = ("no decision", "price", "competitor", "timing", "sponsor left", "budget cut")
