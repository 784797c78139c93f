"""Routes of the CRM's world: deals, accounts, live updates, imports."""

from django.urls import include, path

from opportunities.views import events

_pages: list[object] = []
urlpatterns = [
    path("", include((_pages, "opportunities"))),
    path("events", events.events, name="events"),
    path("events/poll", events.poll, name="events_poll"),
]
