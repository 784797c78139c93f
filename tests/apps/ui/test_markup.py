"""Markup written in Python is what Django would have written."""

from __future__ import annotations

import pytest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from salesops.ui.markup import markup
from tests.apps.ui.test_components import EVIL, render

VALUES = st.one_of(st.text(), st.integers(), st.decimals(), st.none(), st.text().map(SafeString))


@given(values=st.tuples(VALUES, VALUES))
def test_it_escapes_as_format_html(values: tuple[object, object]) -> None:
    found = markup('<b title="{}">{}</b>', *values)
    assert isinstance(found, SafeString)
    assert found == format_html('<b title="{}">{}</b>', *values)


def test_lazy_words_are_said() -> None:
    assert markup("<b>{}</b>", gettext_lazy("Close")) == "<b>Close</b>"


@pytest.mark.parametrize("value", ["", 2, "2", None, EVIL])
def test_options_are_those_of_a_loop(value: object) -> None:
    offered = [
        ("", "Any"),
        (2, "Two"),
        (EVIL, EVIL),
        (None, gettext_lazy("Close")),
        ("x", SafeString("&nbsp;x")),
    ]
    loop = (
        '{% for code, text in offered %}<option value="{{ code }}"'
        '{% if code|stringformat:"s" == value|stringformat:"s" %} selected{% endif %}>{{ text }}</option>{% endfor %}'
    )
    written = render("{% options offered value %}", offered=offered, value=value)
    assert written == render(loop, offered=offered, value=value)
