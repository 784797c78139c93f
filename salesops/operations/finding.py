"""What `doctor` says about one thing it looked at."""

from dataclasses import asdict, dataclass
from typing import Literal

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
