"""How a number came about: a tree of steps that a person can recompute by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Step:
    """One step of a calculation: what went in, which parameter applied, what came out, and the steps beneath."""

    name: str
    value: Decimal
    formula: str = ""
    inputs: Mapping[str, Decimal | str] = field(default_factory=dict)
    parameters: Mapping[str, Decimal | str] = field(default_factory=dict)
    children: tuple[Step, ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Step]]:
        """This step and all beneath it, each with its depth, in reading order."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)

    def sums_up(self) -> bool:
        """Whether the children's values add up to this value (a step without children does)."""
        return not self.children or sum((child.value for child in self.children), Decimal(0)) == self.value
