"""What the pipeline says: roll-up cells now and as of any instant, and figures of the metric registry."""

from pipeline.selectors.cells import Instant, freshness, node_cells, node_series

__all__ = ["Instant", "freshness", "node_cells", "node_series"]
