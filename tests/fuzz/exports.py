"""Exports as no CRM should write them: strategies for the bytes of a file of deals."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

HEAD = ("Deal ID", "Deal Name", "Account Name", "Owner", "Stage", "Amount", "Close Date")
MEAN = (
    "", " ", "\u00a0", "NULL", "N/A", "-", "0", "-0", "1e3000000", "1e9", "1_000", "١٢٣.٤٥", "NaN", "Infinity", "-inf",
    "1,234.56", "1.234,56", "1'234", "99999999999999999999", "0.00000000001", "12.5%", "$5", "€ 1.000,00", "(250)",
    "2026-02-30", "30/02/2026", "02/03/2026", "2026-W01-1", "9999-12-31", "0001-01-01", "46000", "60", "2026-11-26T25:61",
    "=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "<script>alert(1)</script>", "{{ 7*7 }}", "{% now %}", "'; DROP TABLE x;--",
    "\u202egnp.exe", "D\u0410-1", "a\u0301", "\ufeff", "\u200b", "💥", "x" * 300, "x" * 120_000, 'say "hi"', "two\nlines",
    "tab\there", "semi;colon", "pipe|d",
)  # fmt: skip
"""Values that broke somebody's import once."""
STAGES = ("Prospecting", "Verbal OK", "Closed Won", "Closed Lost", "")

_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
_mean = st.sampled_from(MEAN)
_keys = st.one_of(st.integers(1, 9).map(lambda n: f"D-{n}"), _mean, _text)
_people = st.one_of(st.sampled_from(("Ann Smith", "Bob Jones", "ann smith ")), _mean, _text)
_stages = st.one_of(st.sampled_from(STAGES), st.sampled_from(STAGES), _mean)
_amounts = st.one_of(st.integers(-(10**6), 10**9).map(str), _mean, _text)
_days = st.one_of(st.dates().map(str), st.dates().map(lambda d: d.strftime("%d/%m/%Y")), _mean)
_row = st.tuples(_keys, _text, _people, _people, _stages, _amounts, _days)


@dataclass(frozen=True)
class Export:
    """The bytes, and how they came to be."""

    data: bytes
    spoiled: bool
    """Whether bytes were cut, flipped or put in after it was written."""
    records: tuple[tuple[str, ...], ...]


def _cell(value: str, delimiter: str, always: bool) -> str:
    if always or any(sign in value for sign in (delimiter, '"', "\n", "\r")):
        return '"' + value.replace('"', '""') + '"'
    return value


@st.composite
def exports(draw: st.DrawFn) -> Export:
    """A file of up to eight deals: any delimiter, encoding, quoting and line end; one in two is spoiled afterwards."""
    records = tuple(draw(st.lists(_row, max_size=8)))
    delimiter = draw(st.sampled_from(",;\t|"))
    always, newline = draw(st.booleans()), draw(st.sampled_from(("\n", "\r\n", "\r")))
    lines = [
        delimiter.join(_cell(value, delimiter, always) for value in record) for record in (HEAD, *records)
    ]
    text = newline.join(lines) + draw(st.sampled_from(("", newline)))
    encoding = draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1")))
    data = text.encode(encoding, errors="replace")
    spoiled = draw(st.booleans())
    if spoiled:
        for _ in range(draw(st.integers(1, 3))):
            at = draw(st.integers(0, len(data)))
            how = draw(st.sampled_from(("cut", "flip", "insert", "double")))
            if how == "cut":
                data = data[:at]
            elif how == "flip":
                data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
            elif how == "insert":
                data = (
                    data[:at]
                    + draw(st.sampled_from((b"\0", b'"', b"\xff\xfe", b"\r", b"PK\x03\x04", b",")))
                    + data[at:]
                )
            else:
                data += data[at:]
    return Export(data, spoiled, records)
