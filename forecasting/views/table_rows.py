"""Rows of the forecast's table, written without templates: a manager's page has a hundred cells, each several tags."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from forecasting.views.shown import ShownCell, ShownRow
from salesops.ui.markup import markup
from salesops.ui.templatetags.ui import bullet, icon


def write_rows(rows: Iterable[ShownRow]) -> SafeString:
    """The `<tr>`s, in the viewer's language."""
    return mark_safe("".join(map(_row, rows)))  # noqa: S308 - each row is safe


def _row(row: ShownRow) -> SafeString:
    place = row.place
    return markup(
        '<tr data-row data-node="{}"{} aria-level="{}"{} tabindex="-1" class="{}"><th scope="row" class="sticky-col">'
        '<div class="tree-cell">{}{}{}</div></th>{}</tr>\n',
        place.key,
        markup(' data-parent="{}"', place.parent_key) if place.parent_key else "",
        place.level,
        _expansion(row),
        "sub" if place.kind in ("OWN", "UNASSIGNED") else "",
        _toggle(row),
        _name(row),
        "" if place.is_active else markup('<span class="muted small">&nbsp;{}</span>', _("left")),
        mark_safe("".join(map(_cell, row.cells))),  # noqa: S308 - each cell is safe
    )


def _expansion(row: ShownRow) -> SafeString | str:
    if not row.place.expandable:
        return ""
    is_open = "true" if row.place.is_open else "false"
    return markup(' aria-expanded="{}" data-children-url="{}"', is_open, row.children_url)


def _toggle(row: ShownRow) -> SafeString:
    if not row.place.expandable:
        return SafeString('<span class="tree-leaf"></span>')
    return markup(
        '<button class="tree-toggle" type="button" tabindex="-1" aria-label="{}">{}</button>',
        _("Open or close %(name)s") % {"name": row.label},
        icon("chevron-right", "s"),
    )


def _name(row: ShownRow) -> SafeString:
    if not row.href:
        return markup('<span title="{}">{}</span>', row.place.note, row.label)
    return markup(
        '<a class="drill" href="{}" data-row-open title="{}">{}</a>', row.href, row.place.note, row.label
    )


def _cell(cell: ShownCell) -> SafeString:
    text: SafeString | str = cell.text
    if cell.href:
        arrow = (
            markup('<span class="delta__arrow" aria-hidden="true">{}</span>', cell.arrow)
            if cell.arrow
            else ""
        )
        text = markup(
            '<a class="drill{}" href="{}" data-drawer title="{}">{}{}</a>',
            f" {cell.tone}" if cell.tone else "", cell.href, cell.title, arrow, cell.text,
        )  # fmt: skip
    if cell.bar:
        text = markup('<span class="bar-cell">{}{}</span>', bullet(*cell.bar, category="WON"), text)
    return markup(
        '<td class="num{}" data-live="{}" data-label="{}">{}{}</td>',
        f" {cell.css}" if cell.css else "", cell.key, cell.label, text, _note(cell),
    )  # fmt: skip


def _note(cell: ShownCell) -> SafeString | str:
    if not cell.note:
        return ""
    title = _("What the reports carry beyond the assigned quota")
    return markup('<span class="cell-note" title="{}">{}</span>', title, cell.note)
