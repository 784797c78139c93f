"""Routes of the CRM's world: deals, accounts, live updates, imports."""

from django.urls import URLPattern, URLResolver, include, path

from opportunities.views import accounts, api, changing, closing, deal, deals, events, making, setup
from opportunities.views.imports_routes import ROUTES as IMPORT_ROUTES

_setup = [
    path("setup/<str:kind>/<int:row_id>/delete", setup.delete, name="setup_delete"),
    path("setup/processes/", setup.processes, name="setup_processes"),
    path("setup/processes/new", setup.process, name="setup_process_new"),
    path("setup/processes/<int:process_id>", setup.process, name="setup_process"),
    path("setup/processes/<int:process_id>/stages/new", setup.stage, name="setup_stage_new"),
    path("setup/processes/<int:process_id>/stages/<int:stage_id>", setup.stage, name="setup_stage"),
    path("setup/stages/<int:stage_id>/move", setup.stage_move, name="setup_stage_move"),
    path("setup/categories/", setup.categories, name="setup_categories"),
    path("setup/subcategories/new", setup.subcategory, name="setup_subcategory_new"),
    path("setup/subcategories/<int:subcategory_id>", setup.subcategory, name="setup_subcategory"),
    path(
        "setup/subcategories/<int:subcategory_id>/move", setup.subcategory_move, name="setup_subcategory_move"
    ),
]
_deals = [
    path("deals/", deals.deals, name="deals"),
    path("deals/", deals.deals, name="my_deals"),
    path("deals/export.csv", deals.export, name="export"),
    path("deals/new", making.new, name="new"),
    path("deals/closing", closing.closing, name="closing"),
    path("deals/bulk", changing.bulk, name="bulk"),
    path("deals/undo/<int:change_set_id>", changing.undo, name="undo"),
    path("deals/<int:deal_id>", deal.deal, name="deal"),
    path("deals/<int:deal_id>/", deal.deal),
    path("deals/<int:deal_id>/edit", changing.edit, name="edit"),
    path("deals/<int:deal_id>/remove", changing.remove, name="remove"),
    path("deals/<int:deal_id>/splits", making.splits, name="splits"),
    path("accounts/<int:account_id>/deals", accounts.account, name="account"),
]
_pages: list[URLPattern | URLResolver] = [*_deals, *_setup, *IMPORT_ROUTES]
urlpatterns = [
    path("", include((_pages, "opportunities"))),
    path("api/v1/deals", api.deals, name="api-deals"),
    path("api/v1/deals/<int:deal_id>", api.deal, name="api-deal"),
    path("events", events.events, name="events"),
    path("events/poll", events.poll, name="events_poll"),
]
