"""Values to SVG geometry: sparklines and bullet bars. Pure; knows nothing of templates or colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

Value = Decimal | int | float | None


@dataclass(frozen=True)
class Spark:
    """A sparkline in a ``width`` × ``height`` box: the line, the area under it, and the last point."""

    line: str
    area: str
    end_x: str
    end_y: str
    width: int
    height: int


def _text(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".") or "0"


def spark(values: Sequence[Value], width: int = 60, height: int = 18, pad: float = 2.0) -> Spark | None:
    """Path through ``values`` left to right; gaps (None) break the line. None with fewer than two known values.

    The vertical scale runs from the smallest to the largest value; a flat series lies in the middle.
    """
    known = [float(v) for v in values if v is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    span = high - low
    step = (width - 2 * pad) / (len(values) - 1)

    def place(index: int, value: float) -> tuple[float, float]:
        share = 0.5 if span == 0 else (value - low) / span
        return pad + index * step, height - pad - share * (height - 2 * pad)

    line, pen_down, points = [], False, []
    for index, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        x, y = place(index, float(value))
        line.append(f"{'L' if pen_down else 'M'}{_text(x)} {_text(y)}")
        points.append((x, y))
        pen_down = True
    last = points[-1]
    area = f"M{_text(points[0][0])} {height}" + "".join(f"L{_text(x)} {_text(y)}" for x, y in points)
    return Spark(
        "".join(line), f"{area}L{_text(last[0])} {height}Z", _text(last[0]), _text(last[1]), width, height
    )


@dataclass(frozen=True)
class Bullet:
    """A bullet bar in a 100-unit-wide box: solid bar, paler bar behind it, and the target mark.

    `overflow`: more than the box shows; its end is not the value's.
    """

    bar: str
    extra: str
    mark: str
    overflow: bool


REACH = 1.5
"""What every bullet's box holds, as a multiple of its target: bars under one another compare."""


def bullet(value: Value, target: Value, extra: Value = None) -> Bullet | None:
    """Geometry of ``value`` (and ``extra`` beyond it) against ``target``; None without a positive target or value."""
    if target is None or float(target) <= 0:
        return None
    solid = max(float(value or 0), 0.0)
    total = max(solid, float(extra or 0))
    scale = float(target) * REACH
    return Bullet(
        _text(100 * min(solid / scale, 1)),
        _text(100 * min(total / scale, 1)),
        _text(100 / REACH),
        total > scale,
    )
