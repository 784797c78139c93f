"""Accounts people name while writing a deal down."""

from __future__ import annotations

from opportunities.domain.deal import DealError
from opportunities.models import Account, Opportunity
from organization.domain.scope import Scope
from salesops.audit.record import record
from salesops.wall.context import saving


@saving()
def account_named(*, scope: Scope, name: str) -> int | None:
    """The account of this name among those of deals the viewer sees, else a new one; None for a blank name.

    Accounts the viewer does not see are not looked at, so that their existence does not show.
    """
    text = " ".join(name.split())
    if not text:
        return None
    if len(text) > 255:
        raise DealError("account", "Use at most 255 characters.")
    if "\x00" in text:
        raise DealError("account", "Null characters are not allowed.")
    seen = Opportunity.objects.visible_to(scope).filter(account__name__iexact=text)
    found: int | None = seen.order_by("account_id").values_list("account_id", flat=True).first()
    if found is not None:
        return found
    account = Account.objects.create(name=text, owner_id=scope.person_id)
    record(
        actor_id=scope.user_id, actor_name=scope.actor_name, verb="CREATE", object_type="account",
        object_id=account.pk, label=text,
    )  # fmt: skip
    return account.pk
