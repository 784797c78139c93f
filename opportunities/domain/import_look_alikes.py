"""Identities that look the same and are not: letters of other scripts, full-width ones, characters that show nothing.

They are two identities, as they are in the CRM; but nobody who reads them can tell them apart, so it is said.
"""

from __future__ import annotations

import unicodedata

from salesops.kernel.said import Said
from salesops.kernel.tabular import Problem, Severity

_DOUBLES = {
    "A": "\u0410\u0391", "B": "\u0412\u0392", "C": "\u0421", "E": "\u0415\u0395", "G": "\u050c",
    "H": "\u041d\u0397", "I": "\u0406\u0399", "J": "\u0408", "K": "\u041a\u039a", "M": "\u041c\u039c", "N": "\u039d",
    "O": "\u041e\u039f", "P": "\u0420\u03a1", "Q": "\u051a", "S": "\u0405", "T": "\u0422\u03a4", "W": "\u051c",
    "X": "\u0425\u03a7", "Y": "\u0423\u04ae\u03a5", "Z": "\u0396", "a": "\u0430\u03b1", "c": "\u0441",
    "d": "\u0501", "e": "\u0435", "h": "\u04bb", "i": "\u0456\u03b9", "j": "\u0458", "k": "\u043a\u03ba",
    "o": "\u043e\u03bf", "p": "\u0440\u03c1", "q": "\u051b", "s": "\u0455", "u": "\u03c5", "v": "\u03bd",
    "w": "\u051d", "x": "\u0445\u03c7", "y": "\u0443", "-": "\u2010\u2011\u2012\u2013\u2014\u2212",
}  # fmt: skip
"""Latin letter -> the Cyrillic and Greek ones that look like it; the hyphen -> dashes."""
_HIDDEN = (0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F),
           *range(0x2060, 0x2070), *range(0xFE00, 0xFE10), 0xFEFF)  # fmt: skip
"""Characters that show nothing: of no width, or only for the order and shape of others."""
CHANGED = "".join([*_DOUBLES.values(), *map(chr, _HIDDEN)])
INTO = "".join(latin * len(doubles) for latin, doubles in _DOUBLES.items())
"""Character by character what `CHANGED` becomes; those beyond its end go. (So does `translate` of the database.)"""
_TABLE = str.maketrans(CHANGED[: len(INTO)], INTO, CHANGED[len(INTO) :])
_NAMED = 3
"""So many characters are named."""


def plain(identity: str) -> str:
    """What an identity looks like; two that look alike have this in common. The database does the same with deals."""
    if identity.isascii():
        return identity
    shown = unicodedata.normalize("NFKD", identity).translate(_TABLE).strip(" ")
    return unicodedata.normalize("NFC", shown)


def look_alike(file: str, line: int, column: str, identity: str, other: str, row: int | None) -> Problem:
    """That an identity looks like another one, of a row of the export or of a record that is known."""
    signs = _signs(identity, other)
    if row is None:
        message = Said(
            "looks like “%(other)s”, which is known, but one of them has %(signs)s; taken as another record",
            other=other, signs=signs,
        )  # fmt: skip
    else:
        message = Said(
            "looks like “%(other)s” of row %(row)s, but one of them has %(signs)s; taken as another record",
            other=other, row=row, signs=signs,
        )  # fmt: skip
    cure = Said("If both are one record, write its identity alike in the CRM, then import the file again.")
    return Problem(file, line, column, identity[:120], message, cure, "LOOKS_ALIKE", Severity.NOTE)


def _signs(one: str, other: str) -> str:
    """The characters by which they differ, as everybody can look them up."""
    strange = [sign for sign in dict.fromkeys(one + other) if not sign.isascii()]
    differing = [sign for sign in strange if (sign in one) is not (sign in other)] or strange
    named = [f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".strip() for sign in differing[:_NAMED]]
    return ", ".join(named)
