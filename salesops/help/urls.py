"""Route of the help page; the shell's help icon opens it."""

from django.urls import path

from salesops.help import views

urlpatterns = [path("help/", views.help_page, name="help")]
