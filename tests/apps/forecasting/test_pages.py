"""The pages of the forecast as each role opens them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags
from python_calamine import CalamineWorkbook

from organization.models import User
from territories.models import Quota
from tests.apps.forecasting.conftest import EARLY, IN_Q1, Company
from tests.factories.organization import make_person, period
from tests.factories.pipeline import deal

pytestmark = pytest.mark.django_db


def client(user: User) -> Client:
    session = Client()
    session.force_login(user)
    return session


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", unescape(strip_tags(response.content.decode()))).strip()


def test_each_role_starts_where_its_work_is(company: Company) -> None:
    assert client(company.manager).get("/").url == "/forecast/"
    assert client(company.executive).get("/").url == "/forecast/"
    assert client(company.finance).get("/").url == "/forecast/"
    assert client(company.rep).get("/").url == "/deals/"
    assert client(company.admin).get("/").url == "/imports/"
    assert "/accounts/login" in Client().get("/").url


@pytest.mark.parametrize(
    "page",
    [
        "",
        "board",
        "rows",
        "changes",
        "pacing",
        "figure",
        "figure/changes",
        "figure/export",
        "export",
        "my-number",
    ],
)
def test_administrators_and_strangers_stay_out(company: Company, page: str) -> None:
    assert client(company.admin).get(f"/forecast/{page}").status_code == 403
    assert Client().get(f"/forecast/{page}").status_code == 302


def test_the_manager_reads_the_answer_first(company: Company) -> None:
    page = client(company.manager).get("/forecast/")
    assert page.status_code == 200
    words = text(page)
    assert (
        "Commit forecast $4.32K covers 72% of the FY27-Q1 quota; $1.68K short, down $800 since 3 Apr."
        in words
    )
    assert words.index("Commit forecast $4.32K") < words.index("Best case")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("who={ada}&period=FY27-Q2", "FY27-Q2 begins in 21 days with a pipeline of $5; no quota is set."),
        (
            "who={ada}&period=FY26-Q1",
            "Nothing is forecast for FY26-Q1 yet: no deal closes in it and no quota is set.",
        ),
        ("who={dee}&at=2026-05-02&period=FY27-Q1", "Commit forecast $3.37K covers 112% of the FY27-Q1 quota"),
        ("tree=families", "of it $2K won."),
    ],
)
def test_other_moments_have_other_sentences(company: Company, query: str, sentence: str) -> None:
    words = text(
        client(company.executive).get("/forecast/?" + query.format(ada=company.ada.pk, dee=company.dee.pk))
    )
    assert sentence in words


def test_the_past_wears_a_banner(company: Company) -> None:
    then = client(company.manager).get("/forecast/?at=2026-04-03T12:00")
    assert "The forecast as it stood on" in text(then)
    assert "data-historic" in then.content.decode()
    assert "The forecast as it stood on" not in text(client(company.manager).get("/forecast/"))


@pytest.mark.parametrize("part", ["changes", "pacing"])
def test_a_chart_knows_what_a_picture_of_it_must_say(company: Company, part: str) -> None:
    session, page = client(company.executive), f"/forecast/{part}"
    for query, facts in (
        ("", "Everybody · FY27-Q1 · As of 10 Apr 2026, 09:00 UTC"),
        (f"?who={company.ben.pk}", "Ben · FY27-Q1 · As of 10 Apr 2026, 09:00 UTC"),
        (
            "?tree=families&at=2026-04-03T12:00",
            "All product families · FY27-Q1 · As of 3 Apr 2026, 12:00 UTC",
        ),
    ):
        assert f'data-chart-facts="{facts}"' in session.get(page + query).content.decode()


def test_somebody_elses_team_is_not_found(company: Company) -> None:
    missing = client(company.manager).get("/forecast/?who=99999999")
    hidden = client(company.manager).get(f"/forecast/?who={company.ada.pk}")
    assert (missing.status_code, hidden.status_code) == (404, 404)
    assert missing.content == hidden.content


def test_finance_finds_no_trace_of_open_deals(company: Company) -> None:
    page = client(company.finance).get("/forecast/?split=commit&extra=lost,omitted&view=exact")
    words = text(page)
    assert "$2,000.00" in page.content.decode()
    for secret in ("Commit", "Upside", "Pipeline", "4,060", "What moved"):
        assert secret not in words
    assert client(company.finance).get("/forecast/changes").status_code == 404
    assert client(company.finance).get("/forecast/figure?node=all&column=commit").status_code == 404


def test_a_branch_loads_its_rows(company: Company) -> None:
    found = client(company.executive).get(f"/forecast/rows?parent={company.ben.pk}&level=3")
    keys = re.findall(r'data-node="([^"]+)"', found.content.decode())
    dee, eli = company.world.people[3:5]
    assert keys == [f"{company.ben.pk}-own", str(dee.pk), str(eli.pk)]
    assert 'aria-level="4"' in found.content.decode()
    assert f'data-parent="{company.ben.pk}"' in found.content.decode()
    assert client(company.rep).get(f"/forecast/rows?parent={company.ben.pk}&level=1").status_code == 404
    assert client(company.rep).get("/forecast/rows").status_code == 400


def test_the_drawer_says_the_deals_are_the_figure(company: Company) -> None:
    found = client(company.executive).get(
        "/forecast/figure?node=all&column=upside", headers={"HX-Request": "true", "HX-Target": "drawer-host"}
    )
    assert "2 deals, $4,060.00 = the figure" in text(found)
    assert "<html" not in found.content.decode()
    whole = client(company.executive).get("/forecast/figure?node=all&column=upside")
    assert "<html" in whole.content.decode()


@pytest.mark.parametrize(
    "column", ["quota", "gap", "attainment", "coverage", "change", "best_case", "gap_to_quota"]
)
def test_every_number_opens(company: Company, column: str) -> None:
    found = client(company.executive).get(f"/forecast/figure?node={company.ben.pk}&column={column}")
    assert found.status_code == 200
    assert client(company.executive).get("/forecast/figure?node=all&column=nonsense").status_code == 404


def test_a_deal_of_a_past_forecast_opens_as_it_was(company: Company) -> None:
    manager = client(company.manager)
    for address in ("figure?column=commit", "figure/changes?column=commit"):
        then = manager.get(f"/forecast/{address}&at=2026-04-07T09:00&since=2026-03-01").content.decode()
        opened = re.findall(r'href="(/deals/[^"]+)"', then)
        assert opened
        assert all(url.endswith("?as_of=2026-04-07T09%3A00") for url in opened)
        page = manager.get(opened[0]).content.decode()
        assert "Read only" in page
        assert "inline-edit" not in page
        now = manager.get(f"/forecast/{address}&since=2026-03-01").content.decode()
        assert "as_of" not in "".join(re.findall(r'href="(/deals/[^"]+)"', now))


def test_the_drawer_of_a_change_says_of_when_and_names_itself_once(company: Company) -> None:
    page = client(company.manager).get(
        "/forecast/figure?column=change", headers={"HX-Request": "true", "HX-Target": "drawer-host"}
    )
    said = text(page)
    assert "FY27-Q1 · USD · now" in said
    head = page.content.decode().split("drawer__head", 1)[1]
    assert page.context["title"] not in head.split("</div>", 1)[0]


def test_changes_name_causes_and_deals(company: Company) -> None:
    words = text(client(company.executive).get("/forecast/changes"))
    assert "Commit forecast fell $210 since 3 Apr; largest: lost, −$800" in words
    assert "Pulled in" in words
    moved = text(
        client(company.executive).get("/forecast/figure/changes?node=all&column=commit_forecast&cause=LOST")
    )
    assert "−$800.00" in moved
    assert client(company.executive).get("/forecast/changes?moves=quota").status_code == 404


def test_pacing_speaks(company: Company) -> None:
    assert "$2K won so far" in text(client(company.executive).get("/forecast/pacing"))


def read_csv(response: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_the_board_as_a_file_is_exact_and_says_what_it_shows(company: Company) -> None:
    rows = read_csv(
        client(company.manager).get("/forecast/export?format=csv&at=2026-04-08T10:00&currency=EUR&extra=lost")
    )
    facts = dict(row for row in rows if len(row) == 2)
    assert facts["As of"] == "2026-04-08T10:00:00+00:00"
    assert facts["Currency"] == "EUR"
    assert facts["Columns"] == "Single"
    head = next(row for row in rows if row and row[0] == "People")
    assert "Lost (EUR)" in head
    table = rows[rows.index(head) + 1 :]
    assert [row[0] for row in table] == ["Ben", "Own deals", "Dee", "Eli"]
    assert table[0][head.index("Won (EUR)")] == "1818.18"
    assert re.fullmatch(r"0\.\d{1,6}", table[0][head.index("Attainment (1 = 100 %)")])


def test_a_file_in_german_holds_german_words_only(company: Company) -> None:
    asked = client(company.manager).get(
        "/forecast/export?rollup=cumulative", headers={"accept-language": "de"}
    )
    assert dict(row for row in read_csv(asked) if len(row) == 2)["Spalten"] == "Kumuliert"


def test_the_workbook_holds_the_same_numbers(company: Company) -> None:
    found = client(company.manager).get("/forecast/export?format=xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(found.content)).get_sheet_by_index(0).to_python()
    head = next(row for row in rows if row[0] == "People")
    total = rows[rows.index(head) + 1]
    assert total[head.index("Won (USD)")] == 2000
    assert total[head.index("Commit (USD)")] == 2317.16
    assert isinstance(total[head.index("Attainment")], float)
    assert isinstance(total[head.index("Coverage")], float)
    with zipfile.ZipFile(io.BytesIO(found.content)) as file:
        styles = file.read("xl/styles.xml").decode()
    assert 'formatCode="0.0%"' in styles
    assert "forecast-ben-fy27-q1.xlsx" in found["Content-Disposition"]


def test_the_deals_of_a_figure_as_a_file(company: Company) -> None:
    answer = client(company.executive).get("/forecast/figure/export?node=all&column=upside")
    assert 'filename="upside-everybody-fy27-q1.csv"' in answer["Content-Disposition"]
    rows = read_csv(answer)
    assert rows[-1][0] == "Total"
    assert rows[-1][10] == "4060"
    moves = read_csv(
        client(company.executive).get("/forecast/figure/export?node=all&column=commit_forecast&what=changes")
    )
    assert sorted(row[3] for row in moves[-4:]) == ["Amount up", "Category up", "Lost", "Pulled in"]


def test_the_rate_stands_beside_the_amount_it_converted(company: Company) -> None:
    """In the drawer, in CSV and in a workbook, where no format rounds it."""
    reader = client(company.executive)
    page = text(reader.get("/forecast/figure?node=all&column=commit"))
    assert "$366.66€333.33 × 1.1" in page
    assert page.count("×") == 1, "dollars need no rate"
    rows = read_csv(reader.get("/forecast/figure/export?node=all&column=commit"))
    assert next(row[7:11] for row in rows if "EUR" in row) == ["333.33", "EUR", "1.1", "366.66"]
    assert next(row[9] for row in rows if "USD" in row[5:]) == "1"
    found = reader.get("/forecast/figure/export?node=all&column=commit&format=xlsx")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(found.content)).get_sheet_by_index(0).to_python()
    assert next(row[9] for row in sheet if "EUR" in row) == 1.1
    in_euros = text(reader.get("/forecast/figure?node=all&column=commit&currency=EUR"))
    assert "€909.55$1,000.50 × 0.90909091" in in_euros


def test_a_file_never_holds_a_formula(company: Company) -> None:
    deal(EARLY, owner=company.dee, name="=HYPERLINK(1)", amount=1, close_date=IN_Q1, category="UPSIDE")
    raw = (
        client(company.executive)
        .get("/forecast/figure/export?node=all&column=upside")
        .content.decode("utf-8-sig")
    )
    assert "'=HYPERLINK(1)" in raw


def test_my_number(company: Company) -> None:
    words = text(client(company.rep).get("/forecast/my-number"))
    assert "Commit forecast $3.37K covers 112% of the FY27-Q1 quota" in words
    assert client(company.finance).get("/forecast/my-number").content == b""


def test_folds_are_remembered(company: Company) -> None:
    session = client(company.manager)
    assert session.post("/forecast/fold", {"section": "changes", "folded": "1"}).status_code == 204
    assert 'data-fold="changes">' in session.get("/forecast/").content.decode()
    session.post("/forecast/fold", {"section": "changes", "folded": "0"})
    assert 'data-fold="changes" open>' in session.get("/forecast/").content.decode()
    assert session.post("/forecast/fold", {"section": "nonsense", "folded": "1"}).status_code == 400


def test_a_page_costs_the_same_number_of_queries_for_any_team(company: Company) -> None:
    session = client(company.executive)
    opened = ",".join(str(person.pk) for person in company.world.people)
    path = f"/forecast/?open={opened}&split=commit,upside"

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert session.get(path).status_code == 200
        return len(queries)

    count()
    few = count()
    for number in range(10):
        person = make_person(f"New {number}", manager=company.ben)
        deal(EARLY, owner=person, amount=10, close_date=IN_Q1, category="COMMIT")
    assert count() == few
    assert few <= 45


def test_nonsense_in_the_address_falls_back(company: Company) -> None:
    query = "who=x&tree=moon&period=FY99&at=yesterday&since=never&currency=XXX&org=?&rollup=big&open=;&split=quota&extra=zzz&view=3"
    assert client(company.executive).get(f"/forecast/?{query}").status_code == 200
    assert (
        client(company.executive).get("/forecast/figure?node=all&column=upside&page=9999").status_code == 200
    )


def test_the_command_tells_the_same_waterfall(company: Company, capsys: Any) -> None:
    import json

    from django.core.management import CommandError, call_command

    call_command("waterfall", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["balances"]
    assert {c["cause"]: c["change"] for c in told["causes"]}["LOST"] == "-800.0000"
    call_command("waterfall", "--deals", "--as", company.manager.email)
    printed = capsys.readouterr().out
    assert "LOST" in printed
    assert "-$800.00" in printed.replace("−", "-")
    with pytest.raises(CommandError):
        call_command("waterfall", "--column", "quota")
    with pytest.raises(CommandError):
        call_command("waterfall", "--who", "424242")


def test_the_cumulative_pipeline_is_named_for_what_it_holds(company: Company) -> None:
    """It leaves won deals out and may be less than Upside: under the name Pipeline that read as a mistake."""
    headings = {}
    for rollup in ("single", "cumulative"):
        page = client(company.manager).get("/forecast/", {"rollup": rollup}).content.decode()
        headings[rollup] = re.findall(
            r'data-column="pipeline"[^>]*><span class="col-key">(.*?)</th>', page, re.S
        )[0]
    assert "Open pipeline" not in headings["single"]
    assert "Open pipeline" in headings["cumulative"]


def test_a_colour_stands_for_one_category(company: Company) -> None:
    page = client(company.manager).get("/forecast/").content.decode()
    heads = dict(re.findall(r'data-column="(\w+)"[^>]*><span class="col-key">(.*?)</th>', page, re.S))
    marked = {name for name, head in heads.items() if 'class="dot"' in head}
    assert marked == {"won", "commit", "upside", "pipeline"}


def test_a_past_view_claims_no_freshness_and_the_bar_carries_the_period_keys(company: Company) -> None:
    session = client(company.manager)
    now = session.get("/forecast/").content.decode()
    then = session.get("/forecast/?at=2026-04-08T10:00").content.decode()
    assert 'class="freshness' in now
    assert 'class="freshness' not in then
    assert 'data-key="p"' in now
    assert 'data-key="n"' in now


def test_every_figure_of_a_card_is_named(company: Company) -> None:
    page = client(company.manager).get("/forecast/").content.decode()
    assert page.count(".commit" + '" data-label="Commit"') >= 2
    assert 'data-instant="' in page


@pytest.mark.parametrize("tree", ["territories", "families"])
@pytest.mark.parametrize("name", ["FY27-Q1", "FY27-Q2", "FY26-Q1", "FY28-Q1"])
def test_no_sentence_says_that_a_quota_is_missing_where_none_could_be(
    company: Company, tree: str, name: str
) -> None:
    """Quotas are set by person: by territory or family there is none to miss."""
    deal(EARLY, owner=company.dee, amount=7, close_date=dt.date(2025, 3, 1), status="WON", category="WON")
    for user in (company.finance, company.executive):
        words = text(client(user).get(f"/forecast/?tree={tree}&period={name}"))
        assert "no quota" not in words
        assert name in words


def test_a_quarter_that_has_not_begun_says_when_it_does(company: Company) -> None:
    """Also to who reads won deals only: nothing won yet is no news."""
    finance = client(company.finance)
    words = text(finance.get("/forecast/?period=FY27-Q2"))
    assert "FY27-Q2 begins in 21 days; no quota is set for FY27-Q2, only for FY27." in words
    assert "FY27-Q2 begins in 21 days." in text(finance.get("/forecast/?period=FY27-Q2&tree=families"))
    Quota.objects.create(
        person=company.ada, period=period("FY27-Q2"), amount=5000, currency_id="USD", recorded_at=EARLY
    )
    assert "FY27-Q2 begins in 21 days with a quota of $5K." in text(finance.get("/forecast/?period=FY27-Q2"))


def test_on_the_first_day_nobody_is_ahead_of_last_year(company: Company) -> None:
    then = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
    deal(then, owner=company.dee, amount=7, close_date=then.date(), status="WON", category="WON")
    page = client(company.executive).get("/forecast/pacing?period=FY27-Q1&at=2026-02-01")
    assert page.context["title"] == "Won $0, level with last year's path to this quota"
