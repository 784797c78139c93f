"""The help page, whole or one answer of it in the drawer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from organization.domain.roles import ROLE_NAMES, Capability, Role
from organization.domain.scope import Scope
from organization.permissions import requires
from organization.selectors.users import administrators
from pipeline.domain.metrics import Metric
from salesops.help import finding
from salesops.help.topics import MONDAY, Text, Topic, Word
from salesops.ui import navigation

FIRST = (Role.MANAGER, Role.REP, Role.OPS, Role.ADMIN, Role.FINANCE, Role.EXECUTIVE, Role.AUDITOR)
"""Which page somebody with several roles reads first."""
LONGEST = 80


@dataclass(frozen=True)
class Line:
    """A step or an answer with the address of its page, "" when this viewer has no such page."""

    text: Text
    url: str
    link: Text
    slug: str = ""
    title: Text = ""


@dataclass(frozen=True)
class Meaning:
    """A word or a figure as explained on the page."""

    slug: str
    title: str
    text: str
    symbols: str = ""
    category: str = ""


@require_GET
@requires(Capability.USE_SELF_SERVICE)
def help_page(request: HttpRequest) -> HttpResponse:
    """``?role=`` another role's page, ``?q=`` what speaks of the words, ``?topic=`` or ``?word=`` one answer."""
    if request.GET.get("topic") or request.GET.get("word"):
        return _one(request)
    scope: Scope = request.viewer  # type: ignore[attr-defined]
    role, text = _role(request, scope), request.GET.get("q", "").strip()[:LONGEST]
    context = {
        "role": role,
        "role_name": _(ROLE_NAMES[role]),
        "own": role in scope.roles,
        "roles": [(one.value, _(ROLE_NAMES[one])) for one in Role],
        "q": text,
        "steps": [] if text else [_line(request, step) for step in MONDAY[role]],
        "topics": [_line(request, topic) for topic in finding.questions(None if text else role, text)],
        "categories": [_word(word) for word in finding.words(text) if word.category],
        "words": [_word(word) for word in finding.words(text) if not word.category],
        "figures": [_figure(metric) for metric in finding.figures(text)],
        "all_figures": navigation.address(request, "pipeline:metrics"),
        "edits": bool({Role.REP, Role.MANAGER} & {role}),
        "administrators": administrators(),
    }
    return render(request, "help/help.html", context)


def _role(request: HttpRequest, scope: Scope) -> Role:
    asked = request.GET.get("role", "")
    return Role(asked) if asked in set(Role) else next((one for one in FIRST if one in scope.roles), Role.REP)


def _one(request: HttpRequest) -> HttpResponse:
    """One answer, for the drawer beside the page somebody is on."""
    topic = finding.question_named(request.GET.get("topic", ""))
    word = request.GET.get("word", "")
    meanings = [_figure(one) for one in finding.figures()] + [_word(one) for one in finding.words()]
    meaning = next((one for one in meanings if one.slug == word), None)
    if topic is None and meaning is None:
        raise Http404
    context: dict[str, Any] = {"topic": _line(request, topic) if topic else None, "meaning": meaning}
    return render(request, "help/answer.html", context)


def _line(request: HttpRequest, entry: Any) -> Line:
    url = navigation.address(request, entry.route) if entry.route else ""
    is_topic = isinstance(entry, Topic)
    return Line(
        text=entry.answer if is_topic else entry.text,
        url=url,
        link=entry.link,
        slug=entry.slug if is_topic else "",
        title=entry.question if is_topic else "",
    )


def _word(word: Word) -> Meaning:
    return Meaning(word.slug, str(word.title), str(word.meaning), category=word.category)


def _figure(metric: Metric) -> Meaning:
    return Meaning(metric.name, _(metric.title), _(metric.formula), metric.symbols)
