"""Exports made by others, imported as they are; the figures were computed independently with exact decimals."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest

from opportunities.models import Account, Opportunity, OpportunityVersion
from opportunities.services.imports_undo import undo_import
from organization.models import ExchangeRate, Person, ReportingLine, TerritoryMembership
from tests.factories.organization import make_company
from tests.stories.data_sets import Outcome, ask, data_set, import_crm, outcomes

pytestmark = pytest.mark.django_db
D = Decimal
REPAIR = ("--repair", "product:GTXPro=GTX Pro")


@pytest.fixture(autouse=True)
def company() -> None:
    make_company(start_month=2, first_year=2010, last_year=2028)


def undo(batch_id: int) -> None:
    undo_import(batch_id=batch_id, actor_id=None, actor_name="test")


def live() -> list[tuple[object, ...]]:
    """All that is known now: current rows and current versions."""
    fields = "name, owner_id, account_id, product_id, stage_id, status, category, amount, close_date, started_on, content_hash, is_deleted"
    rows = ask(f"SELECT id, {fields} FROM opportunities_opportunity ORDER BY id")
    versions = ask(
        "SELECT opportunity_id, valid_from, valid_to, status, stage_id, amount, close_date FROM opportunities_opportunityversion "
        "WHERE superseded_at > '9000-01-01' ORDER BY opportunity_id, valid_from, seq"
    )
    return rows + versions


def test_maven_in_both_encodings_one_after_the_other() -> None:
    asked = import_crm(data_set("maven-crm"))
    assert asked.code == 3
    assert asked.open_questions() == ["repair:product:GTXPro"]
    assert asked.report["questions"][0]["count"] == 1480
    assert asked.report["questions"][0]["suggestion"] == "GTX Pro"
    assert not Opportunity.objects.exists(), "open questions: nothing may be written"

    first = import_crm(data_set("maven-crm"), *REPAIR)
    assert (first.code, first.counts()) == (0, (8800, 0, 0, 0, 0))
    assert outcomes("sales-pipeline") == {
        "WON": (4238, D(10005534)),
        "LOST": (2473, D(0)),
        "OPEN": (2089, None),
    }
    before = live()

    second = import_crm(data_set("maven-crm/publisher-download"))
    assert (second.code, second.counts()) == (0, (0, 0, 8800, 0, 0)), (
        "the repair is remembered and nothing changed"
    )
    assert live() == before


def test_the_figures_of_maven() -> None:
    assert import_crm(data_set("maven-crm"), *REPAIR).code == 0
    open_deals_at_list_price()
    by_product_region_and_manager()
    engaging_as_of_the_end_of_a_day("2017-03-31", 1330, 3280185)
    engaging_as_of_the_end_of_a_day("2017-06-30", 1686, 4216807)
    engaging_as_of_the_end_of_a_day("2017-09-30", 2409, 5763490)
    engaging_as_of_the_end_of_a_day("2017-12-31", 1589, 3892229)
    cycle_days()
    nothing_is_invented()


def open_deals_at_list_price() -> None:
    rows = ask(
        "SELECT s.name, count(*), sum(o.list_amount) FROM opportunities_opportunity o JOIN opportunities_stage s ON s.id = o.stage_id "
        "WHERE o.status = 'OPEN' GROUP BY 1 ORDER BY 1"
    )
    assert rows == [("Engaging", 1589, D(3892229)), ("Prospecting", 500, D(1073986))]


def by_product_region_and_manager() -> None:
    assert outcomes("sales-pipeline", "product_id = (SELECT id FROM opportunities_product WHERE name = 'GTX Pro')") == {
        "WON": (729, D(3510578)), "LOST": (418, D(0)), "OPEN": (333, None),
    }  # fmt: skip
    regions = ask(
        "SELECT t.name, count(*) FILTER (WHERE status = 'WON'), count(*) FILTER (WHERE status = 'LOST'), "
        "count(*) FILTER (WHERE status = 'OPEN'), sum(amount) FILTER (WHERE status = 'WON') "
        "FROM opportunities_opportunity o JOIN organization_territory t ON t.id = o.territory_id GROUP BY 1 ORDER BY 1"
    )
    assert regions == [
        ("Central", 1629, 975, 908, D(3346293)), ("East", 1171, 687, 433, D(3090594)), ("West", 1438, 811, 748, D(3568647)),
    ]  # fmt: skip
    managers = ask(
        "SELECT m.name, count(*) FILTER (WHERE status = 'WON'), sum(amount) FILTER (WHERE status = 'WON') "
        "FROM opportunities_opportunity o JOIN organization_reportingline l ON l.person_id = o.owner_id "
        "JOIN organization_person m ON m.id = l.manager_id GROUP BY 1 ORDER BY 1 LIMIT 2"
    )
    assert managers == [("Cara Losch", 480, D(1130049)), ("Celia Rouche", 610, D(1603897))]
    assert Person.objects.count() == 41, "35 agents, five of them without a deal, and six managers"


def engaging_as_of_the_end_of_a_day(day: str, count: int, value: int) -> None:
    end = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) + dt.timedelta(days=1, microseconds=-1)
    rows = ask(
        "SELECT count(*), sum(v.list_amount) FROM opportunities_opportunityversion v JOIN opportunities_stage s ON s.id = v.stage_id "
        "WHERE s.name = 'Engaging' AND v.status = 'OPEN' AND v.superseded_at > '9000-01-01' AND v.valid_from <= %s AND v.valid_to > %s",
        end, end,
    )  # fmt: skip
    assert rows == [(count, D(value))]


def cycle_days() -> None:
    rows = ask(
        "SELECT status, round(avg(close_date - started_on), 2), percentile_cont(0.5) WITHIN GROUP (ORDER BY close_date - started_on) "
        "FROM opportunities_opportunity WHERE status <> 'OPEN' GROUP BY 1 ORDER BY 1"
    )
    assert rows == [("LOST", D("41.48"), 14.0), ("WON", D("51.78"), 57.0)]


def nothing_is_invented() -> None:
    assert (
        not Opportunity.objects.filter(status="OPEN")
        .exclude(amount=None, probability=None, close_date=None)
        .exists()
    )
    derived = OpportunityVersion.objects.filter(origin="DERIVED")
    assert set(derived.values_list("status", "amount", "close_date")) == {("OPEN", None, None)}


def test_a_changed_row_makes_one_version_and_undo_restores_exactly(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert import_crm(data_set("maven-crm"), *REPAIR).code == 0
    before, versions = live(), OpportunityVersion.objects.count()
    lines = (data_set("maven-crm") / "sales_pipeline.csv").read_text().splitlines()
    changed = next(number for number, line in enumerate(lines) if ",Engaging," in line)
    cells = lines[changed].split(",")
    cells[4], cells[6], cells[7] = "Won", "12/31/2017", "1234"
    lines[changed] = ",".join(cells)
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "sales_pipeline.csv").write_text("\n".join(lines))
    again = import_crm(folder)
    assert again.counts() == (0, 1, 8799, 0, 0)
    assert OpportunityVersion.objects.count() == versions + 1
    assert outcomes("sales-pipeline")["WON"] == (4239, D(10006768))
    undo(again.report["batch"])
    assert live() == before


def test_undoing_the_first_import_leaves_nothing_in_sight() -> None:
    done = import_crm(data_set("maven-crm"), *REPAIR)
    undo(done.report["batch"])
    assert not Opportunity.objects.filter(is_deleted=False).exists()
    assert not OpportunityVersion.objects.filter(superseded_at__year=9999).exists(), (
        "as of any instant, nothing was"
    )
    assert not Person.objects.filter(source="sales-pipeline").exists()
    assert not Account.objects.filter(source="sales-pipeline").exists()
    assert not ReportingLine.objects.exists()
    again = import_crm(data_set("maven-crm"))
    assert again.counts() == (8800, 0, 0, 0, 0)
    assert outcomes("sales-pipeline")["WON"] == (4238, D(10005534))
    assert Person.objects.filter(source="sales-pipeline").count() == 41


def test_bpi2012_with_its_stage_history() -> None:
    done = import_crm(data_set("bpi2012-loan"))
    assert (done.code, done.counts()) == (0, (5333, 0, 0, 0, 0))
    assert (done.report["history_rows"], done.report["history_orphans"]) == (37068, 0)
    assert outcomes("case-log") == {"WON": (960, D(14437034)), "LOST": (4373, D(55653617))}
    cohorts = ask(
        "SELECT to_char(started_on, 'YYYY-MM'), count(*), sum(amount), count(*) FILTER (WHERE o.status = 'WON'), "
        "sum(amount) FILTER (WHERE o.status = 'WON'), count(*) FILTER (WHERE s.name = 'A_DECLINED'), count(*) FILTER (WHERE s.name = 'A_CANCELLED') "
        "FROM opportunities_opportunity o JOIN opportunities_stage s ON s.id = o.stage_id GROUP BY 1 ORDER BY 1"
    )
    assert cohorts == [
        ("2011-10", 2393, D(32248962), 500, D(7434778), 1335, 558), ("2011-11", 2940, D(37841689), 460, D(7002256), 1860, 620),
    ]  # fmt: skip
    funnel = dict(
        ask(
            "SELECT s.name, count(DISTINCT v.opportunity_id) FROM opportunities_opportunityversion v "
            "JOIN opportunities_stage s ON s.id = v.stage_id GROUP BY 1"
        )
    )
    assert [
        funnel[f"A_{name}"]
        for name in ("SUBMITTED", "PARTLYSUBMITTED", "PREACCEPTED", "ACCEPTED", "FINALIZED")
    ] == [5333, 5333, 2917, 2035, 1997]
    assert (
        ask("SELECT count(*) FROM opportunities_opportunityversion WHERE valid_from = valid_to")[0][0] > 1000
    ), "visits without length are kept"
    assert ask("SELECT count(*) FROM opportunities_opportunityversion WHERE stage_id IS NULL") == [(0,)]
    again = import_crm(data_set("bpi2012-loan"))
    assert again.counts() == (0, 0, 5333, 0, 0)


def test_a_salesforce_data_export_without_its_users() -> None:
    done = import_crm(data_set("sfdc-weekly-export"))
    assert (done.code, done.counts()) == (0, (31, 0, 0, 0, 0))
    assert outcomes("salesforce") == {"WON": (18, D(3645000)), "OPEN": (13, D(2115000))}
    unknown = Counter(p["file"] for p in done.problems("MISSING_PERSON") if p["column"] == "OwnerId")
    assert unknown == {"opportunity.csv": 31, "account.csv": 13}, "the import must say whose owner is unknown"
    assert ask(
        "SELECT sum(amount * probability / 100), sum(amount * probability / 100) FILTER (WHERE status = 'OPEN') FROM opportunities_opportunity"
    ) == [(D(4739500), D(1094500))]
    quarters = ask(
        "SELECT to_char(close_date, 'YYYY\"Q\"Q'), count(*), sum(amount), count(*) FILTER (WHERE status = 'WON') FROM opportunities_opportunity GROUP BY 1 ORDER BY 1"
    )
    assert quarters == [("2023Q3", 20, D(3325000), 11), ("2023Q4", 11, D(2435000), 7)]
    assert import_crm(data_set("sfdc-weekly-export")).counts() == (0, 0, 31, 0, 0)


def test_a_reversed_deal_counts_once_by_its_last_state() -> None:
    done = import_crm(data_set("sfdc-devorg"))
    assert (done.code, done.counts()) == (0, (36, 0, 0, 0, 0))
    assert outcomes("salesforce") == {
        "WON": (12, D(2815000)),
        "LOST": (8, D(830000)),
        "OPEN": (16, D(2115000)),
    }
    ever_won = ask(
        "SELECT count(DISTINCT opportunity_id) FROM opportunities_opportunityversion WHERE status = 'WON'"
    )
    assert ever_won == [(19,)]
    assert Opportunity.objects.filter(amount=None).count() == 5
    assert import_crm(data_set("sfdc-devorg")).counts() == (0, 0, 36, 0, 0)


def test_a_flattened_hubspot_export_without_identities() -> None:
    asked = import_crm(data_set("hubspot-small"))
    assert asked.code == 3
    assert "identity:hubspot_combined_v2.csv" in asked.open_questions()
    done = import_crm(
        data_set("hubspot-small"), "--answer", "identity=deal_name", "--answer", "missing-owners=create"
    )
    assert (done.code, done.counts()) == (0, (40, 0, 0, 0, 0))
    result = outcomes("hubspot")
    assert result == {"WON": (5, D("82894.32")), "LOST": (11, D("110474.06")), "OPEN": (24, D("305192.28"))}
    processes = dict(
        ask(
            "SELECT p.name, sum(amount) FROM opportunities_opportunity o JOIN opportunities_salesprocess p ON p.id = o.process_id GROUP BY 1"
        )
    )
    assert processes == {"Agency Pipeline": D("218692.57"), "Sales Pipeline": D("279868.09")}
    assert Account.objects.count() == 14
    assert not Opportunity.objects.exclude(close_date=None).exists(), "no close date is invented"
    assert import_crm(data_set("hubspot-small")).counts() == (0, 0, 40, 0, 0), (
        "identity and answers are remembered"
    )


def test_hubspot_connector_tables() -> None:
    done = import_crm(data_set("hubspot-connector"))
    assert done.counts() == (44, 0, 0, 0, 0)
    assert len(done.problems("ORPHAN_HISTORY")) == 14
    facts = ask(
        "SELECT count(*), count(owner_id), count(amount), count(process_id), count(stage_id), count(close_date) FROM opportunities_opportunity"
    )
    assert facts == [(44, 22, 0, 0, 0, 0)]
    assert Person.objects.count() == 100
    assert import_crm(data_set("hubspot-connector")).counts() == (0, 0, 44, 0, 0)


def test_a_lead_list_is_deals_only_where_it_says_so() -> None:
    done = import_crm(
        data_set("europe-crm-pipeline"),
        "--answer",
        "identity=Organization",
        "--answer",
        "missing-owners=create",
    )
    assert done.counts() == (867, 0, 0, 0, 2133)
    assert outcomes("lead-list") == {
        "WON": (83, D(183955)),
        "LOST": (61, D(200115)),
        "OPEN": (723, D(1911789)),
    }
    assert ask(
        "SELECT sum(amount * probability / 100) FROM opportunities_opportunity WHERE status = 'OPEN'"
    ) == [(D("873631.9"),)]
    countries = ask(
        "SELECT a.country, count(*), sum(amount) FROM opportunities_opportunity o JOIN opportunities_account a ON a.id = o.account_id "
        "WHERE a.country IN ('Italy', 'Germany') GROUP BY 1 ORDER BY 1"
    )
    assert countries == [("Germany", 124, D(330669)), ("Italy", 173, D(467429))]
    assert Account.objects.count() == 3000


def test_orders_become_won_deals_with_their_lines() -> None:
    done = import_crm(data_set("adventureworks-reseller"))
    assert done.code == 0
    assert done.report["rows"] == 57851
    assert outcomes("order-lines") == {"WON": (3616, D("77548570.20"))}
    assert ask("SELECT count(*), sum(amount), sum(quantity) FROM opportunities_opportunityline") == [
        (57851, D("77548570.20"), D(204114))
    ]
    territories = dict(
        ask(
            "SELECT t.name, sum(amount) FROM opportunities_opportunity o JOIN organization_territory t ON t.id = o.territory_id GROUP BY 1"
        )
    )
    assert territories["Southwest"] == D("18001116.10")
    assert territories["Canada"] == D("13875632.96")
    quotas = ask(
        "SELECT count(*), sum(amount) FROM territories_quota WHERE superseded_at > '9000-01-01' "
        "AND person_id IS NOT NULL"
    )
    assert quotas == [(809, D(676210000))]
    jae = ask(
        "SELECT sum(q.amount) FROM territories_quota q JOIN organization_person p ON p.id = q.person_id "
        "JOIN organization_fiscalperiod f ON f.id = q.period_id "
        "WHERE p.name = 'Jae Pak' AND f.from_date >= '2018-07-01' AND f.to_date <= '2019-07-01'"
    )
    assert jae == [(D(2350000),)]
    reps = dict(
        ask(
            "SELECT p.name, sum(amount) FROM opportunities_opportunity o JOIN organization_person p ON p.id = o.owner_id "
            "WHERE close_date >= '2018-07-01' AND close_date < '2019-07-01' GROUP BY 1"
        )
    )
    assert reps["Jae Pak"] == D("4393879.55")
    assert reps["Linda Mitchell"] == D("3863404.96")
    territories_are_worked_by_several_people()
    undo(done.report["batch"])
    assert not TerritoryMembership.objects.exists()


def territories_are_worked_by_several_people() -> None:
    assert ask(
        "SELECT count(*), count(DISTINCT person_id), count(DISTINCT territory_id), min(from_date), max(to_date) "
        "FROM organization_territorymembership"
    ) == [(39, 18, 10, dt.date(1900, 1, 1), dt.date(9999, 12, 31))]
    southwest = "SELECT p.name FROM organization_territorymembership m JOIN organization_person p ON p.id = m.person_id " \
        "JOIN organization_territory t ON t.id = m.territory_id WHERE t.name = 'Southwest' ORDER BY 1"  # fmt: skip
    assert [name for (name,) in ask(southwest)] == [
        "Brian Welcker", "Linda Mitchell", "Pamela Ansman-Wolfe", "Shu Ito", "Stephen Jiang",
    ]  # fmt: skip
    works_there = (
        "EXISTS (SELECT 1 FROM organization_territorymembership m WHERE m.person_id = o.owner_id "
        "AND m.territory_id = o.territory_id AND m.from_date <= o.close_date AND m.to_date > o.close_date)"
    )
    outside = ask(
        "SELECT count(*) FROM opportunities_opportunityline l JOIN opportunities_opportunity o ON o.id = l.opportunity_id "  # noqa: S608
        f"WHERE NOT {works_there}"
    )
    assert outside == [(19169,)]
    at_home = f"SELECT count(*) FROM opportunities_opportunity o JOIN organization_person p ON p.id = o.owner_id WHERE p.name = 'Jae Pak' AND {works_there}"  # noqa: S608
    assert ask(at_home) == [(0,)], "all he sold is in Canada, where he does not work"
    joined = "SELECT sum(o.amount) FROM opportunities_opportunity o JOIN organization_territorymembership m USING (territory_id)"
    assert ask(joined) == [(D("333966440.62"),)], "what must never be shown: the trap is there to fall into"


def test_tables_without_header() -> None:
    done = import_crm(data_set("adventureworks-oltp"))
    assert done.code == 4
    potential = ask(
        "SELECT count(*), sum(annual_revenue), count(DISTINCT postal_code) FROM opportunities_account"
    )
    assert potential == [(701, D(1110900000), 501)]
    euro = ExchangeRate.objects.get(currency_id="EUR", from_date="2023-06-30")
    assert euro.rate == (1 / D("1.1233")).quantize(D("0.0000000001"))
    who_worked_where_when()
    five_contradictions_are_told_and_nothing_is_invented(done)
    again = import_crm(data_set("adventureworks-oltp"))
    assert again.report["references"]["MEMBERSHIP"] == {
        "rows": 17, "created": 0, "updated": 0, "unchanged": 17, "rejected": 0, "repeated": 0,
    }  # fmt: skip
    undo(again.report["batch"])
    assert TerritoryMembership.objects.count() == 17
    undo(done.report["batch"])
    assert not TerritoryMembership.objects.exists()


def who_worked_where_when() -> None:
    stays = ask(
        "SELECT p.external_id, t.external_id, m.from_date, m.to_date FROM organization_territorymembership m "
        "JOIN organization_person p ON p.id = m.person_id JOIN organization_territory t ON t.id = m.territory_id "
        "ORDER BY p.external_id, m.from_date"
    )
    assert len(stays) == 17
    begin, open_end = dt.date(2022, 5, 30), dt.date(9999, 12, 31)
    moved = [stay for stay in stays if stay[0] in {"275", "277", "280", "282"}]
    assert moved == [
        ("275", "2", begin, dt.date(2023, 11, 30)), ("275", "3", dt.date(2023, 11, 30), open_end),
        ("277", "3", begin, dt.date(2023, 11, 30)), ("277", "2", dt.date(2023, 11, 30), open_end),
        ("280", "1", begin, dt.date(2023, 9, 30)),
        ("282", "6", begin, dt.date(2023, 5, 30)), ("282", "10", dt.date(2023, 5, 30), open_end),
    ]  # fmt: skip


def five_contradictions_are_told_and_nothing_is_invented(done: Outcome) -> None:
    told = done.problems("TERRITORY_CONTRADICTS")
    assert {problem["severity"] for problem in told} == {"WARNING"}
    assert [(problem["file"], problem["value"], problem["message"].split(";")[0]) for problem in told] == [
        ("SalesPerson.csv", home, f"is stated as the territory of {who}, who by the dated list works {now} today")
        for who, home, now in (
            ("275", "Northeast", "in Central"), ("277", "Central", "in Northeast"), ("280", "Northwest", "nowhere"),
            ("282", "Canada", "in United Kingdom"), ("289", "United Kingdom", "in Canada"),
        )
    ]  # fmt: skip
    homes = ask(
        "SELECT p.external_id, t.external_id FROM organization_person p JOIN organization_territory t ON t.id = p.territory_id "
        "WHERE p.external_id IN ('275', '277', '280', '282', '289') ORDER BY 1"
    )
    assert homes == [("275", "2"), ("277", "3"), ("280", "1"), ("282", "6"), ("289", "10")]
