"""Routes of the CRM's world: deals, accounts, live updates, imports."""

from django.urls import include, path

from opportunities.views import events, setup
from opportunities.views.imports_routes import ROUTES as IMPORT_ROUTES

_setup = [
    path("setup/processes/", setup.processes, name="setup_processes"),
    path("setup/processes/new", setup.process, name="setup_process_new"),
    path("setup/processes/<int:process_id>", setup.process, name="setup_process"),
    path("setup/processes/<int:process_id>/stages/new", setup.stage, name="setup_stage_new"),
    path("setup/processes/<int:process_id>/stages/<int:stage_id>", setup.stage, name="setup_stage"),
    path("setup/stages/<int:stage_id>/move", setup.stage_move, name="setup_stage_move"),
    path("setup/categories/", setup.categories, name="setup_categories"),
    path("setup/subcategories/new", setup.subcategory, name="setup_subcategory_new"),
    path("setup/subcategories/<int:subcategory_id>", setup.subcategory, name="setup_subcategory"),
    path("setup/subcategories/<int:subcategory_id>/move", setup.subcategory_move, name="setup_subcategory_move"),
]
_pages: list[object] = [*_setup, *IMPORT_ROUTES]
urlpatterns = [
    path("", include((_pages, "opportunities"))),
    path("events", events.events, name="events"),
    path("events/poll", events.poll, name="events_poll"),
]
