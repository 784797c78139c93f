"""An old system's quotas: what their dates mean depends on the fiscal calendar they were written in."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from organization.services import activate_calendar, define_calendar
from salesops.kernel.periods import CustomMonth
from tests.factories.organization import TEST, make_company
from tests.stories.data_sets import ask, data_set, import_crm

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def company() -> None:
    make_company(start_month=2, first_year=2010, last_year=2028)


def test_quota_dates_where_no_quarter_begins_name_the_calendar_that_would_help() -> None:
    """The company's year begins in February; the quarters of the file begin on 30 May, 30 August …"""
    planned = import_crm(data_set("adventureworks-oltp"), "--dry-run")
    refused = planned.problems("QUOTA")
    assert (len(refused), planned.report["quotas"]["rejected"]) == (163, 163), (
        "told before anything is written"
    )
    assert {problem["file"] for problem in refused} == {"SalesPersonQuotaHistory.csv"}
    assert len({(problem["value"], problem["message"], problem["cure"]) for problem in refused}) == 12
    assert {problem["cure"] for problem in refused} == {
        "Define a calendar of calendar months whose year begins in March or June or September or December, "
        "activate it (Set-up › Calendars), then import these quotas again."
    }
    custom = define_calendar(kind="CUSTOM", name="As in the old system", custom=quarters_of_the_old_system())
    told = import_crm(data_set("adventureworks-oltp"))
    assert told.code == 4
    assert {problem["cure"] for problem in told.problems("QUOTA")} == {
        "Activate the calendar “As in the old system” (Set-up › Calendars), then import these quotas again."
    }
    assert ask("SELECT count(*) FROM territories_quota") == [(0,)]
    activate_calendar(calendar_id=custom, scope=TEST)
    followed = import_crm(data_set("adventureworks-oltp"))
    assert (followed.code, followed.problems("QUOTA")) == (0, [])
    years = ask(
        "SELECT to_char(f.from_date, 'YYYY'), count(*), sum(q.amount) FROM territories_quota q "
        "JOIN organization_fiscalperiod f ON f.id = q.period_id WHERE f.kind = 'QUARTER' GROUP BY 1 ORDER BY 1"
    )
    assert years == [
        ("2022", 30, D(14263000)), ("2023", 51, D(30172000)), ("2024", 65, D(40920000)), ("2025", 17, D(10359000)),
    ]  # fmt: skip
    assert ask("SELECT count(*), sum(amount) FROM territories_quota") == [(163, D(95714000))]


def quarters_of_the_old_system() -> list[CustomMonth]:
    """Quarters that begin on the very dates of the file, one custom month each, by fiscal years from May."""
    path = data_set("adventureworks-oltp") / "SalesPersonQuotaHistory.csv"
    cells = [line.split("\t")[1] for line in path.read_text().splitlines()]
    dates = sorted({dt.date.fromisoformat(cell[:10]) for cell in cells})
    ends = [*dates[1:], dt.date(2025, 5, 30)]
    return [
        CustomMonth(f"Y{n // 4}", f"Y{n // 4}-Q{n % 4 + 1}", f"Y{n // 4}-M{n % 4 + 1}", begin, end)
        for n, (begin, end) in enumerate(zip(dates, ends, strict=True))
    ]


def test_quota_dates_mean_the_fiscal_quarter_that_begins_there() -> None:
    make_company(start_month=6, first_year=2010, last_year=2028)
    assert import_crm(data_set("adventureworks-oltp")).code == 0
    assert ask("SELECT count(*), sum(amount) FROM territories_quota") == [(163, D(95714000))]
    rep = "SELECT sum(amount) FROM territories_quota q JOIN organization_person p ON p.id = q.person_id WHERE p.external_id = %s"
    assert [ask(rep, key) for key in ("275", "276", "277")] == [
        [(D(11162000),)],
        [(D(11786000),)],
        [(D(12198000),)],
    ]
