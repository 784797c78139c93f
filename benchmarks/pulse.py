"""The same work again and again beside a load: tells a machine that is slower for a while from a product that is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Any

BEAT = 0.2
"""Seconds between two beats, each of some milliseconds: a fiftieth of one core."""
STEPS = 40_000
FAR = 8_000_000
PLACES = 40_000
"""So many numbers are read out of `FAR`, which no cache holds: memory is what others on the same hardware take."""


def beat_for_ever() -> None:
    """Prints at every beat the time, and the milliseconds of counting and of reading all over the memory."""
    import time

    import numpy as np

    memory = np.arange(FAR, dtype=np.int64)
    places = np.random.default_rng(1).integers(0, FAR, PLACES)
    with open(sys.stdout.fileno(), "w", buffering=1, closefd=False) as out:
        while True:
            begun, total = time.thread_time(), 0
            for step in range(STEPS):
                total += step * step % 7
            counted = time.thread_time()
            total += int(memory[places].sum())
            read = time.thread_time()
            out.write(
                f"{time.perf_counter():.2f} {(counted - begun) * 1e3:.3f} {(read - counted) * 1e3:.3f}\n"
            )
            time.sleep(BEAT)


@dataclass
class Pulse:
    """A process of its own that beats from entering to leaving; `beats` are (time, counting, reading) then, in
    milliseconds of processor."""

    beats: list[tuple[float, float, float]] = field(default_factory=list)
    _process: Any = None
    _told: Any = None

    def __enter__(self) -> Pulse:
        self._told = TemporaryFile("w+")
        command = "from benchmarks.pulse import beat_for_ever; beat_for_ever()"
        self._process = subprocess.Popen([sys.executable, "-c", command], stdout=self._told)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._told.seek(0)
        lines = self._told.read().split("\n")[:-1]  # the last one may be cut
        self._told.close()
        self.beats = [
            (float(at), float(counting), float(reading)) for at, counting, reading in map(str.split, lines)
        ]

    def between(self, first: float, last: float) -> list[tuple[float, float]]:
        """Counting and reading in that time."""
        return [(counting, reading) for at, counting, reading in self.beats if first <= at < last]
