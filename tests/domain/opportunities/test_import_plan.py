"""Mappings, questions, references and rows of an import, without a database."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from opportunities.crm.preset import FileHead
from opportunities.crm.recognise import PRESETS, recognise
from opportunities.crm.suggest import suggest_columns, suggest_file
from opportunities.domain.import_deals import DealReader, StageInfo, content_hash
from opportunities.domain.import_json import MappingError, mapping_from_json, mapping_to_json
from opportunities.domain.import_mapping import (
    Answers,
    ColumnMap,
    Extract,
    FileMapping,
    ImportMapping,
    Role,
    StageRule,
    signature_of,
)
from opportunities.domain.import_plan import (
    Plan,
    classify,
    guess_stage,
    settle,
    stage_rules,
)
from opportunities.domain.import_profile import profile_file
from opportunities.domain.import_references import (
    KnownReference,
    ReferencePlan,
    classify_references,
    gather_records,
    resolve_inside,
)
from opportunities.domain.import_refs import AMBIGUOUS, Names, RefBook, canonical_id
from opportunities.domain.import_repairs import MOST_COMPARED, repair_questions
from opportunities.domain.import_rows import Record, extract_reader
from opportunities.domain.import_typing import QuestionKind
from salesops.kernel.archive import SourceFile, open_table
from salesops.kernel.dates import DateOrder
from salesops.kernel.numbers import NumberStyle
from salesops.kernel.tabular import Gatherer, Row, Severity, Table

DEAL = {"external_id": "Id", "name": "Name", "stage": "Stage", "amount": "Amount", "close_date": "Close"}


def opened(tmp_path: Path, rows: list[list[str]], name: str = "deals.csv") -> Table:
    path = tmp_path / name
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return open_table(SourceFile(path, name))


def mapped(columns: dict[str, str] = DEAL, **more: object) -> ImportMapping:
    part = Extract(Role.OPPORTUNITY, {field: ColumnMap(column) for field, column in columns.items()}, **more)  # type: ignore[arg-type]
    return ImportMapping(source="test", files=(FileMapping("deals.csv", "sig", (part,)),))


def profiled(tmp_path: Path, rows: list[list[str]], mapping: ImportMapping) -> dict[str, object]:
    table = opened(tmp_path, rows)
    return {"deals.csv": profile_file(table, mapping.files[0], Gatherer(), set())}


HEADER = ["Id", "Name", "Stage", "Amount", "Close"]


def test_a_mapping_survives_json() -> None:
    for preset in PRESETS.values():
        mapping = ImportMapping(
            preset=preset.code, files=tuple(FileMapping(f"{n}.csv", "", p.extracts, p.columns) for n, p in enumerate(preset.patterns)),
            stages=preset.base.stages, statements=preset.base.statements,
        )  # fmt: skip
        assert mapping_from_json(mapping_to_json(mapping)) == mapping


@pytest.mark.parametrize("data", [[], {"sourc": "x"}, {"files": [{"extracts": [{"role": "NONE"}]}]},
                                  {"files": [{"extracts": [{"role": "ACCOUNT", "columns": {"nme": "x"}}]}]}])  # fmt: skip
def test_a_wrong_mapping_is_refused_in_words(data: object) -> None:
    with pytest.raises(MappingError):
        mapping_from_json(data)


def test_the_signature_does_not_depend_on_order_or_case() -> None:
    assert signature_of(("Id", "Name")) == signature_of(("name", "ID"))


def test_ambiguous_dates_and_decimals_are_asked_with_what_they_would_become(tmp_path: Path) -> None:
    mapping = mapped()
    profiles = profiled(tmp_path, [HEADER, ["1", "a", "Won", "1,234", "03/04/2026"]], mapping)
    _, questions = settle(mapping, profiles, Answers())  # type: ignore[arg-type]
    assert [q.kind for q in questions] == [QuestionKind.DECIMAL_MARK, QuestionKind.DATE_ORDER]
    assert "04 Mar 2026" in questions[1].options[1].label
    settled, left = settle(mapping, profiles, Answers({"date-order": "DMY", "decimal:Amount": "COMMA"}))  # type: ignore[arg-type]
    columns = settled.files[0].extracts[0].columns
    assert left == []
    assert (columns["close_date"].order, columns["amount"].style) == (DateOrder.DMY, NumberStyle.COMMA)


@pytest.mark.parametrize(
    ("dates", "shown"),
    [
        (["05/05/2026", "03/04/2026"], ["Day first: 03/04/2026 is 03 Apr 2026", "Month first: 03/04/2026 is 04 Mar 2026"]),
        (["13/05/2026", "05/13/2026", "02/01/2026"], ["Day first: 02/01/2026 is 02 Jan 2026", "Month first: 02/01/2026 is 01 Feb 2026"]),
        (["13/05/2026", "05/13/2026"], ["Day first: 13/05/2026 is 13 May 2026", "Month first"]),
    ],
)  # fmt: skip
def test_the_order_of_dates_is_asked_with_a_value_that_tells_them_apart(
    tmp_path: Path, dates: list[str], shown: list[str]
) -> None:
    mapping = mapped()
    rows = [HEADER, *([str(n), "a", "Won", "5", date] for n, date in enumerate(dates))]
    _, [question] = settle(mapping, profiled(tmp_path, rows, mapping), Answers())  # type: ignore[arg-type]
    assert [option.label for option in question.options] == shown


def test_what_the_values_decide_is_not_asked(tmp_path: Path) -> None:
    mapping = mapped()
    rows = [HEADER, ["1", "a", "Won", "1,234.5", "03/04/2026"], ["2", "b", "Won", "7", "12/31/2026"]]
    settled, questions = settle(mapping, profiled(tmp_path, rows, mapping), Answers())  # type: ignore[arg-type]
    assert questions == []
    assert settled.files[0].extracts[0].columns["close_date"].order is DateOrder.MDY


def test_without_identity_the_natural_key_is_asked(tmp_path: Path) -> None:
    mapping = mapped({"name": "Name", "stage": "Stage"})
    rows = [["Name", "Stage", "Email"], ["a", "Won", "x@y"], ["b", "Won", "z@y"]]
    _, questions = settle(mapping, profiled(tmp_path, rows, mapping), Answers())  # type: ignore[arg-type]
    assert [option.value for option in questions[0].options] == ["Name", "Email"]
    settled, left = settle(mapping, profiled(tmp_path, rows, mapping), Answers({"identity": "Name+Email"}))  # type: ignore[arg-type]
    assert left == []
    assert settled.files[0].extracts[0].identity == ("Name", "Email")


def test_two_columns_together_may_identify(tmp_path: Path) -> None:
    mapping = mapped({"name": "Name", "stage": "Stage"})
    rows = [["Name", "Stage", "Year"], ["a", "Won", "1"], ["a", "Won", "2"], ["b", "Won", "1"]]
    _, questions = settle(mapping, profiled(tmp_path, rows, mapping), Answers())  # type: ignore[arg-type]
    assert questions[0].suggestion == "Name+Year"


def test_unknown_stages_are_asked_with_a_proposal_known_ones_are_not(tmp_path: Path) -> None:
    mapping = replace(mapped(), stages=(StageRule("Won", "WON", "WON"),))
    profiles = profiled(
        tmp_path, [HEADER, ["1", "a", "Won", "1", ""], ["2", "b", "Verbal yes", "1", ""]], mapping
    )
    rules, questions = stage_rules(mapping, profiles.values(), RefBook(), Answers())  # type: ignore[arg-type]
    assert [(q.key, q.suggestion, q.count) for q in questions] == [("stage:Verbal yes", "COMMIT", 1)]
    rules, questions = stage_rules(
        mapping, profiles.values(), RefBook(), Answers({"stage:Verbal yes": "UPSIDE"})
    )  # type: ignore[arg-type]
    assert questions == []
    assert (rules["verbal yes"].status, rules["verbal yes"].category) == ("OPEN", "UPSIDE")


def test_the_rows_own_flags_say_what_a_stage_means(tmp_path: Path) -> None:
    columns = DEAL | {
        "is_closed": "IsClosed",
        "is_won": "IsWon",
        "forecast_category": "FC",
        "probability": "P",
    }
    mapping = mapped(columns)
    rows = [
        [*HEADER, "IsClosed", "IsWon", "FC", "P"], ["1", "a", "Signed off", "1", "", "1", "1", "Closed", "100"],
        ["2", "b", "Parked", "1", "", "0", "0", "BestCase", "30"], ["3", "c", "Gone", "1", "", "1", "0", "Omitted", "0"],
    ]  # fmt: skip
    rules, questions = stage_rules(mapping, profiled(tmp_path, rows, mapping).values(), RefBook(), Answers())  # type: ignore[arg-type]
    assert questions == []
    assert [(rules[n].status, rules[n].category) for n in ("signed off", "parked", "gone")] == [
        ("WON", "WON"),
        ("OPEN", "UPSIDE"),
        ("LOST", "LOST"),
    ]


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("Closed Lost", ("LOST", "LOST")),
        ("Gewonnen", ("WON", "WON")),
        ("Negotiation", ("OPEN", "COMMIT")),
        ("Hello", ("OPEN", "PIPELINE")),
    ],
)
def test_guesses(name: str, meaning: tuple[str, str]) -> None:
    assert guess_stage(name) == meaning


def products() -> RefBook:
    book = RefBook()
    for name in ("GTX Pro", "GTX Plus Pro", "MG Special"):
        book.of(Role.PRODUCT).add(name, name=name, ids=(name,))
    return book


def test_a_mistyped_value_is_asked_once_with_its_rows() -> None:
    values, first = {"GTXPro": 1480, "GTX Pro": 5, "Zebra": 1}, {"GTXPro": 3}
    questions = repair_questions(Role.PRODUCT, "product", "f.csv", values, first, products(), Answers())
    assert [(q.key, q.suggestion, q.count, q.first_row) for q in questions] == [
        ("repair:product:GTXPro", "GTX Pro", 1480, 3)
    ]
    answered = Answers(repairs={("product", "GTXPro"): "GTX Pro"})
    assert repair_questions(Role.PRODUCT, "product", "f.csv", values, first, products(), answered) == []


def test_values_without_number_are_not_each_compared_with_every_name() -> None:
    """A column of something else has as many as the file has rows; a person answers hundreds of questions at most."""
    values = {"GTX-Pro" + "." * n: 1 for n in range(MOST_COMPARED + 50)}
    questions = repair_questions(Role.PRODUCT, "product", "f.csv", values, {}, products(), Answers())
    assert [q.suggestion for q in questions] == ["GTX Pro"] * MOST_COMPARED
    known = {"GTX Pro": 9, **values}
    assert (
        len(repair_questions(Role.PRODUCT, "product", "f.csv", known, {}, products(), Answers()))
        == MOST_COMPARED
    )


def test_names_are_found_exactly_and_never_by_resemblance() -> None:
    names = products().of(Role.PRODUCT)
    assert names.find("gtx  pro") == "GTX Pro"
    assert names.find("GTXPro") is None
    two = Names()
    two.add("1", name="Ann", ids=("1",))
    two.add("2", name="ann", ids=("2",))
    assert two.find("Ann") == AMBIGUOUS
    assert two.find("2") == "2"


def test_salesforce_identities_of_15_and_18_characters_are_one() -> None:
    assert canonical_id("006Hp000015Yh7k", "salesforce") == "006Hp000015Yh7kIAC"
    names = Names()
    names.add("a", ids=("006Hp000015Yh7kIAC",))
    assert names.find("006Hp000015Yh7k") == "a"


def test_identical_records_are_one_differing_ones_are_told() -> None:
    gather, plan, book = Gatherer(), ReferencePlan(Role.ACCOUNT), RefBook()
    records = [
        ("a.csv", Record(Role.ACCOUNT, 2, {"name": "Acme", "country": "DE"}), False),
        ("a.csv", Record(Role.ACCOUNT, 3, {"name": "Acme", "country": "DE"}), False),
        (
            "a.csv",
            Record(Role.ACCOUNT, 4, {"name": "Acme", "country": "FR"}, columns={"country": "Land"}),
            False,
        ),
    ]
    found = gather_records(Role.ACCOUNT, records, book, gather, plan)
    assert found["Acme"].values["country"] == "DE"
    assert [(p.row, p.column, p.code) for p in gather.problems] == [(4, "Land", "DUPLICATE")], (
        "as the file says"
    )


def test_references_are_created_changed_or_left() -> None:
    gather, plan, book = Gatherer(), ReferencePlan(Role.ACCOUNT), RefBook()
    records = [
        (
            "a.csv",
            Record(
                Role.ACCOUNT,
                n,
                {"external_id": key, "name": key, "parent": "X"},
                columns={"parent": "Belongs to"},
            ),
            False,
        )
        for n, key in enumerate("ABC")
    ]
    found = gather_records(Role.ACCOUNT, records, book, gather, plan)
    missing: dict[tuple[Role, str], int] = {}
    resolve_inside(Role.ACCOUNT, found, book, gather, missing=missing)
    known = {"A": KnownReference(1, {"name": "A"}), "B": KnownReference(2, {"name": "old"})}
    classify_references(plan, found, known)
    assert (set(plan.unchanged), set(plan.updated), set(plan.created)) == ({"A"}, {"B"}, {"C"})
    assert missing == {(Role.ACCOUNT, "X"): 3}
    assert [(p.row, p.column, p.value) for p in gather.problems] == [(n, "Belongs to", "X") for n in range(3)]


def read(
    columns: dict[str, ColumnMap], cells: list[str], header: list[str], answers: Answers = Answers()
) -> tuple[Record | None, Gatherer]:
    gather = Gatherer()
    reader = extract_reader(Extract(Role.OPPORTUNITY, columns), "f.csv", tuple(header), answers, gather)
    return reader.one(Row(7, cells)), gather


def test_a_value_that_cannot_be_read_names_row_column_value_cause_and_cure() -> None:
    record, gather = read({"amount": ColumnMap("Amount")}, ["1_000"], ["Amount"])
    assert record is not None
    assert record.is_rejected
    problem = gather.problems[0]
    assert (problem.file, problem.row, problem.column, problem.value) == ("f.csv", 7, "Amount", "1_000")
    assert "underscore" in problem.message
    assert problem.cure


def test_scales_blanks_repairs_and_constants() -> None:
    columns = {
        "amount": ColumnMap("Revenue", scale="1000000"), "owner": ColumnMap("Owner", blanks=("000000000000000AAA",)),
        "product": ColumnMap("Product"), "currency": ColumnMap(constant="EUR"),
    }  # fmt: skip
    answers = Answers(repairs={("product", "GTXPro"): "GTX Pro"})
    record, _ = read(
        columns, ["1.5", "000000000000000AAA", "GTXPro"], ["Revenue", "Owner", "Product"], answers
    )
    assert record is not None
    assert record.values == {"amount": Decimal(1500000), "product": "GTX Pro", "currency": "EUR"}


def test_zero_dates_are_blank_and_odd_values_left_out() -> None:
    columns = {"close_date": ColumnMap("C"), "probability": ColumnMap("P")}
    record, gather = read(columns, ["0000-00-00", "140"], ["C", "P"])
    assert record is not None
    assert (record.values, record.is_rejected) == ({}, False)
    assert {(p.code, p.severity) for p in gather.problems} == {
        ("ZERO_DATE", Severity.NOTE),
        ("OUT_OF_RANGE", Severity.WARNING),
    }


def deals(**more: object) -> DealReader:
    book = RefBook()
    book.of(Role.PROCESS).add("Sales", name="Sales")
    book.add_stage("Sales / Won", "Sales", ("Won",))
    book.add_stage("Sales / Talk", "Sales", ("Talk",))
    stages = {
        "Sales / Won": StageInfo("Sales / Won", "WON", "WON"),
        "Sales / Talk": StageInfo("Sales / Talk", "OPEN", "UPSIDE"),
    }
    return DealReader(
        book, stages, dt.UTC, dt.UTC, "USD", "Sales", Gatherer(), frozenset({"USD", "EUR"}), **more
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "status", "category"),
    [
        ({"stage": "Won"}, "WON", "WON"), ({"stage": "Talk"}, "OPEN", "UPSIDE"), ({}, "OPEN", "PIPELINE"),
        ({"stage": "Talk", "forecast_category": "Commit"}, "OPEN", "COMMIT"), ({"stage": "Talk", "outcome": "Lost"}, "LOST", "LOST"),
        ({"stage": "Won", "is_closed": True, "is_won": False}, "LOST", "LOST"), ({"stage": "Talk", "is_won": True}, "WON", "WON"),
    ],
)  # fmt: skip
def test_outcome_and_category(values: dict[str, object], status: str, category: str) -> None:
    state, _ = deals().deal(Record(Role.OPPORTUNITY, 2, dict(values), "k"), {})
    assert (state["status"], state["category"]) == (status, category)


def test_an_unknown_owner_is_reported_and_the_deal_kept_or_rejected_as_decided() -> None:
    reader, record = deals(), Record(Role.OPPORTUNITY, 2, {"owner": "Nobody"}, "k")
    state, _ = reader.deal(record, {"owner": "Rep"})
    assert (state["owner"], record.is_rejected) == (None, False)
    problem = reader.gather.problems[0]
    assert (problem.column, problem.value, problem.code) == ("Rep", "Nobody", "MISSING_PERSON")
    strict, record = deals(on_missing_owner="reject"), Record(Role.OPPORTUNITY, 2, {"owner": "Nobody"}, "k")
    strict.deal(record, {})
    assert record.is_rejected


def test_an_unknown_currency_rejects_the_row() -> None:
    record = Record(Role.OPPORTUNITY, 2, {"currency": "XXQ"}, "k")
    deals().deal(record, {})
    assert record.is_rejected


def test_a_midnight_stamp_is_a_date_and_another_stamp_a_local_day() -> None:
    reader = deals()
    state, _ = reader.deal(Record(Role.OPPORTUNITY, 2, {"close_date": dt.datetime(2023, 9, 6)}, "k"), {})
    assert state["close_date"] == dt.date(2023, 9, 6)


def test_the_hash_tells_content_not_form() -> None:
    assert content_hash({"a": Decimal("1.0"), "b": None}) == content_hash({"b": None, "a": Decimal("1.00")})
    assert content_hash({"a": Decimal(1)}) != content_hash({"a": Decimal(2)})
    assert -(2**63) <= content_hash("x") < 2**63


def test_rows_in_are_all_accounted_for() -> None:
    verdicts = classify([("a", 1), ("b", 2), ("c", 3)], {"a": 1, "b": 9})
    assert verdicts == {"a": "UNCHANGED", "b": "UPDATED", "c": "CREATED"}
    assert Plan(rows=6, created=1, updated=1, unchanged=1, rejected=2, set_aside=1).balances()
    assert not Plan(rows=6, created=1).balances()


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (("Id", "Name", "StageName", "Amount", "CloseDate", "IsWon", "IsClosed"), "salesforce"),
        (("Opportunity Name", "Stage", "Close Date", "Amount"), "salesforce-report"),
        (("Record ID", "Deal Name", "Deal Stage", "Pipeline", "Amount"), "hubspot"),
        (("Topic", "Status", "Est. Close Date", "Est. Revenue", "Owner"), "dynamics"),
        (("Deal - ID", "Deal - Title", "Deal - Stage", "Deal - Status", "Deal - Value"), "pipedrive"),
        (("opportunity_id", "sales_agent", "deal_stage", "close_date", "close_value"), "sales-pipeline"),
    ],
)
def test_formats_are_recognised_by_their_headers(header: tuple[str, ...], code: str) -> None:
    found = recognise([FileHead("export.csv", header)])
    assert found is not None
    assert found.preset == code


def test_unknown_headers_get_suggestions_and_strange_ones_none() -> None:
    header = (
        "Deal ID",
        "Opportunity",
        "Customer",
        "Sales Rep",
        "Phase",
        "Deal Value, $",
        "Closing Date",
        "Colour",
    )
    found = {s.column: s.field for s in suggest_columns(Role.OPPORTUNITY, header)}
    assert found == {
        "Deal ID": "external_id", "Opportunity": "name", "Customer": "account", "Sales Rep": "owner", "Phase": "stage",
        "Deal Value, $": "amount", "Closing Date": "close_date",
    }  # fmt: skip
    assert suggest_file(FileHead("x.csv", ("kode", "wert"))) is None
