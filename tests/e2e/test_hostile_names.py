"""Names made to harm, everywhere at once: markup, scripts, template code, links, letters that turn the line round.

Every name the company has is one; no page may run, show as markup, link to or be turned round by any of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from tests.e2e.browsing import Watch
from tests.e2e.conftest import SignedIn
from tests.e2e.forecasting.test_chart_pictures import saved
from tests.e2e.screens import EVERYONE, SCREENS, Screen
from tests.e2e.screenshots import visit
from tests.e2e.server import Live

TURN = "\u202e"
SHORT = "<img src=x onerror=harmed=1>{{7|add:7}}" + TURN
LONG = f"<script>harmed=2</script><b id=harm><a href=javascript:harmed=3>=cmd()\"'{SHORT}"
NAMED = (
    "organization.Person", "organization.User", "organization.Territory", "organization.Company",
    "opportunities.Account", "opportunities.Stage", "opportunities.Subcategory", "opportunities.SalesProcess",
    "opportunities.ProductFamily", "opportunities.Product",
)  # fmt: skip
RENAME = """
import json
from pathlib import Path
from django.apps import apps
from opportunities.models import Opportunity
from opportunities.services import change_deal
from organization.domain.scope import Scope
kept, long, short = Path({kept}), {long}, {short}
former = json.loads(kept.read_text()) if kept.exists() else dict()
names = dict()
for label in {named}:
    model = apps.get_model(label)
    room = model._meta.get_field("name").max_length
    for row in model.objects.all():
        names[label + str(row.pk)] = row.name
        words = short if room and room < 2 * len(long) else long
        row.name = former.get(label + str(row.pk)) or (words + row.name)[:room]
        model.objects.filter(pk=row.pk).update(name=row.name)
chosen = Opportunity.objects.filter(is_deleted=False, status="OPEN").order_by("close_date", "id")
for row in Opportunity.objects.filter(name__startswith=long) if former else chosen[:150]:
    names[str(row.pk)] = [row.name, row.next_step]
    name, step = former.get(str(row.pk)) or [(long + row.name)[:250], long]
    change_deal(scope=Scope.system("test of names"), deal_id=row.pk, version=row.version,
                changes=dict(name=name, next_step=step))
kept.write_text(json.dumps(names))
print("renamed")
"""
HARM = """() => {
  const found = [];
  if (window.harmed) found.push("a script ran: " + window.harmed);
  for (const s of ["img[src='x']", "#harm", "a[href^='javascript']", "[onerror]", "main script:not([type='application/json'])"])
    if (document.querySelector(s)) found.push("markup came to life: " + s);
  const words = document.body.innerText;
  if (/>14|14\\$/.test(words)) found.push("template code was worked out");
  if (words.includes("&lt;img")) found.push("escaped twice");
  return found;
}"""
TURNED = """(sign) => {
  const found = new Set();
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.data.includes(sign)) continue;
    let box = walker.currentNode.parentElement, held = false;
    while (box && !held) {
      const style = getComputedStyle(box);
      held = style.unicodeBidi.startsWith("isolate") || style.unicodeBidi === "plaintext"
        || !["inline", "contents"].includes(style.display);
      if (!held) box = box.parentElement;
    }
    const more = box && [...box.childNodes].some((n) => n !== walker.currentNode && !n.contains(walker.currentNode)
      && n.textContent.trim() && (n.nodeType === 3 || getComputedStyle(n).display.startsWith("inline")));
    if (more) found.add(box.tagName + "." + box.className + ": " + box.textContent.trim().slice(-80));
  }
  return [...found];
}"""


@pytest.fixture(scope="module")
def hostile(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    kept = tmp_path_factory.mktemp("names") / "former.json"
    code = RENAME.format(
        kept=json.dumps(str(kept)), long=json.dumps(LONG), short=json.dumps(SHORT), named=json.dumps(NAMED)
    )
    assert "renamed" in live.manage("shell", "-c", code)
    yield
    assert "renamed" in live.manage("shell", "-c", code)  # the second time, back


def _screens_of(role: str) -> list[Screen]:
    """Each screen once; those about deals for a rep and for a manager, who see different columns."""
    return [
        screen for screen in SCREENS
        if screen.roles[0] == role or (role in screen.roles and role == "MANAGER" and screen.name.startswith("deal"))
    ]  # fmt: skip


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("role", [role for role in EVERYONE if _screens_of(role)])
def test_no_name_does_harm_on_any_page(signed_in: SignedIn, role: str) -> None:
    page = signed_in(role)
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    shown, found = 0, []
    for screen in _screens_of(role):
        visit(page, screen)
        shown += SHORT[:20] in page.locator("body").inner_text()
        found += [f"{screen.name}: {harm}" for harm in page.evaluate(HARM)]
        found += [
            f"{screen.name}: the line is turned round: {where}" for where in page.evaluate(TURNED, TURN)
        ]
    assert not found, "\n".join(found)
    assert shown


COMES_ALIVE = {
    "script",
    "foreignObject",
    "a",
    "image",
    "iframe",
    "object",
    "embed",
    "animate",
    "set",
    "handler",
}
"""Elements of a drawing that run, lead elsewhere or hold what is no drawing."""


@pytest.mark.usefixtures("hostile")
def test_no_name_comes_alive_in_a_saved_chart(signed_in: SignedIn) -> None:
    """Whoever opens the file opens it without the product's content policy around it."""
    page = signed_in("MANAGER")
    page.goto("/forecast/")
    chart = page.locator("#changes [data-chart]")
    chart.scroll_into_view_if_needed()
    page.wait_for_selector("#changes [data-chart][data-drawn=true]")
    drawing = ElementTree.parse(saved(page, chart, "svg")).getroot()
    assert SHORT[:20] in " ".join(drawing.itertext())
    for part in drawing.iter():
        assert part.tag.rpartition("}")[2] not in COMES_ALIVE, part.attrib
        for name, value in part.attrib.items():
            assert not name.rpartition("}")[2].startswith(("on", "href")), part.attrib
            assert "javascript" not in value
    png = saved(page, chart, "png").read_bytes()
    kinds, place = set(), 8
    while place < len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        kinds.add(png[place + 4 : place + 8])
        place += length + 12
    assert {b"IHDR", b"IDAT", b"IEND"} <= kinds
    assert not kinds & {b"tEXt", b"iTXt", b"zTXt", b"eXIf"}, "nothing but the picture"


def test_the_test_would_notice(signed_in: SignedIn, watch: Watch) -> None:
    """A page on which such a name is not escaped and not held is found out."""
    page = signed_in("REP")
    page.goto("/help/")
    watch.expect("Failed to load resource")
    watch.expect("inline event handler violates")
    page.evaluate(
        "words => { document.querySelector('main').innerHTML = '<p>' + words + ' · Ann</p>'; }", LONG
    )
    assert len(page.evaluate(HARM)) >= 2
    page.evaluate(
        "words => { document.querySelector('main p').textContent = ''; document.querySelector('main p').append"
        "(Object.assign(document.createElement('span'), {textContent: words}), ' · Ann'); }",
        SHORT,
    )
    assert page.evaluate(TURNED, TURN)
