"""The clock's process does not go on with a thread less."""

import threading
from collections.abc import Sequence

import pytest
from django.core.management import CommandError, call_command

from salesops.management.commands import beat


def test_a_lane_that_dies_ends_the_process_so_that_another_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    other_ended = threading.Event()

    def lane(queues: Sequence[str], over: threading.Event) -> None:
        if queues == beat.LANES[0]:
            raise MemoryError
        over.wait(30)
        other_ended.set()

    monkeypatch.setattr(beat, "_work", lane)
    monkeypatch.setattr(beat.signal, "signal", lambda *_: None)
    monkeypatch.setattr(beat.schedule, "due", list)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with pytest.raises(CommandError, match="have died"):
        call_command("beat", run_jobs=True)
    assert other_ended.is_set()
