"""Routes of the quotas."""

from django.urls import path

from territories import views

app_name = "territories"
urlpatterns = [
    path("quotas/", views.quotas, name="quotas"),
    path("quotas/rows", views.quota_rows, name="rows"),
    path("quotas/check", views.quota_check, name="check"),
    path("quotas/save", views.quota_save, name="save"),
    path("quotas/undo/<str:token>", views.quota_undo, name="undo"),
    path("quotas/cell/<int:person_id>/<int:period_id>", views.quota_cell, name="cell"),
    path("quotas/import", views.quota_import, name="import"),
    path("quotas/export.csv", views.quota_export, {"form": "csv"}, name="export_csv"),
    path("quotas/export.xlsx", views.quota_export, {"form": "xlsx"}, name="export_xlsx"),
]
