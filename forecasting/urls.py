"""Routes of the forecast."""

from django.urls import path

from forecasting import views

app_name = "forecasting"
urlpatterns = [
    path("", views.home, name="home"),
    path("forecast/", views.forecast, name="forecast"),
    path("forecast/board", views.board, name="board"),
    path("forecast/rows", views.rows, name="rows"),
    path("forecast/fold", views.fold, name="fold"),
    path("forecast/changes", views.changes, name="changes"),
    path("forecast/pacing", views.pacing, name="pacing"),
    path("forecast/figure", views.figure, name="figure"),
    path("forecast/figure/changes", views.figure_changes, name="figure_changes"),
    path("forecast/figure/export", views.figure_export, name="figure_export"),
    path("forecast/export", views.export, name="export"),
    path("forecast/my-number", views.my_number, name="my_number"),
]
