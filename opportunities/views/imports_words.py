"""What an import will do, did, or was taken back to do, as a sentence without its empty parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from opportunities.services.imports_undo import Undone
from salesops.ui import formats

_LABELS = {
    "created": ngettext_lazy("%(n)s row creates a deal", "%(n)s rows create deals", "n"),
    "updated": ngettext_lazy("%(n)s changes one", "%(n)s change one", "n"),
    "unchanged": ngettext_lazy("%(n)s says nothing new", "%(n)s say nothing new", "n"),
    "rejected": ngettext_lazy("%(n)s is rejected", "%(n)s are rejected", "n"),
}
_DONE = {
    "created": ngettext_lazy("%(n)s row created a deal", "%(n)s rows created deals", "n"),
    "updated": ngettext_lazy("%(n)s changed one", "%(n)s changed one", "n"),
    "unchanged": ngettext_lazy("%(n)s said nothing new", "%(n)s said nothing new", "n"),
    "rejected": ngettext_lazy("%(n)s was rejected", "%(n)s were rejected", "n"),
}


def will_do(summary: dict[str, Any]) -> SafeString:
    """What applying will do to deals."""
    return _sentence((summary[name], words) for name, words in _LABELS.items())


def has_done(summary: dict[str, Any]) -> SafeString:
    """What was done to deals."""
    return _sentence((summary[name], words) for name, words in _DONE.items()) or SafeString(
        _("No deals in these files; the lists they hold were taken.")
    )


def _sentence(parts: Iterable[tuple[int, Promise]]) -> SafeString:
    told = [
        (format_html(str(words % {"n": count}).replace(str(count), "<b>{}</b>", 1), formats.number(count)),)
        for count, words in parts
        if count
    ]
    return format_html("{}.", format_html_join(", ", "{}", told)) if told else SafeString("")


def was_undone(done: Undone) -> str:
    """What undoing did."""
    counted = (
        (done.deals_removed, ngettext_lazy("%(n)s deal removed", "%(n)s deals removed", "n")),
        (
            done.deals_restored,
            ngettext_lazy("%(n)s deal put back as it was", "%(n)s deals put back as they were", "n"),
        ),
        (
            done.deals_kept,
            ngettext_lazy(
                "%(n)s deal left because somebody changed it since",
                "%(n)s deals left because somebody changed them since",
                "n",
            ),
        ),
        (
            done.records,
            ngettext_lazy(
                "%(n)s account, person, product or the like put back or removed",
                "%(n)s accounts, people, products and the like put back or removed",
                "n",
            ),
        ),
        (done.records_kept, ngettext_lazy("%(n)s of these left", "%(n)s of these left", "n")),
    )
    told = ", ".join(words % {"n": n} for n, words in counted if n)
    return _("Import undone: %(told)s.") % {"told": told} if told else _("Import undone.")
