"""Amounts of money: rounding at named points only, and parts that add up to the whole exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

EXACT = Context(prec=80, rounding=ROUND_HALF_UP)
"""Wide enough that products and sums of stored amounts, rates and percentages lose nothing."""


class AllocationError(ValueError):
    """The total cannot be divided as asked: it has more decimals than the currency, or nothing to divide by."""


def minor_step(minor_unit: int) -> Decimal:
    """The smallest coin: `minor_unit` 2 is 0.01, 0 is 1."""
    return Decimal(1).scaleb(-minor_unit)


def quantize_half_up(amount: Decimal, minor_unit: int = 2) -> Decimal:
    """The amount at the currency's decimals, halves away from zero. Only what is shown or paid is rounded."""
    return amount.quantize(minor_step(minor_unit), context=EXACT)


def exact_product(*factors: Decimal) -> Decimal:
    """The product without loss of digits, whatever the caller's decimal context."""
    result = Decimal(1)
    for factor in factors:
        result = EXACT.multiply(result, factor)
    return result


def exact_sum(amounts: Sequence[Decimal]) -> Decimal:
    """The sum without loss of digits; 0 of nothing."""
    result = Decimal(0)
    for amount in amounts:
        result = EXACT.add(result, amount)
    return result


def allocate(total: Decimal, weights: Sequence[Decimal | int], minor_unit: int = 2) -> list[Decimal]:
    """Divide `total` in proportion to `weights`, in whole coins that sum to it exactly (largest remainder).

    Coins left over go to the largest fractional remainders, the earlier part winning a tie. Negative totals are the
    mirror image of positive ones; negative weights are allowed as long as all of them together are not zero.
    Raises `AllocationError` when `total` is no whole number of coins or the weights sum to zero (a zero total of zero
    weights is zeros).
    """
    step = minor_step(minor_unit)
    coins = Fraction(total) / Fraction(step)
    if coins.denominator != 1:
        raise AllocationError(f"{total} is not a whole number of {step}.")
    whole = sum((Fraction(weight) for weight in weights), Fraction(0))
    if whole == 0:
        if total == 0:
            return [Decimal(0).quantize(step) for _ in weights]
        raise AllocationError("The weights sum to zero: there is nothing to divide by.")
    sign, size = (-1, -coins) if coins < 0 else (1, coins)
    shares = [size * Fraction(weight) / whole for weight in weights]
    parts = [share.numerator // share.denominator for share in shares]
    left = int(size) - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - shares[i], i))
    for index in by_remainder[:left]:
        parts[index] += 1
    return [EXACT.multiply(Decimal(sign * part), step) for part in parts]


def round_parts(amounts: Sequence[Decimal], minor_unit: int = 2) -> list[Decimal]:
    """Round each amount so that the rounded parts sum to the rounded total: for exported columns that must add up.

    Each part differs from its exact value by less than one coin.
    """
    step = minor_step(minor_unit)
    scaled = [Fraction(amount) / Fraction(step) for amount in amounts]
    parts = [value.numerator // value.denominator for value in scaled]
    total = quantize_half_up(exact_sum(amounts), minor_unit)
    left = int(Fraction(total) / Fraction(step)) - sum(parts)
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - scaled[i], i))
    for index in order[:left]:
        parts[index] += 1
    return [EXACT.multiply(Decimal(part), step) for part in parts]
