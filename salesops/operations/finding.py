"""What `doctor` says about one thing it looked at."""

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Literal

from django.utils import timezone

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at. Whatever is not well names its cure."""

    name: str
    state: State
    detail: str
    cure: str = ""

    def as_json(self) -> dict[str, str]:
        """As JSON values."""
        return asdict(self)


def in_zone(at: dt.datetime) -> str:
    """An instant to the minute with its zone: the reader's on a page, UTC on the command line."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M %Z}"
