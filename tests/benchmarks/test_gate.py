"""The gate of `make bench`: a line is compared with what was recorded for it; without a record its bar decides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import recorded
from benchmarks.measuring import Result, line
from benchmarks.recorded import NOISE, Recorded


def measured(
    ratio: float, *, name: str = "page_root", target: float | None = 5.0, high: float = 0.0
) -> Result:
    return Result(
        name, "a page", ratio, 1.0, "/help/", ratio, target, ratio * 0.9, high or ratio * 1.1, "all 200"
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def kept(folder: Path) -> Recorded:
    """A page that met its bar (worst round 4.4), one that missed it by far (worst round 13), a line without a bar."""
    Recorded.of(20_000).keep(
        [measured(4.0), measured(12.0, name="page_slow", high=13.0), measured(2.0, name="told", target=None)]
    )
    return Recorded.of(20_000)


def test_worse_than_the_worst_recorded_round_by_more_than_the_noise_fails(kept: Recorded) -> None:
    assert kept.is_worse(measured(4.4 * NOISE + 0.01))
    assert kept.is_worse(measured(13 * NOISE + 0.01, name="page_slow"))
    assert kept.is_worse(measured(2.2 * NOISE + 0.01, name="told", target=None))


def test_within_the_noise_passes_whatever_the_bar_says(kept: Recorded) -> None:
    assert not kept.is_worse(measured(4.4 * NOISE - 0.01))
    assert not kept.is_worse(measured(13 * NOISE - 0.01, name="page_slow"))
    assert not kept.is_worse(measured(2.2 * NOISE - 0.01, name="told", target=None))


def test_better_passes(kept: Recorded) -> None:
    assert not kept.is_worse(measured(1.0))
    assert not kept.is_worse(measured(6.0, name="page_slow"))


def test_a_line_nobody_recorded_is_judged_by_its_bar(kept: Recorded) -> None:
    assert kept.is_worse(measured(5.01, name="page_new"))
    assert not kept.is_worse(measured(5.0, name="page_new"))
    assert not kept.is_worse(measured(99.0, name="page_told", target=None))


def test_another_size_has_a_record_of_its_own(kept: Recorded) -> None:
    assert not Recorded.of(1_000_000).lines
    assert Recorded.of(1_000_000).is_worse(measured(12.0, name="page_slow"))


def test_a_ratio_without_rounds_is_compared_by_itself(folder: Path) -> None:
    Recorded.of(300).keep([Result("fold", "slope", 1.0, 1.0, "exponent", 0.8, 1.1)])
    assert Recorded.of(300).is_worse(Result("fold", "slope", 1.0, 1.0, "exponent", 0.8 * NOISE + 0.01, 1.1))
    assert not Recorded.of(300).is_worse(
        Result("fold", "slope", 1.0, 1.0, "exponent", 0.8 * NOISE - 0.01, 1.1)
    )


def test_a_missed_bar_is_shown_and_so_is_what_became_worse(kept: Recorded) -> None:
    def told(result: Result) -> str:
        return line(result) + kept.words(result)

    met, missed, worse = measured(4.0), measured(12.0, name="page_slow"), measured(20.0, name="page_slow")
    assert "MISSED" not in told(met)
    assert "(bar 5, MISSED)" in told(missed)
    assert "WORSE" not in told(missed)
    assert told(missed).endswith("recorded 12.00")
    assert told(worse).endswith("recorded 12.00 WORSE")
    assert "recorded" not in told(measured(1.0, name="page_new"))


def test_what_is_recorded_anew_replaces_only_lines_of_its_name(kept: Recorded) -> None:
    kept.keep([measured(3.0)])
    ratios = {name: kept_line["ratio"] for name, kept_line in Recorded.of(20_000).lines.items()}
    assert ratios == {"page_root": 3.0, "page_slow": 12.0, "told": 2.0}


def test_the_records_in_the_repository_can_be_compared_with() -> None:
    files = sorted(recorded.FOLDER.glob("*.json"))
    assert files
    for path in files:
        for name, found in json.loads(path.read_text()).items():
            assert set(found) == set(recorded.KEPT), (path.name, name)
            assert 0 < found["low"] <= found["ratio"] <= found["high"], (path.name, name)
