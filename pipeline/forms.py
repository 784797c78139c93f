"""From what somebody typed or an address says to a question for figures."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext as _

from organization.domain.scope import Scope
from pipeline.domain.figures import FigureError, FigureQuery, Filter, PeriodOf
from pipeline.domain.metrics import REGISTRY, Metric
from pipeline.exports import filter_label
from pipeline.selectors import DIMENSIONS, current_quarter, instant_named, values_of

DEFAULT_METRICS = ("won_count", "won_amount", "win_rate", "open_amount")
MAX_ROWS = 500


def metrics_offered(scope: Scope) -> tuple[Metric, ...]:
    """The metrics that come out right for this viewer."""
    won_only = scope.reads_won_only and not scope.person_ids
    return tuple(metric for metric in REGISTRY.values() if metric.is_of_won_only or not won_only)


def default_metrics(scope: Scope) -> tuple[str, ...]:
    """What a page shows before anybody chose: nothing that would narrow or be refused."""
    return tuple(
        name for name in DEFAULT_METRICS if REGISTRY[name].is_of_won_only or not scope.reads_won_only
    )


def parse_filters(texts: list[str]) -> tuple[Filter, ...]:
    """FIELD=VALUE and FIELD!=VALUE, the same field and sign gathered into one filter. Raises `FigureError`."""
    gathered: dict[tuple[str, bool], list[str]] = {}
    for text in texts:
        field, sign, value = text.partition("=")
        if not sign or not field.strip("! "):
            page = _("“%(text)s” is no filter: choose one under “Filter”.") % {"text": text}
            raise FigureError(f"{text!r} is no filter: write FIELD=VALUE, for example region=East.", page)
        negated = field.endswith("!")
        gathered.setdefault((field.rstrip("!").strip(), negated), []).append(value.strip())
    return tuple(Filter(field, tuple(values), negated) for (field, negated), values in gathered.items())


def query_from(data: QueryDict, *, metrics: tuple[str, ...] = ()) -> FigureQuery:
    """The question an address asks: metric, by, where (all repeatable, or separated by commas), period, period_of,
    as_of, currency, organization, sort, limit. Raises `FigureError`.
    """
    try:
        period_of = PeriodOf(data.get("period_of") or PeriodOf.CLOSE)
        limit = min(max(int(data.get("limit") or MAX_ROWS), 1), MAX_ROWS)
    except ValueError:
        raise FigureError(_("period_of is close, start or created; limit is a number.")) from None
    organization = (data.get("organization") or "THEN").upper()
    if organization not in {"THEN", "TODAY"}:
        raise FigureError(_("organization is THEN or TODAY."))
    return FigureQuery(
        metrics=_many(data, "metric") or metrics,
        by=_many(data, "by"),
        where=parse_filters([text for text in data.getlist("where") if text.strip()]),
        period=data.get("period", ""),
        period_of=period_of,
        at=instant_named(data.get("as_of") or data.get("at") or ""),
        currency=data.get("currency", ""),
        organization=organization,
        sort=data.get("sort", ""),
        limit=limit,
    )


def _many(data: QueryDict, name: str) -> tuple[str, ...]:
    parts = (part.strip() for text in data.getlist(name) for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


@dataclass(frozen=True)
class Choice:
    """A thing to tick; `hint` tells it from others of a similar name."""

    value: str
    label: str
    is_chosen: bool
    hint: str = ""


@dataclass(frozen=True)
class Chip:
    """A part of the question as asked, and the address of the question without it."""

    label: str
    without: str


def asked_of(data: QueryDict) -> QueryDict:
    """The question of an address, of the current quarter (of the instant asked about) unless it names a period."""
    asked = data.copy()
    for name in [name for name, values in asked.lists() if not any(values) and name != "period"]:
        del asked[name]
    if "period" not in asked:
        try:
            asked["period"] = current_quarter(instant_named(asked.get("as_of", "")))
        except FigureError:  # the page will say what is wrong with the instant
            asked["period"] = ""
    return asked


def without(asked: QueryDict, name: str, value: str) -> str:
    """The address of the question without one of its parts."""
    rest = asked.copy()
    rest.setlist(name, [kept for kept in rest.getlist(name) if kept != value])
    rest.pop("filter", None)
    return f"?{rest.urlencode()}"


def metric_choices(scope: Scope, asked: QueryDict) -> list[Choice]:
    """The metrics on offer, those shown ticked."""
    chosen = _many(asked, "metric") or default_metrics(scope)
    return [Choice(m.name, _(m.title), m.name in chosen, m.name) for m in metrics_offered(scope)]


def group_choices(asked: QueryDict) -> list[Choice]:
    """The dimensions to group by."""
    chosen = _many(asked, "by")
    return [Choice(d.name, _(d.title), d.name in chosen) for d in DIMENSIONS.values()]


def value_choices(scope: Scope, asked: QueryDict, dimension: str) -> list[Choice]:
    """The values of a dimension to filter by, as FIELD=VALUE; those that the deals really have."""
    chosen = {text.casefold() for text in asked.getlist("where")}
    pairs = [(f"{dimension}={value}", value or _("(none)")) for value in values_of(scope, dimension)]
    return [Choice(text, label, text.casefold() in chosen) for text, label in pairs]


def chips_of(asked: QueryDict) -> list[Chip]:
    """The filters of a question, each with a way to take it off."""
    found = []
    for text in asked.getlist("where"):
        field, _sign, value = text.partition("=")
        label = filter_label(Filter(field.rstrip("! "), (value,), field.endswith("!")))
        found.append(Chip(label, without(asked, "where", text)))
    return found
