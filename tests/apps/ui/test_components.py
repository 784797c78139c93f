"""Components and tags: what they print, and that they never print what somebody typed as markup."""

import re
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import lucide
import pytest
from django import forms
from django.conf import settings
from django.template import engines
from django.template.loader import get_template
from django.test import RequestFactory
from django_cotton.compiler_regex import CottonCompiler

from salesops.ui.pagination import page_of
from salesops.ui.tables import Sort, sort_of

TEMPLATES = Path(settings.BASE_DIR) / "templates"
EVIL = '"><script>alert(1)</script>'


def render(source: str, **context: object) -> str:
    # the loader compiles component tags; text that is no file has to be compiled here
    compiled = CottonCompiler().process("{% load ui i18n %}" + source)
    request = RequestFactory().get("/deals", {"page": "2", "q": "x"})
    return engines["django"].from_string(compiled).render(context, request)


@pytest.mark.parametrize(
    "source",
    [
        '<c-button label="{{ evil }}" />',
        '<c-button :label="evil" title="{{ evil }}">{{ evil }}</c-button>',
        '<c-stat label="{{ evil }}" :value="evil" href="{{ evil }}" title="{{ evil }}" />',
        '<c-page-head :title="evil" answer="{{ evil }}" />',
        '<c-table label="{{ evil }}"><tr><td>{{ evil }}</td></tr></c-table>',
        '<c-tree-row :name="evil" node="{{ evil }}" href="{{ evil }}" />',
        '<c-edit :value="evil" label="{{ evil }}" options="{{ evil }}">{{ evil }}</c-edit>',
        '<c-chip remove="{{ evil }}">{{ evil }}</c-chip>',
        '<c-define id="x" :name="evil" formula="{{ evil }}" />',
        '<c-event :title="evil" by="{{ evil }}" source="{{ evil }}" />',
        "{% pill evil evil %}{% person evil evil %}{% delta 5 evil title=evil %}{% spark values evil evil %}",
        '<c-menu text="{{ evil }}" :label="evil"><c-menu-item href="{{ evil }}">{{ evil }}</c-menu-item></c-menu>',
        '<c-crumbs :items="items" />',
    ],
)
def test_typed_text_stays_text(source: str) -> None:
    html = render(source, evil=EVIL, values=[1, 2], items=[{"label": EVIL, "url": EVIL}, {"label": EVIL}])
    assert "<script>" not in html
    assert '""' not in html.replace('=""', "")


def test_money_tag_carries_the_exact_amount() -> None:
    html = render('{% money v "EUR" %}', v=Decimal("1234567.80"))
    assert 'value="1234567.80"' in html
    assert 'title="€1,234,567.80"' in html
    assert ">€1.23M<" in html


@pytest.mark.parametrize(
    ("value", "better", "tone", "arrow"),
    [
        (5, "up", "delta--for", "▲"),
        (-5, "up", "delta--against", "▼"),
        (5, "down", "delta--against", "▲"),
        (5, "none", "", "▲"),
    ],
)
def test_delta_has_sign_arrow_and_tone(value: int, better: str, tone: str, arrow: str) -> None:
    html = render("{% delta v 'EUR' better=b %}", v=value, b=better)
    assert arrow in html
    assert (tone in html) if tone else ("delta--" not in html)
    assert ("+€5" if value > 0 else "−€5") in html


def test_url_with_replaces_and_removes() -> None:
    assert render("{% url_with page=3 %}") == "?page=3&amp;q=x"
    assert render("{% url_with page=None q=None %}") == "/deals"


def test_sorting_by_query_string() -> None:
    factory = RequestFactory()
    assert sort_of(factory.get("/"), {"amount"}, "-amount") == Sort("amount", True)
    assert sort_of(factory.get("/?sort=password"), {"amount"}, "-amount") == Sort("amount", True)
    assert sort_of(factory.get("/?sort=amount"), {"amount"}, "-amount").order_by({"amount": "total"}) == (
        "total",
        "pk",
    )
    html = render('<c-th sort_by="amount" num="1">Amount</c-th>', sort=Sort("amount", True))
    assert 'aria-sort="descending"' in html
    assert "sort=amount" in html


def test_a_numeric_column_sorts_from_the_largest_first() -> None:
    html = render('<c-th sort_by="amount" num="1">Amount</c-th>', sort=Sort("name", False))
    assert "sort=-amount" in html


def test_pages_beyond_the_end_give_the_last() -> None:
    page = page_of(RequestFactory().get("/?page=99&size=25"), range(60))
    assert (page.number, page.first, page.last, page.total) == (3, 51, 60, 60)
    assert page.next is None
    assert page.previous == 2


class _Form(forms.Form):
    amount = forms.DecimalField(help_text="In your currency.")


def test_a_wrong_field_names_its_error_and_help() -> None:
    html = render('<c-field :field="form.amount" />', form=_Form({"amount": "x"}))
    assert 'aria-invalid="true"' in html
    described = re.search(r'aria-describedby="([^"]+)"', html)
    assert described is not None
    for name in described.group(1).split():
        assert f'id="{name}"' in html


def _templates() -> list[Path]:
    return sorted(TEMPLATES.rglob("*.html"))


def test_icons_named_in_templates_exist() -> None:
    with ZipFile(Path(lucide.__file__).parent / "lucide.zip") as archive:
        known = {name.removesuffix(".svg") for name in archive.namelist()}
    wrong = [
        (path.name, name)
        for path in _templates()
        for name in re.findall(r'\{% icon "([^"]+)"|<c-[a-z-]+[^>]*\bicon="([a-z0-9-]+)"', path.read_text())
        for name in name
        if name and name not in known
    ]
    assert wrong == []


def test_templates_have_no_inline_script_handler_or_style() -> None:
    allowed = re.compile(r'<script [^>]*(?:src=|type="application/json"|data-allauth-onload)')
    for path in _templates():
        text = path.read_text()
        for tag in re.findall(r"<script[^>]*>", text):
            assert allowed.match(tag), (path, tag)
        assert not re.search(r"\son[a-z]+=[\"']", text), path
        assert not re.search(r"<[a-z][^>{%]*\sstyle=", text), path


@pytest.mark.parametrize("path", _templates(), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_every_template_compiles(path: Path) -> None:
    get_template(str(path.relative_to(TEMPLATES)))
