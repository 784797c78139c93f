"""`import_crm` and then `figure`: the figures of exports made by others, computed independently, come out."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from pipeline.selectors.invariants import findings
from tests.factories.organization import make_company
from tests.stories.data_sets import data_set, import_crm

pytestmark = pytest.mark.django_db
D = Decimal


def figure(*arguments: str) -> dict[str, Any]:
    """What `figure --json` prints."""
    out = StringIO()
    call_command("figure", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue(), parse_float=D)  # type: ignore[no-any-return]


def sums(*arguments: str) -> list[Any]:
    """The sums, in the order of the metrics."""
    return list(figure(*arguments)["sums"].values())


def rows(*arguments: str) -> dict[str, list[Any]]:
    """The values of each group of one dimension."""
    return {row[0]: row[1:] for row in (list(row.values()) for row in figure(*arguments)["rows"])}


MAVEN = {
    "2017Q1": [531, 116, D("82.07"), 1134672, D("65.63"), 74],
    "2017Q2": [1254, 778, D("61.71"), 3086111, D("51.01"), 52],
    "2017Q3": [1257, 790, D("61.41"), 2982255, D("48.82"), 49],
    "2017Q4": [1196, 789, D("60.25"), 2802496, D("49.56"), 51],
    "Central": [1629, 975, D("62.56"), 3346293, D("52.56"), 58],
    "East": [1171, 687, D("63.02"), 3090594, D("50.64"), 52],
    "West": [1438, 811, D("63.94"), 3568647, D("51.83"), 59],
    "Cara Losch": [480, 265, D("64.43"), 1130049, D("52.41"), 58],
    "Celia Rouche": [610, 352, D("63.41"), 1603897, D("52.36"), 61],
    "Dustin Brinkmann": [747, 439, D("62.98"), 1094363, D("54.6"), 63],
    "Melvin Marxen": [882, 536, D("62.2"), 2251930, D("50.83"), D("51.5")],
    "Rocco Neubert": [691, 422, D("62.08"), 1960545, D("49.4"), 45],
    "Summer Sewald": [828, 459, D("64.34"), 1964750, D("51.45"), 57],
    "GTX Pro": [729, 418, D("63.56"), 3510578, D("48.33"), 47],
    "GTX Plus Pro": [479, 266, D("64.3"), 2629651, D("51.73"), 57],
    "MG Advanced": [654, 430, D("60.33"), 2216387, D("51.78"), D("57.5")],
    "GTK 500": [15, 10, D("60"), 400612, D("64.07"), 69],
}
ASKED = ("won_count", "lost_count", "win_rate", "won_amount", "cycle_days_won_mean", "cycle_days_won_median")


@pytest.mark.parametrize("set_up", [True, False])
def test_maven(set_up: bool) -> None:
    """With a company, and on an installation where nobody has set one up yet."""
    if set_up:
        make_company(start_month=1, first_year=2016, last_year=2018)
    assert import_crm(data_set("maven-crm"), "--repair", "product:GTXPro=GTX Pro").code == 0
    assert sums(
        "deal_count", "won_count", "won_amount", "lost_count", "open_count", "win_rate", "mean_won_amount",
        "median_won_amount", "cycle_days_won_mean", "cycle_days_won_median", "cycle_days_lost_mean",
        "cycle_days_lost_median", "cycle_days_closed_mean", "cycle_days_closed_median", "open_list_amount", "won_to_list",
    ) == [
        8800, 4238, 10005534, 2473, 2089, D("63.15"), D("2360.91"), 1117, D("51.78"), 57, D("41.48"), 14, D("47.99"),
        45, 4966215, D("0.99821"),
    ]  # fmt: skip
    found = {}
    for dimension in ("close_calendar_quarter", "region", "manager", "product"):
        found |= rows(*ASKED, "--by", dimension, "--where", "status!=open")
    assert {name: found[name] for name in MAVEN} == MAVEN
    for day, expected in (
        ("2017-03-31", [1330, 3280185]),
        ("2017-06-30", [1686, 4216807]),
        ("2017-09-30", [2409, 5763490]),
        ("2017-12-31", [1589, 3892229]),
    ):
        where = ("--where", "stage=Engaging", "--as-of", day)
        assert sums("open_count", "open_list_amount", *where) == expected, day
    top = figure("won_amount", "--by", "account", "--sort", "won_amount", "--limit", "3")
    assert [(row["account"], row["won_amount"]) for row in top["rows"]] == [
        ("Kan-code", 341455),
        ("Konex", 269245),
        ("Condax", 206410),
    ]
    if set_up:
        assert (
            sums("win_rate", "--period", "FY17-Q1") == sums("win_rate", "--period", "2017Q1") == [D("82.07")]
        )
    assert [(f.name, f.broken) for f in findings() if not f.holds] == []


def test_a_banks_pipeline_with_history() -> None:
    make_company(first_year=2010, last_year=2013, currency="EUR", time_zone="Europe/Amsterdam")
    import_crm(data_set("bpi2012-loan"))
    assert sums("deal_count", "won_count", "won_amount", "lost_count", "lost_amount", "open_count", "win_rate") == [
        5333, 960, 14437034, 4373, 55653617, 0, D("18")
    ]  # fmt: skip
    months = rows("deal_count", "amount", "won_count", "won_amount", "--by", "start_calendar_month")
    assert months == {"2011-10": [2393, 32248962, 500, 7434778], "2011-11": [2940, 37841689, 460, 7002256]}
    assert [(f.name, f.broken) for f in findings() if not f.holds] == []


def test_salesforce_exports() -> None:
    make_company(start_month=1)
    import_crm(data_set("sfdc-weekly-export"))
    assert sums("deal_count", "amount", "expected_amount", "weighted_amount", "won_count", "won_amount", "win_rate") == [
        31, 5760000, 4739500, 1094500, 18, 3645000, 100
    ]  # fmt: skip
    assert rows("deal_count", "amount", "won_count", "won_amount", "--by", "close_calendar_quarter") == {
        "2023Q3": [20, 3325000, 11, 1825000],
        "2023Q4": [11, 2435000, 7, 1820000],
    }
    import_crm(data_set("sfdc-devorg"), "--source", "devorg")
    asked = ("deal_count", "won_count", "won_amount", "lost_count", "lost_amount", "open_count", "win_rate")
    assert sums(*asked, "--where", "crm_source=devorg") == [36, 12, 2815000, 8, 830000, 16, 60]


def test_other_exports() -> None:
    make_company(start_month=1)
    import_crm(
        data_set("hubspot-small"), "--answer", "identity=deal_name", "--answer", "missing-owners=create"
    )
    assert sums("amount", "won_count", "won_amount", "lost_amount", "win_rate") == [
        D("498560.66"), 5, D("82894.32"), D("110474.06"), D("31.25")
    ]  # fmt: skip
    pipelines = rows("deal_count", "amount", "--by", "process")
    assert pipelines["Agency Pipeline"] == [17, D("218692.57")]
    assert pipelines["Sales Pipeline"] == [23, D("279868.09")]
    import_crm(
        data_set("europe-crm-pipeline"),
        "--answer",
        "identity=Organization",
        "--answer",
        "missing-owners=create",
    )
    found = rows("deal_count", "amount", "open_count", "weighted_amount", "win_rate", "--by", "crm_source")
    assert [867, 2295859, 723, D("873631.9"), D("57.64")] in found.values(), found


def test_orders_whose_territories_are_worked_by_several_people() -> None:
    """Joining sales to the members of a territory would show 333,966,440.62; no figure does, cut however."""
    make_company(start_month=7, first_year=2016, last_year=2022)
    import_crm(data_set("adventureworks-reseller"))
    total = D("77548570.2")
    assert sums("won_count", "won_amount") == [3616, total]
    by_territory = rows("won_amount", "--by", "territory")
    assert by_territory["Southwest"] == [D("18001116.1")]
    assert by_territory["Canada"] == [D("13875632.96")]
    for dimension in ("territory", "region", "owner", "manager", "product", "close_year"):
        found = figure("won_amount", "--by", dimension)
        assert found["sums"]["won_amount"] == sum(row["won_amount"] for row in found["rows"]) == total, (
            dimension
        )
    assert sums("won_amount", "--where", "owner=Jae Pak") == [D("8099816.95")]
    assert sums("won_amount", "--where", "owner=Jae Pak", "--where", "territory=Canada") == [D("8099816.95")]
    assert [(f.name, f.broken) for f in findings() if not f.holds] == []
