"""Template tags and filters of the design system. ``{% load ui %}``; usage in docs/design-system.md.

Filters give plain text and are cheap enough for table cells; tags give the markup of one small part.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

import lucide
from django import template
from django.http import HttpRequest, QueryDict
from django.template.context import Context
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from salesops.ui import formats, sparkline
from salesops.ui.categories import CATEGORY_LABELS
from salesops.ui.markup import markup
from salesops.ui.tables import Sort
from salesops.ui.words import in_words

register = template.Library()

register.filter("percent", formats.percent)
register.filter("multiple", formats.multiple)
register.filter("days", formats.days)
register.filter("number", formats.number)
register.filter("day", formats.day)
register.filter("instant", formats.moment)
register.filter("in_words", in_words)


@register.filter
def exact(value: object, currency: str = "") -> str:
    """Amount to the minor unit: ``{{ amount|exact:"EUR" }}``."""
    return formats.money(value, currency)


@register.filter
def rate(value: object) -> str:
    """Exchange rate: ``{{ deal.rate|rate }}``."""
    return formats.rate(value)


@register.filter
def compact(value: object, currency: str = "") -> str:
    """Amount to three significant digits: ``{{ amount|compact:"EUR" }}``."""
    return formats.money(value, currency, compact=True)


@register.filter
def typed(value: object, currency: str = "") -> str:
    """Amount to the minor unit, whole ones without their zeros, for grids of typed numbers."""
    return formats.money_as_typed(value, currency)


@register.filter
def category_label(value: str) -> str:
    """Shown name of a category value."""
    return str(CATEGORY_LABELS.get(str(value), value))


@register.filter
def initials(name: str) -> str:
    """First letters of first and last word."""
    words = [word for word in str(name).replace("-", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


@lru_cache(maxsize=512)
def _icon(name: str, css: str) -> SafeString:
    attributes = {"class": css, "aria-hidden": "true", "focusable": "false"}
    try:
        return mark_safe(lucide._render_icon(name, 16, **attributes))  # noqa: S308 - drawn from the package
    except lucide.IconDoesNotExist:  # a wrong name must not take a page down; a test finds it in templates
        return mark_safe(lucide._render_icon("circle-dashed", 16, **attributes))  # noqa: S308


@register.simple_tag
def icon(name: str, size: str = "", css: str = "") -> SafeString:
    """Lucide icon as inline SVG, hidden from assistive technology: ``{% icon "search" "l" %}``."""
    classes = f"icon icon--{size}" if size else "icon"
    return _icon(str(name) + "", f"{classes} {css}".strip() + "")


@register.simple_tag
def money(value: object, currency: str = "", short: bool = True, signed: bool = False) -> SafeString:
    """Amount with the exact figure in its title and value."""
    number = formats.to_decimal(value)
    if number is None:
        return none()
    text = formats.money(number, currency, compact=short, signed=signed)
    return markup(
        '<data class="num" value="{}" title="{}">{}</data>',
        number,
        formats.money(number, currency, signed=signed),
        text,
    )


def none() -> SafeString:
    """How "nobody answered" looks."""
    return markup('<span class="none" title="{}">–</span>', _("No value"))


@register.simple_tag
def delta(
    value: object, currency: str = "", kind: str = "money", better: str = "up", title: str = ""
) -> SafeString:
    """Change with sign, arrow and colour. ``better``: up, down or none says which direction is for the plan."""
    number = formats.to_decimal(value)
    if number is None:
        return none()
    text = formats.delta(number, currency, kind)
    if not number:
        return markup('<span class="delta" title="{}">{}</span>', title or _("Unchanged"), text)
    rising = number > 0
    tone = "" if better == "none" else ("for" if rising == (better == "up") else "against")
    full = title or (formats.money(number, currency, signed=True) if kind == "money" else text)
    return markup(
        '<span class="delta{}" title="{}"><span class="delta__arrow" aria-hidden="true">{}</span>{}</span>',
        f" delta--{tone}" if tone else "",
        full,
        "▲" if rising else "▼",
        text,
    )


@register.simple_tag
def pill(category: object, label: object = "", subcategory: object = "") -> SafeString:
    """Category pill; with ``subcategory`` the outlined one in its parent's colour."""
    code = str(getattr(category, "value", category) or "")
    if subcategory:
        return markup('<span class="pill pill--sub" data-category="{}">{}</span>', code, subcategory)
    return markup('<span class="pill" data-category="{}">{}</span>', code, label or category_label(code))


@register.simple_tag
def dot(category: object) -> SafeString:
    """The colour mark of a category, for column heads and legends (always beside its name)."""
    return markup(
        '<span class="dot" data-category="{}" aria-hidden="true"></span>',
        getattr(category, "value", category),
    )


@register.simple_tag
def avatar(name: str, size: str = "") -> SafeString:
    """Initials on a tint that stays the same for the same name."""
    return markup(
        '<span class="avatar{}" data-hue="{}" aria-hidden="true">{}</span>',
        f" avatar--{size}" if size else "",
        crc32(str(name).encode()) % 6,
        initials(name),
    )


@register.simple_tag
def person(name: str, note: str = "") -> SafeString:
    """Avatar and name."""
    return markup(
        '<span class="person">{}<span class="truncate">{}{}</span></span>',
        avatar(name),
        name,
        markup('<span class="cell-note">{}</span>', note) if note else "",
    )


@register.simple_tag
def options(offered: Iterable[tuple[object, object]], value: object) -> SafeString:
    """The ``<option>``s of a select, (code, text) each; a page's selects have a hundred of them."""
    chosen = str(value)
    return mark_safe(  # noqa: S308 - parts are escaped
        "".join(
            markup('<option value="{}"{}>{}</option>', code, " selected" if str(code) == chosen else "", text)
            for code, text in offered
        )
    )


@register.simple_tag
def spark(
    values: Sequence[sparkline.Value] | None, category: str = "", label: str = "", wide: bool = False
) -> SafeString:
    """Sparkline as inline SVG. ``label`` says in words what it shows; without it the line is decoration."""
    shape = sparkline.spark(list(values or []), width=120 if wide else 60)
    if shape is None:
        return mark_safe("")
    role = markup('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return markup(
        '<svg class="spark{}" viewBox="0 0 {} {}" {} data-category="{}"><path class="spark__area" d="{}"/>'
        '<path class="spark__line" d="{}"/><circle class="spark__end" cx="{}" cy="{}" r="2"/></svg>',
        " spark--wide" if wide else "",
        shape.width,
        shape.height,
        role,
        category,
        shape.area,
        shape.line,
        shape.end_x,
        shape.end_y,
    )


@register.simple_tag
def bullet(value: Any, target: Any, extra: Any = None, label: str = "", category: str = "") -> SafeString:
    """Value against target (the mark), with an optional paler reach such as best case."""
    shape = sparkline.bullet(value, target, extra)
    if shape is None:
        return none()
    text = label or _("%(share)s of target") % {
        "share": formats.percent(Decimal(str(value or 0)) / Decimal(str(target)))
    }
    return markup(
        '<svg class="bullet" viewBox="0 0 100 16" preserveAspectRatio="none" role="img" aria-label="{}"'
        ' data-category="{}">'
        '<rect class="bullet__track" y="3" width="100" height="10" rx="1"/>'
        '<rect class="bullet__extra" y="3" width="{}" height="10" rx="1"/>'
        '<rect class="bullet__bar" y="5" width="{}" height="6" rx="1"/>'
        '<rect class="bullet__mark" x="{}" width="1" height="16"/></svg>',
        text,
        category,
        shape.extra,
        shape.bar,
        shape.mark,
    )


@register.simple_tag
def moment(value: dt.datetime | None, style: str = "relative") -> SafeString:
    """Instant as ``<time>``, in the company's zone (named in the title). Styles: relative, datetime, date."""
    if not value:
        return none()
    aware = value if timezone.is_aware(value) else timezone.make_aware(value)
    return markup(
        '<time datetime="{}" data-time="{}" title="{}">{}</time>',
        aware.isoformat(timespec="seconds"),
        style,
        formats.moment_in_zone(aware),
        formats.moment(aware),
    )


@register.simple_tag(takes_context=True)
def url_with(context: Context, **changes: object) -> str:
    """Current address with some query values replaced (None removes): ``{% url_with sort="-amount" page=None %}``."""
    request = context.get("request")
    query: QueryDict = request.GET.copy() if request else QueryDict(mutable=True)
    for name, value in changes.items():
        if value is None or value == "":
            query.pop(name, None)
        else:
            query[name] = str(value)
    encoded = query.urlencode()
    return f"?{encoded}" if encoded else (request.path if request else "?")


@register.simple_tag(takes_context=True)
def hidden_query(context: Context, *dropped: str) -> SafeString:
    """Hidden inputs that carry the current query through a GET form, without the names given."""
    request = context.get("request")
    if request is None:
        return mark_safe("")
    skip = {*dropped, "page"}
    inputs = [
        markup('<input type="hidden" name="{}" value="{}">', name, value)
        for name, values in request.GET.lists()
        if name not in skip
        for value in values
    ]
    return mark_safe("".join(inputs))  # noqa: S308 - parts are escaped above


@register.simple_tag(takes_context=True)
def sort_link(
    context: Context, column: str, label: str, sort: Any = None, numeric: bool = False
) -> SafeString:
    """Header link that sorts by the column, or turns the direction round; numbers start at the largest."""
    current: Sort | None = sort or context.get("sort")
    active = current if current is not None and current.column == column else None
    rising = active.descending if active else not numeric
    target = column if rising else f"-{column}"
    arrow = ("▼" if active.descending else "▲") if active else ""
    return markup(
        '<a class="sort" href="{}">{}<span class="sort__arrow" aria-hidden="true">{}</span></a>',
        url_with(context, sort=target, page=None),
        label,
        arrow,
    )


@register.simple_tag(takes_context=True)
def aria_sort(context: Context, column: str, sort: Any = None) -> SafeString:
    """``aria-sort`` attribute for the header cell of that column, empty for the others."""
    current: Sort | None = sort or context.get("sort")
    if current is None or current.column != column:
        return mark_safe("")
    return mark_safe(f'aria-sort="{"descending" if current.descending else "ascending"}"')  # noqa: S308 - constants


@register.filter
def heat(ratio: object) -> int:
    """Attainment ratio to a heat step 0…10, five being plan (100 %); each step is ten points."""
    number = formats.to_decimal(ratio)
    if number is None:
        return 5
    return int(min(max(round((number - 1) * 10) + 5, 0), 10))


@register.simple_tag
def named_address(request: HttpRequest) -> dict[str, str] | None:
    """None where the page was opened by a host's name; else that a name is needed, and the `url` of one if known.

    Browsers tie passkeys to names, and give none to an address of numbers.
    """
    asked = urlsplit(f"//{request.get_host()}")
    try:
        address = ip_address(asked.hostname or "")
    except ValueError:
        return None
    if not address.is_loopback:
        return {"url": ""}
    place = f"localhost:{asked.port}" if asked.port else "localhost"
    return {"url": f"{request.scheme}://{place}{request.get_full_path()}"}
