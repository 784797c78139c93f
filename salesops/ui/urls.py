"""Routes of the shell."""

from django.urls import include, path

from salesops.ui import views

_ui = (
    [
        path("palette", views.palette_view, name="palette"),
        path("styleguide", views.styleguide_view, name="styleguide"),
        path("styleguide/drawer", views.styleguide_drawer, name="styleguide_drawer"),
    ],
    "ui",
)
urlpatterns = [path("", include(_ui)), path("i18n/", include("django.conf.urls.i18n"))]
