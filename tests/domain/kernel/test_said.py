"""Sentences that know no reader: English as they stand, kept with their parts, said again from what was kept."""

import datetime as dt

import pytest

from salesops.kernel.said import Said

DAY = dt.date(2026, 4, 3)


@pytest.mark.parametrize(
    ("said", "english"),
    [
        (Said("is empty"), "is empty"),
        (Said("100 % of nothing"), "100 % of nothing"),
        (Said("has %(found)s cells", found=3), "has 3 cells"),
        (Said("“%(file)s” %(why)s.", file='{"said": "50 %"}', why=Said("is empty")), '“{"said": "50 %"}” is empty.'),
        (Said("%(text)s is %(date)s", text="\0", date=DAY), "\0 is 03 Apr 2026"),
    ],
)  # fmt: skip
def test_what_was_kept_is_said_again_with_its_parts(said: Said, english: str) -> None:
    again = Said.again(said.kept())
    assert said == again == english
    assert (again.template, again.values) == (said.template, said.values)
    assert [type(value) for value in again.values.values()] == [type(value) for value in said.values.values()]


@pytest.mark.parametrize(
    "old",
    ["", "has 3 cells where", '["a list"]', "50 % (off)", '{"said": ["cut', '{"said": 1}x', '{"said": {}}'],
)
def test_what_was_kept_as_finished_english_or_was_cut_stays_that(old: str) -> None:
    assert (Said.again(old), Said.again(old).values) == (old, {})
