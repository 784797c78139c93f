"""Routes of the import pages, taken up by `opportunities.urls`."""

from __future__ import annotations

from django.urls import URLPattern, path

from opportunities.views import imports, imports_match

ROUTES: list[URLPattern] = [
    path("imports/", imports.imports, name="imports"),
    path("imports/new", imports.import_new, name="import_new"),
    path("imports/<int:batch_id>", imports.import_batch, name="import_done"),
    path("imports/<int:batch_id>/match", imports_match.import_match, name="import_match"),
    path("imports/<int:batch_id>/repair", imports_match.import_repair, name="import_repair"),
    path("imports/<int:batch_id>/take-back", imports_match.import_take_back, name="import_take_back"),
    path("imports/<int:batch_id>/confirm", imports_match.import_confirm, name="import_confirm"),
    path("imports/<int:batch_id>/progress", imports.import_progress, name="import_progress"),
    path("imports/<int:batch_id>/status", imports.import_status, name="import_status"),
    path("imports/<int:batch_id>/cancel", imports.import_cancel, name="import_cancel"),
    path("imports/<int:batch_id>/undo", imports.import_undo, name="import_undo"),
    path("imports/<int:batch_id>/discard", imports.import_discard, name="import_discard"),
    path("imports/<int:batch_id>/problems.csv", imports.import_rejects, name="import_rejects"),
]
