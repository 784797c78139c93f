"""How much of the machine others took: what this run and the product did not use is no fault of theirs.

Linux tells how busy the processors were and how much of that each process used; the rest was somebody else's.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

MOST = 4.0
"""A bar is never stretched further, whatever others do."""


class Slowness(threading.Thread):
    """Notes twice a second how busy the processors were, and how busy with this run."""

    def __init__(self, root: int, over: threading.Event) -> None:
        super().__init__(name="slowness", daemon=True)
        self.root, self.over = root, over
        self.processors = len(os.sched_getaffinity(0))
        self.samples: list[tuple[float, float, float]] = []

    def run(self) -> None:
        """Until told that it is over."""
        while True:
            self.samples.append((time.monotonic(), busy_seconds(), own_seconds(self.root)))
            if self.over.wait(0.5):
                return

    def between(self, begin: float, end: float) -> float:
        """How many times longer work may have taken, because others were at work too; 1 on a machine of one's own."""
        return slowness(self.samples, begin, end, self.processors)


def slowness(samples: list[tuple[float, float, float]], begin: float, end: float, processors: int) -> float:
    """The processors there are by those that others left, over the samples (instant, busy, own) around an interval."""
    before = [sample for sample in samples if sample[0] <= begin][-1:] or samples[:1]
    after = [sample for sample in samples if sample[0] >= end][:1] or samples[-1:]
    if not before or after[0][0] <= before[0][0]:
        return 1.0
    seconds, busy, own = (b - a for a, b in zip(before[0], after[0], strict=True))
    others = max(0.0, busy - own) / seconds
    return min(MOST, processors / max(processors - others, processors / MOST))


def busy_seconds() -> float:
    """Processor time anybody used on the processors we may use, since the machine began."""
    ours = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    ticks = 0
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *numbers = line.split()
        if name in ours:
            user, nice, system, _idle, _waiting, *more = (int(number) for number in numbers)
            ticks += user + nice + system + sum(more[:3])
    return ticks / os.sysconf("SC_CLK_TCK")


def own_seconds(root: int) -> float:
    """Processor time of this process and of all below `root`, those that ended included."""
    ticks, left = sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK"), [root]
    while left:
        pid = left.pop()
        with suppress(OSError, IndexError):
            fields = (
                Path(f"/proc/{pid}/stat")
                .read_text(encoding="utf-8", errors="replace")
                .rsplit(")", 1)[1]
                .split()
            )
            ticks += sum(int(number) for number in fields[11:15])
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                left += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
    return ticks / os.sysconf("SC_CLK_TCK")
