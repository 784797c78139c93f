"""Finding answers: for the page's search box and for the command palette."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from organization.domain.roles import Role
from organization.domain.scope import Scope
from pipeline.domain.metrics import REGISTRY, Metric
from salesops.help.answers import TOPICS
from salesops.help.topics import FIGURES, WORDS, Topic, Word
from salesops.ui.palette import PaletteItem, matches

SHORTEST = 3
"""Fewer letters would find nearly every answer."""
MOST = 5
"""Answers the palette offers at once: pages, deals and people come first."""


def questions(role: Role | None, text: str = "") -> list[Topic]:
    """The questions of a role (of everybody without one) that speak of the text."""
    return [
        topic
        for topic in TOPICS
        if (role is None or role in topic.roles) and matches(text, f"{topic.question} {topic.answer}")
    ]


def question_named(slug: str) -> Topic | None:
    """The question of this name."""
    return next((topic for topic in TOPICS if topic.slug == slug), None)


def words(text: str = "") -> list[Word]:
    """Words that are no figures."""
    return [word for word in WORDS if matches(text, f"{word.title} {word.meaning}")]


def figures(text: str = "") -> list[Metric]:
    """The figures everybody meets, as the registry defines them."""
    chosen = (REGISTRY[name] for name in FIGURES)
    return [one for one in chosen if matches(text, f"{one.name} {_(one.title)} {_(one.formula)}")]


def find_help(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    """Answers and words for the palette, those of the viewer's roles only; they open beside the page."""
    viewer: Scope | None = getattr(request, "viewer", None)
    if viewer is None or not viewer.roles or len(query.strip()) < SHORTEST:
        return
    page = reverse("help")
    found = [
        (str(topic.question), f"{page}?topic={topic.slug}")
        for topic in questions(None)
        if topic.roles & viewer.roles and matches(query, str(topic.question))
    ]
    found += [
        (_("What does “%(word)s” mean?") % {"word": title}, f"{page}?word={slug}")
        for title, slug in _titles()
        if matches(query, title)
    ]
    for label, url in found[:MOST]:
        yield PaletteItem(label, url, _("Help"), "", "circle-question-mark", drawer=True)


def _titles() -> list[tuple[str, str]]:
    """Title and name of everything the page explains; a figure says more than a word of the same title."""
    named = {str(word.title): word.slug for word in WORDS}
    return list((named | {_(metric.title): metric.name for metric in figures()}).items())
