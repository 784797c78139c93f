"""Why a question has no answer: in the words of the command line and of programs, and in those of the page's menus."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from pipeline.domain.figures import FigureError
from pipeline.domain.metrics import ALIASES as METRIC_ALIASES
from pipeline.domain.metrics import REGISTRY
from pipeline.selectors.dimensions import ALIASES, DIMENSIONS, Dimension

QUOTA_KINDS = ("MONTH", "QUARTER", "YEAR")
_LISTED = " `figure --list` names them all."


def unknown_dimension(name: str, key: str) -> FigureError:
    """No dimension is called that."""
    near = difflib.get_close_matches(key, [*DIMENSIONS, *ALIASES], n=3)
    titles = [_(DIMENSIONS[ALIASES.get(found, found)].title) for found in near]
    page = _("There is no dimension “%(name)s”.") % {"name": name} + _hint(titles)
    return FigureError(f"There is no dimension {name!r}.{_did_you_mean(near) or _LISTED}", page)


def unknown_metric(name: str) -> FigureError:
    """No metric is called that."""
    near = difflib.get_close_matches(name.lower(), [*REGISTRY, *METRIC_ALIASES], n=3)
    titles = [_(REGISTRY[METRIC_ALIASES.get(found, found)].title) for found in near]
    page = _("There is no metric “%(name)s”.") % {"name": name} + _hint(titles)
    return FigureError(f"There is no metric {name!r}.{_did_you_mean(near) or _LISTED}", page)


def unknown_value(dimension: Dimension, value: str, known: Mapping[str, str]) -> FigureError:
    """Nothing the viewer sees is called that; `known` are the names there are, by their lower case."""
    near = [known[key] for key in difflib.get_close_matches(value.lower(), known, n=3)]
    page = _("%(dimension)s: nothing is called “%(name)s”.") % {
        "dimension": _(dimension.title),
        "name": value,
    }
    told = f"No {dimension.title.lower()} is called {value!r}.{_did_you_mean(near)}"
    return FigureError(told, page + (_hint(near) if near else ""))


def no_quota_by(dimension: Dimension) -> FigureError:
    """A quota belongs to a person and a period."""
    told = (
        f"A quota belongs to a person and a period, not to a {dimension.title.lower()}: ask for quota, attainment, "
        "gap and coverage by owner, manager, manager_subtree, close_year, close_quarter or close_month."
    )
    page = _(
        "A quota belongs to a person and a period, so metrics compared with quotas cannot be told by “%(dimension)s”. "
        "Group and filter them by one of these: %(offered)s."
    )
    offered = _titles(d for d in DIMENSIONS.values() if d.is_person or d.period_kind in QUOTA_KINDS)
    return FigureError(told, page % {"dimension": _(dimension.title), "offered": offered})


def one_person_only() -> FigureError:
    """Quotas are grouped by one dimension of people, and nobody is left out."""
    page = _(
        "Metrics compared with quotas can be grouped by one of these only, and no filter can leave anybody out: "
        "%(people)s."
    )
    people = _titles(d for d in DIMENSIONS.values() if d.is_person)
    told = "Quotas can be told by one of owner, manager and manager_subtree, and without !=."
    return FigureError(told, page % {"people": people})


def no_period() -> FigureError:
    """It is not said whose period's quota is meant."""
    page = _(
        "A quota is set for a fiscal period: choose a year or quarter under “%(menu)s”, or group by one of "
        "these: %(offered)s."
    )
    offered = _titles(d for d in DIMENSIONS.values() if d.period_kind in QUOTA_KINDS)
    told = "Quotas are told for a fiscal period: add --period FY27-Q1 (or a year or month)."
    return FigureError(told, page % {"menu": _("Period of closing"), "offered": offered})


def no_fiscal_period(name: str) -> FigureError:
    """A quota is stated for fiscal periods, not for these days."""
    page = _("%(period)s is no fiscal year, quarter or month, so no quota is set for it.")
    told = f"{name} is no fiscal year, quarter or month, so no quota is stated for it."
    return FigureError(told, page % {"period": name})


def several_periods() -> FigureError:
    """A filter names several periods."""
    return FigureError(
        "For quotas, name one period.",
        _("Metrics compared with quotas are told for one period: choose one only."),
    )


def periods_apart(one: str, other: str) -> FigureError:
    """Of two periods named neither lies in the other."""
    page = _("%(one)s does not lie in %(other)s.") % {"one": one, "other": other}
    return FigureError(f"{one} does not lie in {other}.", page)


def no_rate(currencies: list[str]) -> FigureError:
    """Amounts of several currencies cannot be added up."""
    told = ", ".join(currencies)
    page = _(
        "No exchange rate is recorded for %(currencies)s. Have one recorded, or choose one currency under “Filter”."
    )
    return FigureError(
        f"No exchange rate is recorded for {told}. Record one, or ask for one currency: "
        f"--where currency={currencies[0]} --currency {currencies[0]}",
        page % {"currencies": told},
    )


def no_rate_at_all(currency: str) -> FigureError:
    """The currency asked for has no rate."""
    page = _("No exchange rate is recorded for %(currency)s.") % {"currency": currency}
    return FigureError(f"No exchange rate is recorded for {currency}.", page)


def _titles(dimensions: Iterable[Dimension]) -> str:
    return ", ".join(_(dimension.title) for dimension in dimensions)


def _did_you_mean(near: list[str]) -> str:
    return f" Did you mean {', '.join(near)}?" if near else ""


def _hint(near: list[str]) -> str:
    if near:
        return " " + _("Did you mean %(names)s?") % {"names": ", ".join(dict.fromkeys(near))}
    return " " + _("“What the figures mean” names them all.")
