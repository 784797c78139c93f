"""Names made to harm do none in what is downloaded: no cell of a file is calculated, nothing but text comes with it.

Pages are held by `tests/e2e/test_hostile_names.py` in a real browser, mails by `tests/apps/organization/test_mails.py`.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from django.apps import apps
from django.test import Client

from opportunities.models import Account, ImportBatch, ImportFile, ImportProblem, Opportunity
from organization.domain.roles import Role
from salesops.audit.record import record
from tests.apps.forecasting.conftest import LATELY, Company
from tests.apps.forecasting.crawl import SEEDS, addresses, route_of
from tests.factories.opportunities import make_process
from tests.factories.organization import make_user, signed_in
from tests.factories.pipeline import change

MARKUP = "<script>harmed=2</script><img src=x onerror=harmed=1><b id=harm>{{ 7|add:7 }}\u202e]]>"
STARTS = (
    '=HYPERLINK("https://evil.example","x")', "+1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1+1)", "\t=1+1", "\r=1+1",
    "\n=1+1", "\uff1d1+1", "x;=1+1;y", 'x;"=1+1&"', 'x\n=1+1', "x\t@SUM(1)", "<b id=harm>",
)  # fmt: skip
"""Among them cells that begin only where a spreadsheet takes semicolons, or tabs, for what parts them."""
NAMED = (
    "organization.Person", "organization.User", "organization.Territory", "organization.Company",
    "opportunities.Account", "opportunities.Stage", "opportunities.Subcategory", "opportunities.SalesProcess",
    "opportunities.ProductFamily", "opportunities.Product",
)  # fmt: skip
FILES = {
    "audit/events.csv", "deals/export.csv", "forecast/export", "forecast/figure/export", "imports/<int:batch_id>/problems.csv",
    "metrics/ask.csv", "quotas/export.csv", "quotas/export.xlsx",
}  # fmt: skip
"""The routes that answer with a file: each is looked at, and an eighth one would be noticed."""
CALCULATED = re.compile(r"[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"-?\d+(\.\d+)?%?")
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def everybody(company: Company) -> Client:
    """Signed in with every role, in a company of which nothing has a harmless name."""
    account = Account.objects.create(name="Account")
    stage = make_process().stages.first()
    names = (f"{start} {MARKUP}" for start in itertools.cycle(STARTS))
    for row in Opportunity.objects.filter(is_deleted=False):
        change(
            row.pk, max(row.changed_at, LATELY), name=next(names)[:250], next_step=next(names), account=account,
            stage=stage,
        )  # fmt: skip
    user = make_user(*Role, person=None)
    for label in NAMED:
        model = apps.get_model(label)
        room = model._meta.get_field("name").max_length or 500
        for row in model.objects.all():
            model.objects.filter(pk=row.pk).update(name=f"{next(names)[: room - 8]} {row.pk}")
    batch = ImportBatch.objects.create(
        source=next(names)[:60], created_at=LATELY, actor_name=next(names), state="DONE"
    )
    ImportFile.objects.create(batch=batch, position=1, name=next(names)[:200], path="none")
    for start in STARTS:
        ImportProblem.objects.create(
            batch=batch, file=start, row=2, column=start, value=start, message=start, cure=start, code="x",
            severity="ERROR",
        )  # fmt: skip
        record(
            actor_id=None, actor_name=start, verb="UPDATE", object_type="deal", object_id=start, label=start,
            before={"name": start}, after={"name": MARKUP},
        )  # fmt: skip
    return signed_in(user)


class _Harm(HTMLParser):
    """What of a page would have come from a name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if (
            given.get("id") == "harm"
            or given.get("src") == "x"
            or any(name.startswith("on") for name in given)
        ):
            self.found.append(f"<{tag} {given}>")

    def handle_data(self, data: str) -> None:
        if "harmed" in data and self.lasttag == "script":
            self.found.append(data)


def _cells(text: str) -> Iterator[str]:
    """The cells, however a spreadsheet reads the file: parted by commas, and by others, minding quotes or not."""
    text = text.lstrip("\ufeff")
    yield from itertools.chain.from_iterable(csv.reader(io.StringIO(text, newline="")))
    for sign in ";\t":
        yield from itertools.chain.from_iterable(csv.reader(io.StringIO(text, newline=""), delimiter=sign))
        for line in text.splitlines():
            yield from line.split(sign)


def _calculated(content: bytes) -> list[str]:
    """The cells of a CSV file that a spreadsheet would work out."""
    return [
        cell for cell in _cells(content.decode())
        if CALCULATED.match(cell) and not NUMBER.fullmatch(cell.split(",")[0].strip('"'))
    ]  # fmt: skip


def _alive(content: bytes) -> list[str]:
    """The parts of a workbook that are more than numbers and text."""
    found = []
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        for name in book.namelist():
            found += [name] if re.search(r"external|macro|vba|drawing|hyperlink", name, re.IGNORECASE) else []
            tags = {one.tag.removeprefix(MAIN) for one in ElementTree.fromstring(book.read(name)).iter()}
            found += [f"{name}: {tag}" for tag in tags & {"f", "hyperlink", "hyperlinks", "ddeLink"}]
    return found


def _harm(kind: str, content: bytes) -> list[str]:
    if kind.startswith("text/csv"):
        return _calculated(content)
    if content.startswith(b"PK"):
        return _alive(content)
    if kind.startswith("application/json"):
        json.loads(content)
        return []
    parser = _Harm()
    parser.feed(content.decode())
    return parser.found


def test_no_name_does_harm_in_any_file_or_answer(everybody: Client) -> None:
    deal = Opportunity.objects.filter(status="OPEN").first()
    assert deal
    found, files = [], set()
    about = {"deal_id": deal.pk, "account_id": deal.account_id}
    for url in (
        *addresses(about),
        *SEEDS,
        "/forecast/figure/export?node=all&column=commit&format=xlsx",
        "/forecast/figure/export?node=all&column=commit",
        "/metrics/ask.csv?by=owner",
    ):
        answer = everybody.get(url)
        content = b"".join(answer) if answer.streaming else answer.content
        if "attachment" in answer.get("Content-Disposition", ""):
            files.add(route_of(url))
            assert re.fullmatch(r'attachment; filename="[\w.-]+"', answer["Content-Disposition"]), url
            assert len(content) > 100, url
        found += [f"{url}: {harm!r}" for harm in _harm(answer.get("Content-Type", ""), content)]
    assert not found, "\n".join(found[:20])
    assert files == FILES


def test_the_search_for_harm_finds_it() -> None:
    for line in ("a,=1+1", "a;=1+1", 'a,"x\n=1+1"', "a\t@SUM(1)", '"a;""=1+1&"""'):
        assert _calculated(line.encode()), line
    for line in ("a,-5.20", "-5,a", "'=1+1", "a;-5"):
        assert not _calculated(line.encode()), line
    assert _harm("text/html", b"<p><b id=harm>x</b></p>")
    assert _harm("text/html", b"<script>harmed=2</script>")
    assert not _harm("text/html", b"<p>&lt;b id=harm&gt;</p>")
