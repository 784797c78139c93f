"""The registry: every figure's one definition, in words and symbols, and the function that works it out.

Pages, the programming interface, exports and `manage.py figure` all finish their figures here. SQL counts and sums
(`aggregates`); what follows from the counts is judged here, in exact decimals, and rounded once at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from pipeline.domain.aggregates import Aggregate, Measure, Population, Values
from salesops.kernel.money import EXACT, exact_sum

P, M = Population, Measure
DOCUMENT = "docs/metrics.md"


class Unit(StrEnum):
    """What a figure is measured in."""

    COUNT = "COUNT"
    MONEY = "MONEY"
    PERCENT = "PERCENT"
    DAYS = "DAYS"
    RATIO = "RATIO"
    MONEY_PER_DAY = "MONEY_PER_DAY"


class UnknownMetricError(LookupError):
    """There is no metric of this name."""


Finish = Callable[[Values], Decimal | None]


@dataclass(frozen=True)
class Metric:
    """A figure's definition.

    `formula` says it in words, `symbols` in symbols; `finish` works it out from the aggregates in `needs`. `digits`
    is the number of decimals it is rounded to, half away from zero, at the very end; None: it is exact as it is.
    `version` is raised when the meaning changes. `source` says whose definition it is.
    """

    name: str
    title: str
    formula: str
    symbols: str
    unit: Unit
    needs: tuple[Aggregate, ...]
    finish: Finish
    digits: int | None = None
    version: int = 1
    source: str = DOCUMENT
    wants_quota: bool = False

    @property
    def is_of_won_only(self) -> bool:
        """Whether won deals alone tell it, so that who reads only those gets the right number."""
        return all(need.population is Population.WON for need in self.needs)

    def value(self, values: Values, *, is_rounded: bool = True) -> Decimal | None:
        """The figure of a group, rounded as declared; None when it has no answer (a share of nothing)."""
        number = self.finish(values)
        if number is None or self.digits is None or not is_rounded:
            return number
        return number.quantize(Decimal(1).scaleb(-self.digits), context=EXACT)


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """part / whole to 80 digits; None when there is no whole."""
    return EXACT.divide(part, whole) if whole else None


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """100 x part / whole; None when there is no whole."""
    return EXACT.divide(EXACT.multiply(part, Decimal(100)), whole) if whole else None


def _needs(*pairs: tuple[Population, Measure]) -> tuple[Aggregate, ...]:
    return tuple(Aggregate(*pair) for pair in pairs)


def _sum_of(population: Population, measure: Measure) -> Finish:
    return lambda v: v(population, measure)


_WHOSE = {
    P.ALL: "all deals",
    P.WON: "won deals",
    P.LOST: "lost deals",
    P.CLOSED: "closed deals (won and lost)",
    P.OPEN: "open deals",
    P.COMMIT: "open deals in Commit",
    P.UPSIDE: "open deals in Upside",
    P.PIPELINE: "open deals in Pipeline",
    P.OMITTED: "open deals that are omitted",
}


def _count(name: str, title: str, population: Population, measure: Measure = M.COUNT) -> Metric:
    without = " without a stated amount" if measure is M.UNPRICED else ""
    formula = f"Number of {_WHOSE[population]}{without}."
    symbols = f"n({population})" if not without else f"n({population}, amount unknown)"
    needs = _needs((population, measure))
    return Metric(name, title, formula, symbols, Unit.COUNT, needs, _sum_of(population, measure))


def _money(name: str, title: str, population: Population, measure: Measure = M.AMOUNT) -> Metric:
    what = {M.AMOUNT: "stated amounts", M.LIST: "values at list price", M.WEIGHTED: "amount x probability"}[
        measure
    ]
    formula = f"Sum of {what} of {_WHOSE[population]}."
    needs = _needs((population, measure))
    return Metric(
        name, title, formula, f"Σ {measure}({population})", Unit.MONEY, needs, _sum_of(population, measure)
    )


def _cycle(population: Population) -> Iterable[Metric]:
    stem = f"cycle_days_{population}"
    title = f"Cycle, {population}"
    told = f"whole days from start to close of {_WHOSE[population]} that have both dates"
    yield Metric(
        f"{stem}_mean", f"{title}, mean", f"Mean of {told}.", "Σ (close - start) / n", Unit.DAYS,
        _needs((population, M.DAYS), (population, M.TIMED)),
        lambda v: share(v(population, M.DAYS), v(population, M.TIMED)), 2,
    )  # fmt: skip
    yield Metric(
        f"{stem}_median", f"{title}, median", f"Median of {told}.", "median (close - start)", Unit.DAYS,
        _needs((population, M.MIDDLE_DAYS)), lambda v: v.middle(population, M.MIDDLE_DAYS), 2,
    )  # fmt: skip


def _velocity(v: Values) -> Decimal | None:
    """Worked as one fraction, so that only the last division rounds."""
    parts = (v(P.OPEN), v(P.WON), v(P.WON, M.AMOUNT), v(P.WON, M.TIMED))
    over = (v(P.CLOSED), v(P.WON, M.PRICED), v(P.WON, M.DAYS))
    top = bottom = Decimal(1)
    for factor in parts:
        top = EXACT.multiply(top, factor)
    for factor in over:
        bottom = EXACT.multiply(bottom, factor)
    return share(top, bottom)


def _forecast(v: Values, *populations: Population) -> Decimal:
    return exact_sum([v(population, M.AMOUNT) for population in populations])


_FORECASTABLE = (P.COMMIT, P.UPSIDE, P.PIPELINE)


def _columns(name: str, title: str, formula: str, symbols: str, *populations: Population) -> Metric:
    return Metric(
        name, title, formula, symbols, Unit.MONEY, _needs(*((p, M.AMOUNT) for p in populations)),
        lambda v: _forecast(v, *populations),
    )  # fmt: skip


def _deal_metrics() -> Iterable[Metric]:
    yield _count("deal_count", "Deals", P.ALL)
    yield _count("won_count", "Won deals", P.WON)
    yield _count("lost_count", "Lost deals", P.LOST)
    yield _count("closed_count", "Closed deals", P.CLOSED)
    yield _count("open_count", "Open deals", P.OPEN)
    yield _count("unpriced_count", "Deals without amount", P.ALL, M.UNPRICED)
    yield _count("open_unpriced_count", "Open deals without amount", P.OPEN, M.UNPRICED)
    yield _money("amount", "Amount", P.ALL)
    yield _money("list_amount", "Amount at list price", P.ALL, M.LIST)
    yield _money("won_amount", "Won", P.WON)
    yield _money("won_list_amount", "Won at list price", P.WON, M.LIST)
    yield _money("lost_amount", "Lost", P.LOST)
    yield _money("open_amount", "Open", P.OPEN)
    yield _money("open_list_amount", "Open at list price", P.OPEN, M.LIST)
    yield _money("weighted_amount", "Weighted open", P.OPEN, M.WEIGHTED)
    yield Metric(
        "expected_amount", "Expected", "Won amounts plus the weighted amounts of open deals.",
        "Σ amount(won) + Σ amount x probability(open)", Unit.MONEY,
        _needs((P.WON, M.AMOUNT), (P.OPEN, M.WEIGHTED)),
        lambda v: exact_sum([v(P.WON, M.AMOUNT), v(P.OPEN, M.WEIGHTED)]),
    )  # fmt: skip


def _rate_metrics() -> Iterable[Metric]:
    yield Metric(
        "win_rate", "Win rate", "Won deals divided by closed deals (won and lost), by count.",
        "n(won) / (n(won) + n(lost))", Unit.PERCENT, _needs((P.WON, M.COUNT), (P.CLOSED, M.COUNT)),
        lambda v: percent(v(P.WON), v(P.CLOSED)), 2,
    )  # fmt: skip
    yield Metric(
        "win_rate_value", "Win rate by value", "Won amounts divided by the amounts of closed deals (won and lost).",
        "Σ amount(won) / (Σ amount(won) + Σ amount(lost))", Unit.PERCENT,
        _needs((P.WON, M.AMOUNT), (P.CLOSED, M.AMOUNT)),
        lambda v: percent(v(P.WON, M.AMOUNT), v(P.CLOSED, M.AMOUNT)), 2,
    )  # fmt: skip
    yield Metric(
        "conversion", "Won of all", "Won deals divided by all deals, open ones included.", "n(won) / n(all)",
        Unit.PERCENT, _needs((P.WON, M.COUNT), (P.ALL, M.COUNT)), lambda v: percent(v(P.WON), v(P.ALL)), 2,
    )  # fmt: skip
    for population, title in (
        (P.ALL, "Mean amount"),
        (P.WON, "Mean won amount"),
        (P.OPEN, "Mean open amount"),
    ):
        yield Metric(
            "mean_amount" if population is P.ALL else f"mean_{population}_amount", title,
            f"Sum of stated amounts of {_WHOSE[population]}, divided by the number of those deals that state one.",
            f"Σ amount({population}) / n({population}, amount known)", Unit.MONEY,
            _needs((population, M.AMOUNT), (population, M.PRICED)),
            lambda v, p=population: share(v(p, M.AMOUNT), v(p, M.PRICED)), 2,  # type: ignore[misc]
        )  # fmt: skip
    yield Metric(
        "median_won_amount", "Median won amount", "The middle of the stated amounts of won deals (of two, their mean).",
        "median amount(won)", Unit.MONEY, _needs((P.WON, M.MIDDLE_AMOUNT)),
        lambda v: v.middle(P.WON, M.MIDDLE_AMOUNT),
    )  # fmt: skip


def _speed_metrics() -> Iterable[Metric]:
    yield Metric(
        "won_to_list", "Won to list price", "Won amounts divided by the same deals' values at list price.",
        "Σ amount(won) / Σ list(won)", Unit.RATIO, _needs((P.WON, M.AMOUNT), (P.WON, M.LIST)),
        lambda v: share(v(P.WON, M.AMOUNT), v(P.WON, M.LIST)), 5,
    )  # fmt: skip
    yield Metric(
        "velocity", "Velocity",
        "Open deals x win rate x mean won amount, divided by mean cycle days of won deals: money per day.",
        "n(open) x win rate x mean won amount / mean cycle(won)", Unit.MONEY_PER_DAY,
        _needs(
            (P.OPEN, M.COUNT), (P.WON, M.COUNT), (P.CLOSED, M.COUNT), (P.WON, M.AMOUNT), (P.WON, M.PRICED),
            (P.WON, M.DAYS), (P.WON, M.TIMED),
        ),
        _velocity, 2,
    )  # fmt: skip
    for population in (P.WON, P.LOST, P.CLOSED):
        yield from _cycle(population)


def _forecast_metrics() -> Iterable[Metric]:
    for population in (*_FORECASTABLE, P.OMITTED):
        yield _money(str(population), population.title(), population)
        yield _count(f"{population}_count", f"{population.title()} deals", population)
    yield _columns(
        "commit_forecast", "Commit forecast", "Won plus Commit: what the owner stands by.", "won + commit",
        P.WON, P.COMMIT,
    )  # fmt: skip
    yield _columns(
        "best_case",
        "Best case",
        "Won plus Commit plus Upside.",
        "won + commit + upside",
        P.WON,
        P.COMMIT,
        P.UPSIDE,
    )
    yield _columns(
        "open_pipeline", "Open pipeline", "Commit plus Upside plus Pipeline; omitted deals stay out.",
        "commit + upside + pipeline", *_FORECASTABLE,
    )  # fmt: skip


def _left(v: Values, *populations: Population) -> Decimal | None:
    """Quota minus won, and minus more populations if given; None without a quota."""
    return None if v.quota is None else EXACT.subtract(v.quota, _forecast(v, P.WON, *populations))


def _covered(v: Values, by: Decimal) -> Decimal | None:
    """Ratio to what is left of the quota; none once nothing is left."""
    left = _left(v)
    return share(by, left) if left is not None and left > 0 else None


def _needed_share(v: Values) -> Decimal | None:
    left = _left(v)
    return None if left is None else percent(left, _forecast(v, *_FORECASTABLE))


_QUOTA = "Quota: the person's own number for the period; a manager without one, the sum of the reports'."


def _quota(
    name: str,
    title: str,
    formula: str,
    symbols: str,
    unit: Unit,
    populations: tuple[Population, ...],
    finish: Finish,
) -> Metric:
    measures = [(p, M.AMOUNT) for p in populations]
    digits = None if unit is Unit.MONEY else 2
    return Metric(name, title, formula, symbols, unit, _needs(*measures), finish, digits, wants_quota=True)


def _quota_metrics() -> Iterable[Metric]:
    won = (P.WON,)
    yield _quota("quota", "Quota", _QUOTA, "quota", Unit.MONEY, (), lambda v: v.quota)
    yield _quota(
        "attainment", "Attainment", "Won divided by quota.", "won / quota", Unit.PERCENT, won,
        lambda v: percent(v(P.WON, M.AMOUNT), v.quota) if v.quota else None,
    )  # fmt: skip
    yield _quota(
        "attainment_with_commit", "Attainment with Commit", "Won plus Commit, divided by quota.",
        "(won + commit) / quota", Unit.PERCENT, (P.WON, P.COMMIT),
        lambda v: percent(_forecast(v, P.WON, P.COMMIT), v.quota) if v.quota else None,
    )  # fmt: skip
    yield _quota("gap_to_quota", "Gap to quota", "Quota minus won.", "quota - won", Unit.MONEY, won, _left)
    yield _quota(
        "gap_after_commit", "Gap after Commit", "Quota minus won minus Commit.", "quota - won - commit", Unit.MONEY,
        (P.WON, P.COMMIT), lambda v: _left(v, P.COMMIT),
    )  # fmt: skip
    yield _quota(
        "gap_after_best_case", "Gap after best case", "Quota minus best case.", "quota - won - commit - upside",
        Unit.MONEY, (P.WON, P.COMMIT, P.UPSIDE),
        lambda v: _left(v, P.COMMIT, P.UPSIDE),
    )  # fmt: skip


def _coverage_metrics() -> Iterable[Metric]:
    opened = (P.WON, *_FORECASTABLE)
    yield _quota(
        "coverage_quota", "Coverage of quota", "Open pipeline divided by the whole quota.",
        "(commit + upside + pipeline) / quota", Unit.RATIO, _FORECASTABLE,
        lambda v: share(_forecast(v, *_FORECASTABLE), v.quota) if v.quota else None,
    )  # fmt: skip
    yield _quota(
        "coverage_remaining", "Coverage", "Open pipeline divided by what is left of the quota (none once it is met).",
        "(commit + upside + pipeline) / (quota - won)", Unit.RATIO, opened,
        lambda v: _covered(v, _forecast(v, *_FORECASTABLE)),
    )  # fmt: skip
    yield _quota(
        "coverage_likely", "Coverage by Commit and Upside", "Commit plus Upside, divided by what is left of the quota.",
        "(commit + upside) / (quota - won)", Unit.RATIO, (P.WON, P.COMMIT, P.UPSIDE),
        lambda v: _covered(v, _forecast(v, P.COMMIT, P.UPSIDE)),
    )  # fmt: skip
    weighted = _needs((P.WON, M.AMOUNT), (P.OPEN, M.WEIGHTED))
    yield Metric(
        "coverage_weighted", "Weighted coverage", "Weighted open amounts divided by what is left of the quota.",
        "Σ amount x probability(open) / (quota - won)", Unit.RATIO, weighted,
        lambda v: _covered(v, v(P.OPEN, M.WEIGHTED)), 2, wants_quota=True,
    )  # fmt: skip
    yield _quota(
        "share_of_pipeline_needed", "Share of pipeline needed",
        "What is left of the quota, divided by open pipeline: how much of it has to be won.",
        "(quota - won) / (commit + upside + pipeline)", Unit.PERCENT, opened,
        _needed_share,
    )  # fmt: skip
    yield Metric(
        "coverage_required", "Coverage required", "How many times the remaining quota must lie in the pipeline at this "
        "win rate: one divided by the win rate.", "1 / win rate", Unit.RATIO,
        _needs((P.WON, M.COUNT), (P.CLOSED, M.COUNT)), lambda v: share(v(P.CLOSED), v(P.WON)), 2,
    )  # fmt: skip


REGISTRY: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        *_deal_metrics(),
        *_rate_metrics(),
        *_speed_metrics(),
        *_forecast_metrics(),
        *_quota_metrics(),
        *_coverage_metrics(),
    )
}
"""Every metric by name."""

ALIASES = {
    "count": "deal_count",
    "gap": "gap_after_commit",
    "coverage": "coverage_remaining",
    "won_of_all": "conversion",
    "won": "won_amount",
    "lost": "lost_amount",
    "weighted": "weighted_amount",
    "cycle_days": "cycle_days_won_mean",
    "unpriced": "unpriced_count",
    "win_rate_count": "win_rate",
}
"""Shorter names people may type."""


def metric_named(name: str) -> Metric:
    """The metric of this name or alias. Raises `UnknownMetricError`."""
    key = name.strip().lower().replace("-", "_")
    try:
        return REGISTRY[ALIASES.get(key, key)]
    except KeyError:
        raise UnknownMetricError(name) from None
