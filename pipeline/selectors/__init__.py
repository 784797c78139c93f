"""What the pipeline says: roll-up cells now and as of any instant, and figures of the metric registry."""

from pipeline.selectors.behind import deals_behind
from pipeline.selectors.cells import Instant, freshness, node_cells, node_series, whole_cells, whole_series
from pipeline.selectors.choices import current_quarter, periods_near, values_of
from pipeline.selectors.dimensions import DIMENSIONS
from pipeline.selectors.figures import figures
from pipeline.selectors.selection import instant_named, span_named

__all__ = [
    "DIMENSIONS",
    "Instant",
    "current_quarter",
    "deals_behind",
    "figures",
    "freshness",
    "instant_named",
    "node_cells",
    "node_series",
    "periods_near",
    "span_named",
    "values_of",
    "whole_cells",
    "whole_series",
]
