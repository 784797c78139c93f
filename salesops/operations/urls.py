"""Routes of the system page."""

from django.urls import path

from salesops.operations import views

app_name = "system"
urlpatterns = [
    path("system/", views.system, name="system"),
    path("system/examination", views.examination, name="examination"),
    path("system/jobs/<int:job_id>/retry", views.job_retry, name="job_retry"),
    path("system/jobs/<int:job_id>/cancel", views.job_cancel, name="job_cancel"),
]
