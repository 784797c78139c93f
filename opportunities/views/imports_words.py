"""What an import set aside, and what taking it back did, in words without their empty parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from opportunities.services.imports_undo import Undone
from salesops.ui import formats


def set_aside(summary: Mapping[str, Any]) -> str:
    """Why rows were set aside: exact repeats of others, or no deals by a rule of the mapping."""
    repeats, others = summary["repeats"], summary["set_aside"] - summary["repeats"]
    counted = (
        (repeats, ngettext_lazy("%(n)s exact repeat", "%(n)s exact repeats", repeats)),
        (others, ngettext_lazy("%(n)s is no deal", "%(n)s are no deals", others)),
    )
    return ", ".join(words % {"n": formats.number(n)} for n, words in counted if n)


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
