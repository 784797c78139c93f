"""The shell's own pages, and what strangers get."""

import json
from types import SimpleNamespace

import pytest
from django.conf import LazySettings
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from salesops.ui import feedback

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    user = get_user_model()(email="kim@example.com", is_staff=True)
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    return client


def test_the_style_guide_is_for_staff_only(client: Client, staff: Client) -> None:
    assert staff.get("/styleguide").status_code == 200
    assert Client().get("/styleguide").status_code == 404


def test_the_palette_needs_a_sign_in(staff: Client) -> None:
    answer = staff.get("/palette", {"q": ""})
    assert answer.status_code == 200
    assert isinstance(answer.json()["items"], list)
    assert Client().get("/palette").status_code in {302, 401}


def test_an_address_opened_in_the_drawer_comes_without_the_shell(staff: Client) -> None:
    page = staff.get("/styleguide/drawer").content.decode()
    inside = staff.get(
        "/styleguide/drawer", headers={"HX-Request": "true", "HX-Target": "drawer-host"}
    ).content.decode()
    assert "<html" in page
    assert "<html" not in inside
    assert 'data-drawer-title="Commit of Marcus Okonkwo"' in inside


def test_the_shell_asks_the_database_nothing_of_its_own(staff: Client, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    staff.get("/styleguide")
    with django_assert_max_num_queries(6):  # session, user, and who the viewer is
        staff.get("/styleguide")


def test_not_found_says_the_same_whatever_was_asked(client: Client) -> None:
    first = client.get("/no/such/page")
    second = client.get("/another")
    assert first.status_code == second.status_code == 404
    assert first.content == second.content
    assert b"Nothing here" in first.content


def test_preferences_shape_the_first_paint(staff: Client) -> None:
    staff.cookies["salesops_ui"] = "theme.dark_density.compact"
    html = staff.get("/styleguide").content.decode()
    assert 'data-theme="dark" data-density="compact"' in html


def test_the_sign_in_page_speaks_german_when_asked(client: Client) -> None:
    html = client.get("/accounts/login/", headers={"Accept-Language": "de"}).content.decode()
    assert '<html lang="de"' in html
    assert "Anmelden" in html
    assert "autocomplete" in html


def test_toasts_and_changes_share_one_header() -> None:
    response = feedback.toast(HttpResponse(), "Größe geändert", undo_url="/undo/1")
    feedback.changed(response, kind="deal", ids=[4])
    events = json.loads(response.headers["HX-Trigger"])
    assert events["salesops:toast"] == {"message": "Größe geändert", "undo": "/undo/1", "level": "info"}
    assert events["salesops:changed"] == {"kind": "deal", "ids": [4]}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1:8000", "http://localhost:8000/accounts/2fa/webauthn/"),
        ("127.0.0.1", "http://localhost/accounts/2fa/webauthn/"),
        ("[::1]:8000", "http://localhost:8000/accounts/2fa/webauthn/"),
        ("192.168.1.7:8000", ""),
        ("localhost:8000", None),
        ("sales.example.com", None),
    ],
)
def test_the_passkey_page_asks_for_an_address_with_a_name(
    staff: Client, settings: LazySettings, host: str, url: str | None
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    page = staff.get(reverse("mfa_list_webauthn"), headers={"Host": host}).content.decode()
    assert ("not with numbers" in page) is (url is not None)
    assert (f'href="{url}"' in page) is bool(url)


@pytest.mark.parametrize(
    ("template", "context", "words"),
    [
        ("forecasting/_still_open.html", {"a": SimpleNamespace(open_deals=1329, open=5), "question": SimpleNamespace(currency="USD")},
         "1,329 deals over"),
        ("opportunities/_closing.html", {"count": 3657, "total": 5, "currency": "USD"}, "3,657 deals, $5.00 in all"),
        ("opportunities/_closing.html", {"count": 2, "more": 0, "total": 5, "currency": "USD"}, "2 deals, $5.00 in all"),
    ],
)  # fmt: skip
def test_counts_of_deals_have_marks_between_thousands(
    template: str, context: dict[str, object], words: str
) -> None:
    assert words in render_to_string(template, context)
