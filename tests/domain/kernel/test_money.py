"""Rounding at named points, parts that sum exactly to the whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.kernel.money import AllocationError, allocate, exact_product, quantize_half_up, round_parts

CENTS = st.integers(-(10**15), 10**15).map(lambda n: Decimal(n).scaleb(-2))
WEIGHTS = st.lists(st.decimals(0, 10**9, places=4), min_size=1, max_size=40).filter(lambda w: sum(w) > 0)


@pytest.mark.parametrize(
    ("amount", "unit", "rounded"),
    [
        ("2.675", 2, "2.68"),
        ("-2.675", 2, "-2.68"),
        ("2.5", 0, "3"),
        ("0.0005", 3, "0.001"),
        ("1E+3", 2, "1000.00"),
    ],
)
def test_half_up_away_from_zero(amount: str, unit: int, rounded: str) -> None:
    assert quantize_half_up(Decimal(amount), unit) == Decimal(rounded)


def test_a_euro_in_three() -> None:
    assert allocate(Decimal("1.00"), [1, 1, 1]) == [Decimal("0.34"), Decimal("0.33"), Decimal("0.33")]
    assert allocate(Decimal("-1.00"), [1, 1, 1]) == [Decimal("-0.34"), Decimal("-0.33"), Decimal("-0.33")]
    assert allocate(Decimal("0"), [0, 0]) == [0, 0]


@given(CENTS, WEIGHTS)
def test_parts_sum_to_the_whole_and_stay_near_their_share(total: Decimal, weights: list[Decimal]) -> None:
    parts = allocate(total, weights)
    assert sum(parts) == total
    assert [-p for p in parts] == allocate(-total, weights)
    whole = sum(weights)
    assert all(abs(part * whole - total * weight) < Decimal("0.01") * whole + Decimal("1e-4") * whole
               for part, weight in zip(parts, weights, strict=True))  # fmt: skip


@given(st.lists(st.decimals(-(10**9), 10**9, places=6), max_size=40))
def test_rounded_parts_sum_to_the_rounded_total(amounts: list[Decimal]) -> None:
    parts = round_parts(amounts)
    assert sum(parts) == quantize_half_up(sum(amounts, Decimal(0)))
    assert all(abs(a - b) < Decimal("0.01") for a, b in zip(amounts, parts, strict=True))


def test_what_cannot_be_divided_is_said() -> None:
    with pytest.raises(AllocationError, match="whole number"):
        allocate(Decimal("1.005"), [1])
    with pytest.raises(AllocationError, match="sum to zero"):
        allocate(Decimal("1.00"), [1, -1])


def test_products_lose_no_digit() -> None:
    product = exact_product(Decimal("123456789012345.6789"), Decimal("1.0123456789"))
    assert str(product) == "124980946887517.14678750190521"
