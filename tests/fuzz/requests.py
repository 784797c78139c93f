"""Requests as nobody should send them: to which route, by whom, with what in the address and in the body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlencode

from hypothesis import strategies as st

from organization.domain.roles import Role
from tests.fuzz.exports import MEAN

WHO = ("everything", "everything", "everything", *Role, "stranger", "token")
METHODS = ("POST", "POST", "POST", "GET", "PATCH", "PUT", "DELETE")

TEXTS = (*MEAN, "\0", "a\0b", "²", "-1", "9" * 20, "9" * 5000, "9223372036854775808", "1:9223372036854775808", "²:1",
         "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "../../etc/passwd", "true", "null", "x@example.com")  # fmt: skip
"""What a field may hold; a lone surrogate is no text, it comes as bytes."""

NO_NUMBERS = ("²", "\0", "1\0", "9" * 20, "9" * 5000, "1:²", "1:" + "9" * 20, "1:" + "9" * 5000, "٣", "1e400")
"""What Python takes for a number here and there, and no column holds."""

FRAGMENTS = (
    b"null", b"true", b"0", b"-1", b"1.5", b'""', b'" "', b'"x"', b"[]", b"{}", b"[1]", b'{"a": 1}', b"NaN", b"Infinity",
    b"1e3000000", b"-1e3000000", b"9" * 5000, b"9" * 20, b"9223372036854775808", b'"9223372036854775808"',
    b'"1e3000000"', b'"NaN"', b'"\\u0000"', b'"a\\u0000b"', b'"\\ud800"', b'"\xff\xfe"', b'"1_000"', b'"2026-W01-1"',
    '"١٢٣"'.encode(), '"²"'.encode(), b'"' + b"x" * 100_000 + b'"', b"[" * 100_000 + b"]" * 100_000,
    b"[" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
)  # fmt: skip
"""Values of JSON, not all of which are any."""

IN_ADDRESSES = ("9" * 20, "9" * 5000, "0", "nothing", "%00", "a%00b", "%ED%A0%80", "%FF", "%F0%9F%92%A5", "x" * 3000,
                "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1;2", "..%2f..")  # fmt: skip
TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain",
         "multipart/form-data", "application/xml", "application/json; charset=utf-7", "",
         "application/x-www-form-urlencoded; charset=utf-16")  # fmt: skip
USUAL = {
    "name": "Something", "title": "Something", "email": "x@example.com", "from_date": "2026-03-01", "amount": "5",
    "close_date": "2026-03-01", "rate": "1.5", "field": "amount", "value": "5", "version": "1", "items": "1:1",
    "first_year": "2026", "last_year": "2027", "days": "9", "scopes": "read:deals", "roles": "REP", "role": "REP",
    "probability": "50", "share": "100", "kind": "REVENUE", "seen": "", "next": "/", "pasted": "Deal ID\nD-1",
    "step": "define", "account": "Acme", "currency": "USD",
}  # fmt: skip
BUTTONS = {
    "deals/<int:deal_id>/edit": ("field", "value", "version"),
    "deals/<int:deal_id>/remove": ("version",),
    "deals/<int:deal_id>/splits": ("seen", "person", "kind", "share"),
    "deals/new": ("name", "account", "amount", "stage_id", "owner_id", "close_date"),
    "imports/<int:batch_id>/match": ("reshape", "currency"),
    "deals/bulk": ("field", "value", "items"),
    "users/<int:user_id>/role": ("role", "take"),
    "users/<int:user_id>/active": ("active",),
    "account/language": ("language", "next"),
    "imports/<int:batch_id>/take-back": ("column", "old"),
    "forecast/fold": ("section", "folded"),
    "setup/stages/<int:stage_id>/move": ("step",),
}
"""What is sent where no page of its own shows a form."""
ASKED = (
    "q", "actor", "verb", "type", "id", "from", "to", "role", "state", "year", "grain", "as_of", "at", "by", "node",
    "closing", "category", "owner", "stage", "sort", "flag", "view", "parent", "kind", "field", "period", "metric",
    "page", "size", "since", "import", "account", "person", "manager", "tree", "compare", "part", "section", "currency",
)  # fmt: skip
"""Names that pages read from their address."""


@dataclass(frozen=True)
class Attempt:
    """One request; numbers choose among what the place offers (the nth field, the nth part of the address)."""

    who: str
    route: str
    method: str
    odd_part: str | None
    """What stands in the address instead of an object's number."""
    query: tuple[tuple[str, str], ...]
    kind: str
    """How the body is written: as the form of the page, or as JSON, or as bytes of whatever type."""
    slips: tuple[tuple[int, str], ...]
    """Fields of the form and what they hold."""
    members: tuple[tuple[str, bytes], ...]
    """Names and values of the JSON object; a name may come twice."""
    raw: bytes
    content_type: str
    is_forged: bool
    """Whether it comes from another site: without the token of the form."""

    def body(self, form: list[tuple[str, str]]) -> tuple[bytes, str]:
        """The bytes, and what they are said to be."""
        if self.method == "GET":
            return b"", "text/plain"
        if self.kind == "json":
            return b"{" + b",".join(b'"%s":%s' % (n.encode(), v) for n, v in self.members) + b"}", TYPES[0]
        if self.kind == "bytes":
            return self.raw, self.content_type
        fields = [*form, ("unknown", "1")]
        for number, text in self.slips:
            place = number % len(fields)
            fields[place] = (fields[place][0], text)
        return urlencode(fields).encode(), TYPES[1]


def attempts(routes: list[str], members: list[str]) -> st.SearchStrategy[Attempt]:
    """Requests to these routes; `members` are the names the API knows."""
    texts = st.sampled_from(TEXTS) | st.text(max_size=12, alphabet=st.characters(codec="utf-8"))
    values = st.sampled_from(FRAGMENTS)
    return st.builds(
        Attempt,
        st.sampled_from(WHO), st.sampled_from(routes), st.sampled_from(METHODS),
        st.sampled_from((None,) * 12 + IN_ADDRESSES),
        st.lists(st.tuples(st.sampled_from(ASKED), texts), max_size=3).map(tuple),
        st.sampled_from(("form", "form", "form", "json", "bytes")),
        st.lists(st.tuples(st.integers(0, 40), texts), max_size=3).map(tuple),
        st.lists(st.tuples(st.sampled_from([*members, "cells", "x"]), values), max_size=4).map(tuple),
        values | st.binary(max_size=40) | st.just(b"a=%FF&b=%ED%A0%80&name=%00"), st.sampled_from(TYPES),
        st.sampled_from((False,) * 6 + (True,)),
    )  # fmt: skip


class _Fields(HTMLParser):
    """The fields of a page's forms with what they hold; of a choice the one that is made, or the last on offer."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes up inputs and choices."""
        told = dict(attrs)
        name = told.get("name") or ""
        if tag in {"input", "textarea", "button"} and name and name != "csrfmiddlewaretoken":
            self.found.append((name, told.get("value") or USUAL.get(name, "")))
        elif tag == "select" and name:
            self._select = name
            self.found.append((name, ""))
        elif tag == "option" and self._select and ("selected" in told or not self.found[-1][1]):
            self.found[-1] = (self._select, told.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        """A choice ends."""
        if tag == "select":
            self._select = ""


def fields_of(page: str) -> list[tuple[str, str]]:
    """Names and values of the fields of a page."""
    reader = _Fields()
    reader.feed(page)
    return reader.found


_PART = re.compile(r"<(?:(\w+):)?(\w+)>")
_NAMED = {"batch": "import", "user": "login", "change_set": "act", "row": "process", "code": "currency"}


def address(route: str, things: dict[str, object], odd: str | None = None) -> str:
    """The route's address about these objects; the last part is the odd one, if there is any."""
    parts = list(_PART.finditer(route))

    def fill(part: re.Match[str]) -> str:
        if odd is not None and part.start() == parts[-1].start():
            return odd
        name = part[2].removesuffix("_id")
        if part[1] == "str" and name in {"kind", "token"}:
            return {"kind": "process", "token": str(things["save"])}[name]
        return str(things.get(_NAMED.get(name, name), "nothing"))

    return "/" + _PART.sub(fill, route)
