"""What a reader of the forecast may change: how the page is folded."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db import transaction

FOLDED = "forecast_folded"


def remember_fold(*, user_id: int, section: str, folded: bool) -> None:
    """Keeps a section of this login's forecast page folded or open. A matter of display: no audit row."""
    with transaction.atomic():
        user = get_user_model().objects.select_for_update().get(pk=user_id)
        names = set(user.preferences.get(FOLDED, [])) - {section}
        if folded:
            names.add(section)
        user.preferences = {**user.preferences, FOLDED: sorted(names)}
        user.save(update_fields=["preferences"])
