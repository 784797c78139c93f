"""Tables of the organisation: people and logins, dated reporting lines, calendars, currencies, territories."""

from organization.models.company import (
    Company,
    Currency,
    ExchangeRate,
    FiscalCalendar,
    FiscalDay,
    FiscalPeriod,
)
from organization.models.people import Person, PersonClosure, ReportingLine, RoleGrant, User
from organization.models.territory import Territory, TerritoryClosure, TerritoryMembership
from organization.models.tokens import ApiToken

__all__ = [
    "ApiToken",
    "Company",
    "Currency",
    "ExchangeRate",
    "FiscalCalendar",
    "FiscalDay",
    "FiscalPeriod",
    "Person",
    "PersonClosure",
    "ReportingLine",
    "RoleGrant",
    "Territory",
    "TerritoryClosure",
    "TerritoryMembership",
    "User",
]
