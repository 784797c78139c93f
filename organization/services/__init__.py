"""What may be changed in the organisation; re-exported so that callers write `organization.services.set_manager(…)`."""

from organization.services.access import (
    TWO_PERSON_ROLES,
    confirm_grant,
    correct_login,
    create_login,
    grant_role,
    link_person,
    note_password_link,
    remove_second_steps,
    revoke_role,
    save_preferences,
    set_active,
    sign_out_everywhere,
)
from organization.services.calendar import activate_calendar, define_calendar, planned_periods
from organization.services.closures import hold_hierarchies, rebuild_person_closure, rebuild_territory_closure
from organization.services.company import (
    NewRate,
    ensure_currencies,
    record_rates,
    set_up_company,
    set_up_first_company,
)
from organization.services.people import LineWanted, change_person, create_person, set_manager, set_managers
from organization.services.removal import remove_calendar, remove_currency, remove_territory
from organization.services.territories import place_territory
from organization.services.tokens import create_token, revoke_token
from organization.services.trail import NotAllowedError, OrganizationError

__all__ = [
    "TWO_PERSON_ROLES",
    "LineWanted",
    "NewRate",
    "NotAllowedError",
    "OrganizationError",
    "activate_calendar",
    "change_person",
    "confirm_grant",
    "correct_login",
    "create_login",
    "create_person",
    "create_token",
    "define_calendar",
    "ensure_currencies",
    "grant_role",
    "hold_hierarchies",
    "link_person",
    "note_password_link",
    "place_territory",
    "planned_periods",
    "rebuild_person_closure",
    "rebuild_territory_closure",
    "record_rates",
    "remove_calendar",
    "remove_currency",
    "remove_second_steps",
    "remove_territory",
    "revoke_role",
    "revoke_token",
    "save_preferences",
    "set_active",
    "set_manager",
    "set_managers",
    "set_up_company",
    "set_up_first_company",
    "sign_out_everywhere",
]
