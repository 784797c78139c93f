"""The short form of `make chaos`: each fault of the menu once, a few writers, and everything must hold."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest

from tests.chaos.driver import Run
from tests.chaos.faults import MENU
from tests.e2e.server import free_port

pytestmark = pytest.mark.slow
SEED = 20_261_125


def test_every_fault_of_the_menu_once() -> None:
    timeline: list[str] = []
    folder = Path(mkdtemp(prefix="chaos-", dir="/tmp"))  # socket paths must stay short
    folder.chmod(0o711)
    run = Run(
        folder,
        free_port(),
        seed=SEED,
        faults=len(MENU),
        writers=4,
        pause=0.9,
        deals=1_200,
        say=timeline.append,
        patience=3.0,
    )
    verdict = run.judge()
    told = "\n".join([*timeline, *verdict.lines()])
    assert not verdict.faults_found, told
    assert verdict.strikes >= len(MENU) - 2, told
    assert verdict.acknowledged > 100, told
    assert set(verdict.kinds) == {"change", "create", "bulk", "split", "remove", "quota"}, told
    assert any(recovery.what == "answers" and not recovery.is_cut for recovery in verdict.recoveries), told
    parents = [line for line in timeline if "worker's parent: " in line]
    assert any("nothing to hit" not in line for line in parents), told
    assert verdict.snapshots >= 10, told
    assert sum(verdict.shortages.values()) > 0, told
    rmtree(folder, ignore_errors=True)
