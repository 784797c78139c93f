"""Routes of figures and their definitions."""

from django.urls import path

from pipeline import api, views

app_name = "pipeline"
urlpatterns = [
    path("metrics/", views.metrics, name="metrics"),
    path("metrics/ask/", views.figures, name="figures"),
    path("metrics/ask.csv", views.figures_csv, name="figures_csv"),
    path("metrics/deals/", views.deals, name="deals"),
    path("api/v1/figures", api.figures, name="api-figures"),
    path("api/v1/metrics", api.metrics, name="api-metrics"),
]
