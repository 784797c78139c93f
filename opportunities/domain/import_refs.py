"""Who or what a text in the file refers to: by identity, e-mail or exact name, never by resemblance.

Resemblance only makes *suggestions*, which a person confirms once per value.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field

from opportunities.domain.import_look_alikes import plain
from opportunities.domain.import_mapping import Role

_SALESFORCE_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?", re.ASCII)
_LOOSE = re.compile(r"[\W_]+")
AMBIGUOUS = "\x00ambiguous"
FOUND_ELSEWHERE = (
    "People whom this source does not have are found by their exact name among those of other sources."
)
CLOSE = 0.84
"""Similarity from which a name is suggested for another."""


def fold(text: str) -> str:
    """A name for comparison: case folded, blanks collapsed. 'GTXPro' and 'GTX Pro' stay different."""
    return " ".join(text.split()).casefold()


def loose(text: str) -> str:
    """A name without anything but letters and digits: what a mistyped space or hyphen leaves alike."""
    return _LOOSE.sub("", text.casefold())


def id_key(text: str) -> str:
    """An identity for comparison: the 18-character form of a Salesforce id equals its 15-character form."""
    if len(text) == 18 and _SALESFORCE_ID.fullmatch(text) and not text.isdigit():
        return text[:15]
    return text


_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def canonical_id(text: str, source: str) -> str:
    """An identity as it is stored: a 15-character Salesforce id (reports) becomes the 18-character one
    (exports)."""
    if source != "salesforce" or len(text) != 15 or not _SALESFORCE_ID.fullmatch(text):
        return text
    chunks = (text[start : start + 5] for start in (0, 5, 10))
    return text + "".join(
        _SUFFIX[sum(1 << bit for bit, char in enumerate(chunk) if "A" <= char <= "Z")] for chunk in chunks
    )


@dataclass(slots=True)
class Names:
    """All records of one role, findable by identity, e-mail and name. Values are reference keys."""

    loosely: set[str] = field(default_factory=set)

    by_id: dict[str, str] = field(default_factory=dict)
    disguised: dict[str, str] = field(default_factory=dict)
    """What an identity looks like -> that identity, where it is another text."""
    by_name: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    """Names of records of other sources: whom a text means that names none of this source's own."""
    labels: dict[str, str] = field(default_factory=dict)
    """Reference key -> name shown."""
    is_found_elsewhere: bool = False
    """Whether a text was found by the name of a record of another source."""

    def add(self, key: str, *, name: str = "", ids: tuple[str, ...] = (), is_elsewhere: bool = False) -> None:
        """Make a record findable. A name two records share finds none (and says so)."""
        for identity in ids:
            if identity:
                self.by_id.setdefault(id_key(identity), key)
                if (looks := plain(identity)) != identity:
                    self.disguised.setdefault(looks, identity)
        if name:
            folded, names = fold(name), self.elsewhere if is_elsewhere else self.by_name
            former = names.get(folded)
            names[folded] = key if former in (None, key) else AMBIGUOUS
            self.labels.setdefault(key, name)
            self.loosely.add(loose(name))

    def find(self, text: str) -> str | None:
        """The reference key for a text, `AMBIGUOUS`, or None."""
        own = self.find_own(text)
        found = own or self.elsewhere.get(fold(text))
        self.is_found_elsewhere |= own is None and found not in (None, AMBIGUOUS)
        return found

    def find_own(self, text: str) -> str | None:
        """Like `find`, but by name only among the records of this source."""
        return self.by_id.get(id_key(text)) or self.by_name.get(fold(text))

    def look_alike(self, identity: str) -> str | None:
        """Another identity that nobody can tell from this one by looking at it."""
        looks = plain(identity)
        others = (other for other in (looks, self.disguised.get(looks)) if other and other != identity)
        return next((other for other in others if id_key(other) in self.by_id), None)

    def resembles(self, text: str) -> bool:
        """Whether some record's name equals this one but for spaces, hyphens and case."""
        return loose(text) in self.loosely

    def suggest(self, text: str) -> str | None:
        """The one record this may be a mistyping of, by name."""
        wanted = loose(text)
        same = {name for name in self.labels.values() if loose(name) == wanted}
        if len(same) == 1:
            return same.pop()
        folded = {fold(name): name for name in self.labels.values()}
        close = difflib.get_close_matches(fold(text), folded, n=1, cutoff=CLOSE)
        return folded[close[0]] if close else None


@dataclass(slots=True)
class RefBook:
    """The records of every role that deals may refer to: those we have, and those this run brings."""

    names: dict[Role, Names] = field(default_factory=dict)
    stages: dict[tuple[str, str], str] = field(default_factory=dict)
    """(process key or '', folded stage text) -> stage key."""

    def of(self, role: Role) -> Names:
        return self.names.setdefault(role, Names())

    def add_stage(self, key: str, process: str, texts: tuple[str, ...]) -> None:
        for text in texts:
            if text:
                self.stages.setdefault((process, fold(text)), key)
                former = self.stages.get(("", fold(text)))
                self.stages[("", fold(text))] = key if former in (None, key) else AMBIGUOUS

    def has_stage(self, process: str, text: str) -> bool:
        """Whether the process itself has a stage of that name."""
        return (process, fold(text)) in self.stages

    def find_stage(self, process: str, text: str) -> str | None:
        """The process's stage of that name; else the only one of that name in any, or `AMBIGUOUS`."""
        return self.stages.get((process, fold(text))) or self.stages.get(("", fold(text)))

    def like_stage(self, text: str) -> str | None:
        """The known stage this may be a mistyping of, by name."""
        labels = {folded: key.split(" / ")[-1] for (process, folded), key in self.stages.items() if process}
        close = difflib.get_close_matches(fold(text), labels, n=1, cutoff=CLOSE)
        return labels[close[0]] if close and close[0] != fold(text) else None

    def same_stage(self, text: str, name: str) -> None:
        """From now on a text means the stage of that name, in every process that has one."""
        for (process, folded), key in list(self.stages.items()):
            if folded == fold(name):
                self.stages[(process, fold(text))] = key
