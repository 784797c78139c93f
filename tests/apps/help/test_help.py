"""The help page: for every role, in its words, with links that lead somewhere."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import NoReverseMatch, reverse

from organization.domain.roles import Role
from pipeline.domain.metrics import REGISTRY
from salesops.help.answers import TOPICS
from salesops.help.topics import FIGURES, MONDAY, WORDS
from tests.factories.organization import make_company, make_person, make_user

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def _client(*roles: Role) -> Client:
    make_company()
    client = Client()
    client.force_login(make_user(*roles, person=make_person("Viewer")), backend=BACKEND)
    return client


def test_every_role_has_a_monday_and_questions() -> None:
    assert set(MONDAY) == set(Role)
    for role in Role:
        assert len([topic for topic in TOPICS if role in topic.roles]) >= 3, role


def test_names_are_unique_and_routes_exist() -> None:
    names = [*(topic.slug for topic in TOPICS), *(word.slug for word in WORDS), *FIGURES]
    assert len(names) == len(set(names))
    lost = []
    for entry in [*TOPICS, *(step for steps in MONDAY.values() for step in steps)]:
        try:
            assert not entry.route or (reverse(entry.route) and entry.link)
        except NoReverseMatch:
            lost.append(entry.route)
    assert not lost


@pytest.mark.django_db
@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
def test_each_role_reads_its_own_page(role: Role) -> None:
    client = _client(role)
    page = client.get("/help/")
    text = page.content.decode()
    assert page.status_code == 200
    assert page.context["role"] is role
    assert page.context["own"]
    for step in page.context["steps"]:
        assert not step.url or client.get(step.url).status_code in {200, 302}, step.url
    assert REGISTRY["best_case"].formula in text
    assert 'href="/help/"' in client.get("/account/").content.decode(), "the help icon leads here"


@pytest.mark.django_db
def test_links_a_viewer_may_not_follow_are_left_out() -> None:
    page = _client(Role.REP).get("/help/?role=ADMIN")
    assert not page.context["own"]
    assert "/users/" not in page.content.decode().split("<main")[1]


@pytest.mark.django_db
def test_the_page_finds_words_and_says_when_there_are_none() -> None:
    client = _client(Role.REP)
    page = client.get("/help/?q=coverage")
    assert [one.slug for one in page.context["figures"]] == ["coverage_remaining", "coverage_quota"]
    assert "Nothing speaks of that" in client.get("/help/?q=zzzz").content.decode()


@pytest.mark.django_db
def test_one_answer_opens_in_the_drawer() -> None:
    client = _client(Role.REP)
    headers = {"HX-Request": "true", "HX-Target": "drawer-host"}
    answer = client.get("/help/?topic=undo", headers=headers).content.decode()
    assert "Press Z" in answer
    assert "<html" not in answer
    assert (
        REGISTRY["attainment"].formula
        in client.get("/help/?word=attainment", headers=headers).content.decode()
    )
    assert client.get("/help/?word=nothing").status_code == 404


@pytest.mark.django_db
def test_the_palette_finds_answers_of_ones_own_role_only() -> None:
    client = _client(Role.REP)

    def labels(query: str) -> list[str]:
        return [item["label"] for item in client.get("/palette", {"q": query}).json()["items"]]

    assert "Who sees my deals?" in labels("who sees")
    assert "What does “Best case” mean?" in labels("best case")
    assert "How do I set quotas?" not in labels("set quotas")


@pytest.mark.django_db
def test_the_number_of_queries_is_fixed(django_assert_max_num_queries: object) -> None:
    client = _client(Role.MANAGER)
    client.get("/help/")
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        client.get("/help/")


@pytest.mark.django_db
def test_german_is_complete() -> None:
    client = _client(Role.REP)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    text = client.get("/help/").content.decode()
    assert "How do I" not in text
    assert REGISTRY["best_case"].formula not in text
