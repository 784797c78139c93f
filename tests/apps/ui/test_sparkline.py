"""Geometry of sparklines and bullets."""

from salesops.ui.sparkline import bullet, spark


def test_a_rising_series_ends_top_right() -> None:
    shape = spark([0, 5, 10], width=60, height=18, pad=2)
    assert shape is not None
    assert shape.line == "M2 16L30 9L58 2"
    assert (shape.end_x, shape.end_y) == ("58", "2")


def test_a_flat_series_lies_in_the_middle() -> None:
    shape = spark([7, 7], height=18)
    assert shape is not None
    assert shape.end_y == "9"


def test_gaps_break_the_line() -> None:
    shape = spark([1, None, 3, 4])
    assert shape is not None
    assert shape.line.count("M") == 2


def test_one_value_is_no_line() -> None:
    assert spark([3]) is None
    assert spark([None, 3]) is None
    assert spark([]) is None


def test_bullet_places_value_reach_and_target_on_one_scale() -> None:
    shape = bullet(50, 100, 80)
    assert shape is not None
    assert (shape.bar, shape.extra, shape.mark) == ("33.3", "53.3", "66.7")
    assert not shape.overflow


def test_bullets_under_one_another_have_one_scale() -> None:
    marks = {shape.mark for shape in (bullet(0, 100), bullet(50, 100, 400), bullet(300, 100)) if shape}
    assert marks == {"66.7"}


def test_bullet_above_target_still_fits() -> None:
    shape = bullet(300, 100)
    assert shape is not None
    assert shape.bar == "100"
    assert shape.overflow


def test_bullet_needs_a_target() -> None:
    assert bullet(5, 0) is None
    assert bullet(5, None) is None
