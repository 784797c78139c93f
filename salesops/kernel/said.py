"""What code that knows no reader says to people: English sentences that can still be said in another language."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress
from typing import Any

Value = str | int | dt.date
"""What stands in a sentence; a `Said` among them is said in the reader's language too, a date is written in it."""
_KEPT = '{"said": '


class Said(str):
    """An English sentence that keeps the template and the values it was made of.

    What is wrong with a file is found long before anybody reads it, and is kept. So its words travel with their parts
    (`kept` and `again`), and `salesops.ui.words.in_words` says them in the language of whoever reads them. A template
    is written out where it is used: `manage.py translations` collects it from there.
    """

    __slots__ = ("template", "values")
    template: str
    values: dict[str, Value]

    def __new__(cls, template: str, /, **values: Value) -> Said:
        shown = {name: _in_english(value) for name, value in values.items()}
        said = super().__new__(cls, template % shown if values else template)
        said.template, said.values = template, values
        return said

    def kept(self) -> str:
        """The sentence as text to keep: a template without values as it is, else template and values."""
        return json.dumps({"said": _parts(self)}, ensure_ascii=False) if self.values else self.template

    @staticmethod
    def again(text: str) -> Said:
        """A sentence from what was kept of it; one kept as finished English, or cut, is shown as it is."""
        if text.startswith(_KEPT):
            with suppress(ValueError, KeyError, TypeError):
                return _whole(json.loads(text)["said"])  # type: ignore[return-value]
        return Said(text)


class BadValue(ValueError):
    """A text that cannot be read as what it should be."""

    def __init__(self, why: Said) -> None:
        super().__init__(why)
        self.why = why


def _in_english(value: Value) -> str:
    return f"{value:%d %b %Y}" if isinstance(value, dt.date) else str(value)


def _parts(value: Value) -> Any:
    if isinstance(value, Said):
        return [value.template, {name: _parts(part) for name, part in value.values.items()}]
    return {"date": value.isoformat()} if isinstance(value, dt.date) else value


def _whole(part: Any) -> Value:
    if isinstance(part, list):
        template, values = part
        return Said(template, **{name: _whole(value) for name, value in values.items()})
    return dt.date.fromisoformat(part["date"]) if isinstance(part, dict) else part  # type: ignore[no-any-return]
