"""Names and order of the forecast categories as shown; colours are CSS tokens (``--cat-won`` …)."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CATEGORY_LABELS: dict[str, str | Promise] = {
    "WON": _("Won"),
    "COMMIT": _("Commit"),
    "UPSIDE": _("Upside"),
    "PIPELINE": _("Pipeline"),
    "LOST": _("Lost"),
    "OMITTED": _("Omitted"),
}
