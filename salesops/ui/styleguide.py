"""Sample facts for the style guide: enough to see every component with plausible numbers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone

from salesops.ui import charts, navigation
from salesops.ui.pagination import page_of
from salesops.ui.tables import sort_of

PEOPLE = (
    ("Katharina Brandstätter", 1, "", 1240000, 512000, 318500, 224000, 641000, -185500, "0.67"),
    ("Marcus Okonkwo", 2, "p0", 420000, 214000, 96000, 64000, 180500, -110000, "0.74"),
    ("Sofia Lindqvist-Hernández", 2, "p0", 410000, 121000, 142500, 90000, 265000, -146500, "0.64"),
    ("Jonas Weber", 2, "p0", 410000, 177000, 80000, 70000, 195500, 71000, "1.17"),
)

DEALS = (
    (
        "Northwind renewal 2027",
        "Northwind Traders",
        "COMMIT",
        Decimal("128500.00"),
        dt.date(2026, 12, 11),
        Decimal("8500"),
    ),
    (
        "Analytics rollout, phase 2",
        "Contoso Pharmaceuticals",
        "COMMIT",
        Decimal("96000.00"),
        dt.date(2026, 12, 18),
        None,
    ),
    (
        "Plant monitoring",
        "Fabrikam & Söhne",
        "UPSIDE",
        Decimal("64250.50"),
        dt.date(2027, 1, 8),
        Decimal("-12000"),
    ),
    ("Seats +40", "Adventure Works", "PIPELINE", Decimal("18900.00"), dt.date(2027, 1, 29), None),
)


class SampleForm(forms.Form):
    """One field of each kind, some of them wrong on purpose."""

    name = forms.CharField(label="Name of the view", help_text="Shown to everybody in your team.")
    amount = forms.DecimalField(label="Amount")
    stage = forms.ChoiceField(label="Stage", choices=[("1", "Qualify"), ("2", "Propose")], required=False)
    note = forms.CharField(label="Note", widget=forms.Textarea, required=False)
    shared = forms.BooleanField(
        label="Share with the team", help_text="They can use it, not change it.", required=False
    )


def _rows() -> list[SimpleNamespace]:
    names = ("name", "level", "parent", "quota", "won", "commit", "upside", "pipeline", "gap", "attainment")
    rows = [
        SimpleNamespace(**dict(zip(names, person, strict=True)), node=f"p{i}")
        for i, person in enumerate(PEOPLE)
    ]
    for row in rows:
        row.attainment = Decimal(row.attainment)
        row.trend = [row.won // 5, row.won // 4, row.won // 3, row.won // 2, row.won]
    return rows


def _navigation(request: HttpRequest) -> list[navigation.NavLink]:
    """The real navigation, or a sample while no app has registered any."""
    samples = (
        ("Forecast", "trending-up", "f", "Sell", True),
        ("My deals", "list-checks", "d", "Sell", False),
        ("Changes", "activity", "c", "Sell", False),
        ("Accounts", "building-2", "a", "Sell", False),
        ("Territories", "map", "t", "Plan", False),
        ("Quotas", "target", "q", "Plan", False),
        ("Imports", "upload", "i", "Operate", False),
        ("Settings", "settings-2", "s", "Operate", False),
    )
    return navigation.links_for(request) or [
        navigation.NavLink(label, "#", icon, key, group, now) for label, icon, key, group, now in samples
    ]


def _waterfall() -> charts.Figure:
    steps = (
        ("Commit 16 Nov", "1180000", True),
        ("Created", "96000", False),
        ("Pulled in", "64000", False),
        ("Pushed out", "-212000", False),
        ("Amount up", "41000", False),
        ("Amount down", "-38000", False),
        ("Lost", "-36000", False),
        ("Commit 23 Nov", "1095000", True),
    )
    return charts.waterfall(
        [charts.Step(name, Decimal(value), total) for name, value, total in steps], currency="USD"
    )


def _pacing() -> charts.Figure:
    weeks = [dt.date(2026, 10, 5) + dt.timedelta(weeks=i) for i in range(13)]
    won = [0, 60, 118, 150, 236, 301, 380, 512]
    cone_x = weeks[7:]
    return charts.figure(
        [
            *charts.band(
                cone_x,
                [512e3, 590e3, 650e3, 720e3, 800e3, 900e3],
                [512e3, 700e3, 850e3, 990e3, 1150e3, 1330e3],
            ),
            charts.step_line(
                weeks, [1240e3] * 13, name="Quota", colour=charts.token("ink-3"), dash="dot", width=1.5
            ),
            charts.step_line(
                weeks[:8],
                [w * 1000 for w in won],
                name="Won",
                colour=charts.category_colour("WON"),
                label_at="bottom right",
            ),
            charts.step_line(
                cone_x, [512e3, 645e3, 750e3, 855e3, 975e3, 1115e3], name="Expected", step=False, dash="dash"
            ),
        ],
        currency="USD",
        layout={"margin": {"l": 8, "r": 72, "t": 12, "b": 8}},
    )


def context(request: HttpRequest) -> dict[str, Any]:
    """Everything the style guide's template needs."""
    now = timezone.now()
    return {
        "rows": _rows(),
        "nav_links": _navigation(request),
        "spark_values": [4, 5, 4.4, 6, 6.2, 7, 6.6, 8.2],
        "sort": sort_of(request, {"name", "amount", "close"}, "-amount"),
        "page": page_of(request, range(1, 384), 25),
        "form": SampleForm({"name": "", "amount": "12,5x", "stage": "2"}),
        "now": now,
        "earlier": now - dt.timedelta(minutes=12),
        "steps": [{"label": label, "url": "#"} for label in ("Upload", "Match", "Repair", "Confirm", "Done")],
        "crumbs": [
            {"label": "Company", "url": "#"},
            {"label": "EMEA", "url": "#"},
            {"label": "DACH", "url": ""},
        ],
        "periods": [
            {"label": n, "url": "#", "current": n == "FY27 Q1"} for n in ("FY26 Q4", "FY27 Q1", "FY27")
        ],
        "categories": ["WON", "COMMIT", "UPSIDE", "PIPELINE", "LOST", "OMITTED"],
        "category_options": '[["COMMIT","Commit"],["UPSIDE","Upside"],["PIPELINE","Pipeline"]]',
        "waterfall": _waterfall(),
        "pacing": _pacing(),
        "heat": [Decimal(n) / 10 for n in range(4, 17)],
        "lead_amount": Decimal("4121456.78"),
        "amount": Decimal("-260000"),
        "icons": ("trending-up", "list-checks", "waves", "map", "upload", "settings", "users", "shield"),
        "deals": DEALS,
    }
