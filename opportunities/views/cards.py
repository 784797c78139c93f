"""Cards of the board and items of the queue before the call, written without templates as rows are: a board has a
hundred cards, each with a menu."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from opportunities.domain.deal import Category
from opportunities.views.cells import Deal
from opportunities.views.rows import doubt_of, whose
from salesops.ui.markup import markup
from salesops.ui.templatetags.ui import icon, pill


class CardWriter:
    """Writes cards in the viewer's language. `owners`: names whose deal it is."""

    def __init__(self, *, owners: bool) -> None:
        self.owners = owners
        self._menus: dict[Category, SafeString] = {}

    def write(self, deals: Iterable[Deal]) -> SafeString:
        """All of them, in order."""
        return mark_safe("".join(map(self.card, deals)))  # noqa: S308 - each card is safe

    def card(self, deal: Deal) -> SafeString:
        """One `<li>`."""
        row = deal.row
        return markup(
            '<li id="deal-{}" class="deal-card" data-row data-deal="{}" data-version="{}" data-category="{}"{} '
            'tabindex="-1">\n  <div class="deal-card__head"><a class="deal-card__name drill" href="{}" data-drawer '
            'data-row-open draggable="false">{}</a>{}</div>\n  {}\n  <p class="deal-card__facts">'
            '<span class="strong">{}</span><span>{}</span></p>\n  <p class="deal-card__next small">{}</p>\n  {}\n'
            "</li>\n",
            row.id, row.id, row.version, row.category, self._editable(deal), deal.url, row.name,
            self._menu(deal) if row.may_edit else "", self._belongs(deal), deal.amount, deal.close_date,
            deal.next_step, self._marks(deal),
        )  # fmt: skip

    def _editable(self, deal: Deal) -> SafeString | str:
        if not deal.row.may_edit:
            return ""
        return markup(' data-edit-url="{}" draggable="true"', deal.edit_url)

    def _menu(self, deal: Deal) -> SafeString:
        """Where it can be moved: the same for all cards of a category."""
        found = self._menus.get(deal.row.category)
        if found is None:
            found = self._menus[deal.row.category] = _menu(deal.moves)
        return found

    def _belongs(self, deal: Deal) -> SafeString | str:
        if not deal.row.account_name and not self.owners:
            return ""
        return markup('<p class="cell-note truncate">{}</p>', whose(deal, self.owners))

    def _marks(self, deal: Deal) -> SafeString | str:
        if not deal.row.subcategory_id and not deal.row.doubts:
            return ""
        return markup('<p class="row small">{}{}</p>', doubt_of(deal), deal.subcategory)


def _menu(moves: Sequence[tuple[str, str]]) -> SafeString:
    """The markup of `cotton/menu.html` with its items."""
    items = format_html_join(
        "",
        '\n<button class="menu__item" type="button" data-move="{}"><span class="truncate">{}</span></button>\n',
        ((value, pill(value, label)) for value, label in moves),
    )
    return markup(
        '\n<details class="menu" data-menu ><summary class="btn btn--quiet btn--small btn--icon" aria-label="{}" '
        'title="{}">{}</summary><div class="menu__panel">{}</div></details>\n',
        _("Move to"), _("Move to"), icon("ellipsis"), items,
    )  # fmt: skip


class QueueWriter:
    """Writes what needs a look, with its cure. `quick`: close dates one press away, (ISO date, label)."""

    def __init__(self, *, owners: bool, quick: Sequence[tuple[str, str]]) -> None:
        self.owners = owners
        buttons = format_html_join(
            "",
            '<button class="btn btn--small" type="button" data-quick="close_date" data-value="{}" title="{}">{}'
            "</button>",
            ((day, label, label) for day, label in quick),
        )
        self._quick = markup('<span class="queue__quick">{}</span>', buttons)

    def write(self, deals: Iterable[Deal]) -> SafeString:
        """All of them, in order."""
        return mark_safe("".join(map(self._item, deals)))  # noqa: S308 - each item is safe

    def _item(self, deal: Deal) -> SafeString:
        row, names = deal.row, whose(deal, self.owners)
        return markup(
            '\n    <li class="queue__item" id="queue-{}" data-row data-deal="{}" data-version="{}"{} tabindex="-1">\n'
            '      <div class="queue__what"><a class="strong drill" href="{}" data-drawer data-row-open>{}</a>'
            '<span class="cell-note"><span class="truncate">{}</span>{}{}</span></div>\n'
            '      <div class="queue__why">{}<span>{}</span></div>\n'
            '      <div class="queue__cure">\n        {}\n      </div>\n    </li>\n    ',
            row.id, row.id, row.version,
            markup(' data-edit-url="{}"', deal.edit_url) if row.may_edit else "",
            deal.url, row.name,
            names, "· " if names else "", deal.amount_shown, pill(row.category), _reasons(deal), self._cure(deal),
        )  # fmt: skip

    def _cure(self, deal: Deal) -> SafeString | str:
        if not deal.row.may_edit:
            return ""
        return markup(
            '\n          {}\n          <span class="queue__field"><span class="muted small">{}</span>{}</span>'
            "\n        ",
            self._quick if deal.cure_field == "close_date" else "", deal.cure_label, deal.cure,
        )  # fmt: skip


def _reasons(deal: Deal) -> SafeString:
    return format_html_join(
        "",
        '<span class="queue__reason{}">{}</span>',
        (("" if place else " queue__reason--first", words) for place, words in enumerate(deal.reasons)),
    )
