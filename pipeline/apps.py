"""The pipeline app."""

from collections.abc import Iterator

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PipelineConfig(AppConfig):
    """Django configuration of the pipeline app."""

    name = "pipeline"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer the pages, the words of the registry for translation, and kept sums to the lists of deals."""
        from opportunities.selectors import kept_sums
        from pipeline.selectors import cells
        from salesops.ui import messages
        from salesops.ui.navigation import NavItem, register

        messages.register("pipeline/domain/metrics.py", _words)
        kept_sums.register(cells.kept_sums)
        register(
            NavItem(
                _("Figures"), "pipeline:figures", icon="sigma", key="m",
                capability="VIEW_FORECAST", order=35, group=_("Analysis"), prefixes=("/metrics/",),
            ),
        )  # fmt: skip


def _words() -> Iterator[str]:
    """Titles and formulas of figures, a note, titles of dimensions: declared without gettext, shown translated."""
    from pipeline.domain.metrics import REGISTRY
    from pipeline.selectors import DIMENSIONS
    from pipeline.selectors.figures import OWN_DEALS_ONLY

    yield OWN_DEALS_ONLY
    for metric in REGISTRY.values():
        yield from (metric.title, metric.formula)
    for dimension in DIMENSIONS.values():
        yield dimension.title
