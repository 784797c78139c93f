"""Pages of the forecast: they authorise, parse, ask one selector, render."""

from forecasting.views.changes import changes, pacing
from forecasting.views.drill import figure, figure_changes, figure_export
from forecasting.views.export import export
from forecasting.views.mine import my_number
from forecasting.views.page import board, fold, forecast, home, rows

__all__ = [
    "board",
    "changes",
    "export",
    "figure",
    "figure_changes",
    "figure_export",
    "fold",
    "forecast",
    "home",
    "my_number",
    "pacing",
    "rows",
]
