"""From what somebody typed or an address says to a question for figures."""

from __future__ import annotations

from django.http import QueryDict

from organization.domain.scope import Scope
from pipeline.domain.figures import FigureError, FigureQuery, Filter, PeriodOf
from pipeline.domain.metrics import REGISTRY, Metric
from pipeline.selectors import instant_named

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
            raise FigureError(f"{text!r} is no filter: write FIELD=VALUE, for example region=East.")
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
        raise FigureError("period_of is close, start or created; limit is a number.") from None
    organization = (data.get("organization") or "THEN").upper()
    if organization not in {"THEN", "TODAY"}:
        raise FigureError("organization is THEN or TODAY.")
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
