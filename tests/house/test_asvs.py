"""The table of security requirements is whole, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "asvs.md"
# Section: how many requirements of levels 1 and 2 it has, by number (source: OWASP ASVS 5.0.0).
SECTIONS = {
    "1.1": "1-2", "1.2": "1-9", "1.3": "1-11", "1.4": "1-3", "1.5": "1-2",
    "2.1": "1-3", "2.2": "1-3", "2.3": "1-4", "2.4": "1",
    "3.2": "1-2", "3.3": "1-4", "3.4": "1-6", "3.5": "1-5", "3.7": "1-2",
    "4.1": "1-3", "4.2": "1", "4.3": "1-2", "4.4": "1-4",
    "5.1": "1", "5.2": "1-3", "5.3": "1-2", "5.4": "1-3",
    "6.1": "1-3", "6.2": "1-12", "6.3": "1-4", "6.4": "1-4", "6.5": "1-5", "6.6": "1-3", "6.8": "1-4",
    "7.1": "1-3", "7.2": "1-4", "7.3": "1-2", "7.4": "1-5", "7.5": "1-2", "7.6": "1-2",
    "8.1": "1-2", "8.2": "1-3", "8.3": "1", "8.4": "1",
    "9.1": "1-3", "9.2": "1-4",
    "10.1": "1-2", "10.2": "1-2", "10.3": "1-4", "10.4": "1-11", "10.5": "1-5", "10.6": "1-2", "10.7": "1-3",
    "11.1": "1-2", "11.2": "1-3", "11.3": "1-3", "11.4": "1-4", "11.5": "1", "11.6": "1",
    "12.1": "1-3", "12.2": "1-2", "12.3": "1-4",
    "13.1": "1", "13.2": "1-5", "13.3": "1-2", "13.4": "1-5",
    "14.1": "1-2", "14.2": "1-4", "14.3": "1-3",
    "15.1": "1-3", "15.2": "1-3", "15.3": "1-7",
    "16.1": "1", "16.2": "1-5", "16.3": "1-4", "16.4": "1-3", "16.5": "1-3",
    "17.1": "1", "17.2": "1-4", "17.3": "1-2",
}  # fmt: skip
STATES = ("held", "by design", "operator", "n/a", "partly", "open")
ROW = re.compile(r"^\| ([\d.]+)(?: – ([\d.]+))? \| ([^|]+) \| \*\*([^*]+)\*\* (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`((?:apps|chaos|domain|e2e|fuzz|house|ops|stories)/[\w/]+(?:\.py)?)(?:::(\w+))?`")


def _span(section: str, first: int, last: int) -> list[str]:
    return [f"{section}.{number}" for number in range(first, last + 1)]


def _rows() -> list[tuple[list[str], str, str]]:
    found = []
    for first, last, _about, state, answer in ROW.findall(PAGE.read_text(encoding="utf-8")):
        section, number = first.rsplit(".", 1)
        end = int(last.rsplit(".", 1)[1]) if last else int(number)
        found.append((_span(section, int(number), end), state, answer))
    return found


def test_every_requirement_is_answered_once() -> None:
    wanted = [
        number
        for section, span in SECTIONS.items()
        for number in _span(section, 1, int(span.rsplit("-", 1)[-1]))
    ]
    assert len(wanted) == 253
    assert [number for numbers, _, _ in _rows() for number in numbers] == wanted


def test_every_answer_says_which_it_is_and_why() -> None:
    for numbers, state, answer in _rows():
        assert state in STATES, numbers
        assert len(answer) > 8 or (state == "n/a" and answer), numbers
        assert state != "held" or TEST.search(answer), f"{numbers} names no test"


def test_tests_named_exist() -> None:
    missing = []
    for path, name in TEST.findall(PAGE.read_text(encoding="utf-8")):
        file = ROOT / "tests" / path
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        if not text or (name and not re.search(rf"^\s*(?:def|class) {name}\b", text, re.MULTILINE)):
            missing.append(f"{path}::{name}")
    assert not missing


def test_links_to_its_own_chapters_lead_somewhere() -> None:
    text = PAGE.read_text(encoding="utf-8")
    chapters = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= chapters
