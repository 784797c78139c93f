"""Doubts, fields and causes in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.template.defaultfilters import floatformat
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from opportunities.domain.hygiene import Doubt, Flag
from opportunities.domain.listing import SplitRow, TimelineEntry
from opportunities.domain.splits import OVERLAY
from salesops.ui import formats
from salesops.ui.categories import CATEGORY_LABELS

FIELD_LABELS: dict[str, str | Promise] = {
    "name": _lazy("Name"),
    "account_id": _lazy("Account"),
    "owner_id": _lazy("Owner"),
    "process_id": _lazy("Process"),
    "stage_id": _lazy("Stage"),
    "status": _lazy("Status"),
    "category": _lazy("Category"),
    "subcategory_id": _lazy("Subcategory"),
    "amount": _lazy("Amount"),
    "currency_id": _lazy("Currency"),
    "list_amount": _lazy("List amount"),
    "probability": _lazy("Probability"),
    "close_date": _lazy("Close date"),
    "started_on": _lazy("Started on"),
    "next_step": _lazy("Next step"),
    "deal_type": _lazy("Type"),
    "lead_source": _lazy("Source"),
    "territory_id": _lazy("Territory"),
    "product_id": _lazy("Product"),
    "is_deleted": _lazy("Deleted"),
    "splits": _lazy("Splits"),
}
FLAG_LABELS: dict[str, str | Promise] = {
    "ANY": _lazy("Need attention"),
    Flag.PAST_CLOSE: _lazy("Past close date"),
    Flag.NO_CLOSE_DATE: _lazy("No close date"),
    Flag.NO_AMOUNT: _lazy("No amount"),
    Flag.MISMATCH: _lazy("Category and stage disagree"),
    Flag.STALE: _lazy("Stale in stage"),
    Flag.NO_NEXT_STEP: _lazy("No next step"),
    Flag.PUSHED: _lazy("Pushed often"),
    Flag.FAR_CLOSE: _lazy("Closes far out"),
}
STATUS_LABELS = {"OPEN": _lazy("Open"), "WON": _lazy("Won"), "LOST": _lazy("Lost")}


def reason(doubt: Doubt) -> str:
    """Why a deal needs a look, in a few words."""
    match doubt.flag:
        case Flag.PAST_CLOSE:
            words = ngettext(
                "Close date passed %(n)s day ago", "Close date passed %(n)s days ago", doubt.days
            )
            return words % {"n": doubt.days}
        case Flag.MISMATCH:
            return _("Stage suggests %(category)s") % {
                "category": CATEGORY_LABELS.get(doubt.words, doubt.words)
            }
        case Flag.STALE:
            return _("%(days)s days in stage, won deals take %(typical)s") % {
                "days": doubt.days, "typical": doubt.typical,
            }  # fmt: skip
        case Flag.PUSHED:
            return _("Pushed %(n)s times") % {"n": doubt.days}
        case Flag.FAR_CLOSE:
            return _("Closes in %(n)s months") % {"n": doubt.days // 30}
        case _:
            return str(FLAG_LABELS[doubt.flag])


def splits_said(splits: Iterable[SplitRow]) -> str:
    """Who has which share: `Ann 60 %, Bo 40 %, Cy 10 % (Overlay)`."""
    return ", ".join(
        f"{split.person_name} {floatformat(split.share, '-4')} %"
        + (f" ({_('Overlay')})" if split.kind == OVERLAY else "")
        for split in splits
    )


def came_from(entry: TimelineEntry) -> str:
    """Where a version came from: a person, an import row, the demo, an undo."""
    if entry.import_batch_id:
        batch = _("Import %(n)s") % {"n": entry.import_batch_id}
        return f"{batch}, {_('row %(n)s') % {'n': entry.source_row}}" if entry.source_row else batch
    if entry.kind == "SEED":
        return f"{entry.by} · {_('Demo data')}" if entry.by else _("Demo data")
    by = entry.by or _("System")
    return _("%(who)s, undo") % {"who": by} if entry.is_undo else by


def will_happen(summary: Mapping[str, Any]) -> SafeString:
    """What an import is going to do, its zeros left out."""
    return _parts(
        summary,
        created=lambda n: ngettext("<b>{n}</b> row creates a deal", "<b>{n}</b> rows create deals", n),
        updated=lambda n: ngettext("<b>{n}</b> row changes a deal", "<b>{n}</b> rows change deals", n),
        unchanged=lambda n: ngettext("<b>{n}</b> row says nothing new", "<b>{n}</b> rows say nothing new", n),
    )


def has_happened(summary: Mapping[str, Any]) -> SafeString:
    """What an import did, its zeros left out."""
    return _parts(
        summary,
        created=lambda n: ngettext("<b>{n}</b> row created a deal", "<b>{n}</b> rows created deals", n),
        updated=lambda n: ngettext("<b>{n}</b> row changed a deal", "<b>{n}</b> rows changed deals", n),
        unchanged=lambda n: ngettext(
            "<b>{n}</b> row said nothing new", "<b>{n}</b> rows said nothing new", n
        ),
        rejected=lambda n: ngettext("<b>{n}</b> row was rejected", "<b>{n}</b> rows were rejected", n),
    )


def _parts(summary: Mapping[str, Any], **words: Callable[[int], str]) -> SafeString:
    counts = [(say, int(summary.get(name) or 0)) for name, say in words.items()]
    said = ((format_html(say(count), n=formats.number(count)),) for say, count in counts if count)
    return format_html_join(", ", "{}", said)
