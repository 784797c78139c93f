"""Identities that nobody can tell apart stay two, and it is said of them."""

from __future__ import annotations

import unicodedata

import pytest

from opportunities.domain.import_look_alikes import plain
from opportunities.domain.import_mapping import Role
from opportunities.domain.import_references import ReferencePlan, gather_records
from opportunities.domain.import_refs import RefBook
from opportunities.domain.import_rows import Record
from salesops.kernel.tabular import Gatherer, Problem, Severity

PAIRS = [
    ("ACME-1", "\u0410\u0421\u041c\u0415-1", "Cyrillic letters"),
    ("ABOX", "\u0391\u0392\u039f\u03a7", "Greek letters"),
    ("ACME-1", "ＡＣＭＥ－１", "full width"),
    ("ACME-1", "AC\u200bME-1", "a blank of no width"),
    ("ACME-1", "\ufeffACME-1", "a byte order mark"),
    ("ACME-1", "ACME\u00ad-1", "a hyphen that is shown only at the end of a line"),
    ("ACME-1", "ACME\u20111", "a hyphen that does not break"),
    ("ACME 1", "ACME\u00a01", "a blank that does not break"),
    ("M\u00fcller", "Mu\u0308ller", "composed and not"),
    ("fi-1", "\ufb01-1", "a ligature"),
    ("\u0415\u0308-1", "\u00cb-1", "a Cyrillic letter with dots apart"),
    ("\u0410-1", "\u0391-1", "Cyrillic and Greek, neither of them Latin"),
]


@pytest.mark.parametrize(("one", "other", "why"), PAIRS)
def test_what_looks_alike_has_one_plain_form(one: str, other: str, why: str) -> None:
    assert one != other
    assert plain(one) == plain(other), why


def test_what_looks_different_has_not() -> None:
    different = [
        "a-1",
        "A-1",
        "b-1",
        "0-1",
        "O-1",
        "\u0416-1",
        "\u03a9-1",
        "\u00e4-1",
        "ae-1",
        "\u6771-1",
        "A1",
        "A 1",
    ]
    assert len({plain(identity) for identity in different}) == len(different)


def test_plain_text_and_composed_letters_are_as_they_look() -> None:
    """These, nearly all there are, need nobody's attention."""
    for identity in ("006Hp000015Yh7kIAC", "D-1 / x", "M\u00fcller & Sohn", "\u6771\u4eac-7"):
        assert plain(identity) == identity == unicodedata.normalize("NFC", identity)


def gathered(*accounts: dict[str, str], known: tuple[str, ...] = ()) -> tuple[list[str], list[Problem]]:
    """The keys of accounts taken, and what is told of them."""
    gather, book = Gatherer(), RefBook()
    for key in known:
        book.of(Role.ACCOUNT).add(key, name=key, ids=(key,))
    columns = {"external_id": "Account ID", "name": "Account"}
    rows = (
        ("a.csv", Record(Role.ACCOUNT, n, values, columns=columns), False)
        for n, values in enumerate(accounts, 2)
    )
    return list(
        gather_records(Role.ACCOUNT, rows, book, gather, ReferencePlan(Role.ACCOUNT))
    ), gather.problems


@pytest.mark.parametrize(("one", "other", "why"), PAIRS)
def test_two_of_one_export_stay_two_and_the_later_is_told(one: str, other: str, why: str) -> None:
    for first, second in ((one, other), (other, one)):
        keys, problems = gathered(
            *({"external_id": key, "name": f"N{n}"} for n, key in enumerate((first, second)))
        )
        assert keys == [first, second], why
        [problem] = problems
        assert (problem.file, problem.row, problem.column, problem.value) == (
            "a.csv",
            3,
            "Account ID",
            second,
        )
        assert (problem.code, problem.severity) == ("LOOKS_ALIKE", Severity.NOTE)
        assert f"looks like “{first}” of row 2" in problem.message
        assert "U+" in problem.message
        assert problem.cure


@pytest.mark.parametrize(("one", "other", "why"), PAIRS)
def test_one_that_looks_like_a_known_one_is_told(one: str, other: str, why: str) -> None:
    for first, second in ((one, other), (other, one)):
        keys, [problem] = gathered({"external_id": second, "name": "N"}, known=(first,))
        assert keys == [second], why
        assert f"looks like “{first}”, which is known" in problem.message


def test_of_two_that_are_known_the_one_in_disguise_is_told_again() -> None:
    _, problems = gathered({"external_id": "A-1"}, {"external_id": "\u0410-1"}, known=("A-1", "\u0410-1"))
    assert [(problem.row, problem.value) for problem in problems] == [(3, "\u0410-1")]
    assert "U+0410 CYRILLIC CAPITAL LETTER A" in problems[0].message


def test_records_without_identity_are_known_by_name() -> None:
    keys, [problem] = gathered({"name": "ACME"}, {"name": "A\u0421ME"})
    assert keys == ["ACME", "A\u0421ME"]
    assert (problem.column, problem.value) == ("Account", "A\u0421ME")


def test_a_whole_list_in_another_script_is_told_nothing() -> None:
    assert (
        gathered(*({"external_id": f"\u0421\u0414\u0415\u041b\u041a\u0410-{n}"} for n in range(50)))[1] == []
    )
