"""Rows of the deals list, written without templates: fifty of them would be more than half of the page's time."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opportunities.views.cells import Deal
from salesops.ui.markup import markup
from salesops.ui.templatetags.ui import icon


class RowWriter:
    """Writes rows in the viewer's language. `owners`: names whose deal it is; `selectable`: has the box to tick."""

    def __init__(self, *, owners: bool, selectable: bool) -> None:
        self.owners = owners
        self.selectable = selectable
        self._select = _("Select %(name)s")
        self._close, self._stage, self._next = _("Close date"), _("Stage"), _("Next")
        self._typical = _("Won deals take %(n)s days in this stage.")

    def write(self, deals: Iterable[Deal]) -> SafeString:
        """All of them, in order."""
        return mark_safe("".join(map(self.row, deals)))  # noqa: S308 - each row is safe

    def row(self, deal: Deal) -> SafeString:
        """One `<tr>`."""
        row = deal.row
        return markup(
            '<tr id="deal-{}" data-row data-deal="{}" data-version="{}"{} tabindex="-1">{}'
            '<th scope="row" class="card-title deal-name"><span><a class="cell-title drill" href="{}" data-drawer '
            'data-row-open>{}</a><span class="cell-note"><span class="truncate">{}</span>{}</span></span></th>'
            '<td class="deal-category">{}{}</td><td class="num deal-amount">{}</td>'
            '<td class="nowrap" data-label="{}">{}</td><td class="deal-stage" data-label="{}">{}</td>'
            '<td class="deal-next" data-label="{}">{}</td>{}</tr>\n',
            row.id, row.id, row.version, self._editable(deal), self._box(deal), deal.url, row.name,
            whose(deal, self.owners), doubt_of(deal), deal.category, self._subcategory(deal), deal.amount,
            self._close, deal.close_date, self._stage, deal.stage, self._next, deal.next_step, self._age(deal),
        )  # fmt: skip

    def _editable(self, deal: Deal) -> SafeString | str:
        return markup(' data-edit-url="{}"', deal.edit_url) if deal.row.may_edit else ""

    def _box(self, deal: Deal) -> SafeString | str:
        if not self.selectable:
            return ""
        return markup(
            '<td class="tight card-hide"><input type="checkbox" data-select aria-label="{}"{}></td>',
            self._select % {"name": deal.row.name},
            "" if deal.row.may_edit else " disabled",
        )

    def _subcategory(self, deal: Deal) -> SafeString | str:
        return markup(" {}", deal.subcategory) if deal.subcategory else ""

    def _age(self, deal: Deal) -> SafeString:
        row, title, pushes = deal.row, SafeString(""), SafeString("")
        if row.typical_days is not None:
            title = markup(' title="{}"', self._typical % {"n": row.typical_days})
        if row.push_count:
            said = ngettext("%(n)s push", "%(n)s pushes", row.push_count) % {"n": row.push_count}
            pushes = markup('<span class="cell-note">{}</span>', said)
        slow = " warn" if deal.is_slow else ""
        return markup('<td class="num card-hide{}"{}>{}{}</td>', slow, title, deal.age or "–", pushes)


def whose(deal: Deal, owners: bool) -> SafeString:
    """The account, and with `owners` the owner."""
    account, owner = deal.row.account_name, deal.row.owner_name if owners else ""
    between = " · " if account and owner else ""
    named = markup("<bdi>{}</bdi>", owner) if owner else ""
    return markup("<bdi>{}</bdi>{}{}", account, between, named)


def doubt_of(deal: Deal) -> SafeString | str:
    """The most pressing doubt, all of them in its title."""
    if not deal.row.doubts:
        return ""
    title = "; ".join(map(str, deal.reasons))
    return markup('<span class="doubt" title="{}">{}{}</span>', title, icon("circle-alert", "s"), deal.doubt)
