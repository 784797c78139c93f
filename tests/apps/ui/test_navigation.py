"""Who sees which navigation item, and what the palette finds."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import RequestFactory

from salesops.ui import navigation, palette, preferences


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, navigation.NavItem]:
    items: dict[str, navigation.NavItem] = {}
    monkeypatch.setattr(navigation, "_items", items)
    monkeypatch.setattr(palette, "_providers", {})
    return items


def request_of(path: str = "/", *, signed_in: bool = True, rights: set[str] | None = None) -> Any:
    request: Any = RequestFactory().get(path)
    request.user = SimpleNamespace(is_authenticated=signed_in)
    if rights is not None:
        request.viewer = SimpleNamespace(can=lambda capability: capability in rights)
    return request


def test_items_without_a_route_or_a_right_are_left_out(registry: dict[str, navigation.NavItem]) -> None:
    navigation.register(
        navigation.NavItem("Guide", "ui:styleguide", capability="A", order=2),
        navigation.NavItem("Gone", "no:such", capability="A"),
        navigation.NavItem("Palette", "ui:palette", capability=("B", "C"), order=1),
    )
    assert [link.label for link in navigation.links_for(request_of(rights={"A", "C"}))] == [
        "Palette",
        "Guide",
    ]
    assert [link.label for link in navigation.links_for(request_of(rights={"A"}))] == ["Guide"]
    assert navigation.links_for(request_of(signed_in=False, rights={"A"})) == []


def test_signed_in_is_enough_while_no_viewer_is_attached(registry: dict[str, navigation.NavItem]) -> None:
    navigation.register(navigation.NavItem("Guide", "ui:styleguide", capability="A"))
    assert len(navigation.links_for(request_of())) == 1
    assert navigation.links_for(request_of(signed_in=False)) == []


def test_the_current_page_is_marked(registry: dict[str, navigation.NavItem]) -> None:
    navigation.register(navigation.NavItem("Guide", "ui:styleguide", prefixes=("/deals",)))
    assert navigation.links_for(request_of("/styleguide"))[0].current
    assert navigation.links_for(request_of("/deals/4"))[0].current
    assert not navigation.links_for(request_of("/other"))[0].current


def test_the_palette_merges_pages_and_providers(registry: dict[str, navigation.NavItem]) -> None:
    navigation.register(navigation.NavItem("Style guide", "ui:styleguide", key="s"))
    palette.register("deals", lambda request, query: [palette.PaletteItem(f"Deal {n}") for n in range(30)])
    found = palette.find(request_of(), "guide st")
    assert [item.label for item in found][:2] == ["Style guide", "Deal 0"]
    assert len(found) == 11


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("", preferences.Preferences()),
        (
            "theme.dark_density.compact_nav.slim_keys.off",
            preferences.Preferences("dark", "compact", "slim", "off"),
        ),
        ('theme.evil"><script>_what.ever_nav', preferences.Preferences()),
    ],
)
def test_preferences_take_only_what_is_known(cookie: str, expected: preferences.Preferences) -> None:
    assert preferences.parse(cookie) == expected


def test_a_page_whose_own_rule_refuses_is_not_offered(
    registry: dict[str, navigation.NavItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = SimpleNamespace(allows=lambda viewer, method: viewer.can("OPEN"))
    monkeypatch.setattr(navigation, "_route", lambda name: ("/guarded", rule))
    navigation.register(navigation.NavItem("Guarded", "guarded"))
    assert navigation.links_for(request_of(rights=set())) == []
    assert [link.url for link in navigation.links_for(request_of(rights={"OPEN"}))] == ["/guarded"]
