"""Roles, and what each may do: the table of rights as data, read alike by screens, tests and documents."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is to the company's sales operations; a login may have several."""

    REP = "REP"
    MANAGER = "MANAGER"
    OPS = "OPS"
    ADMIN = "ADMIN"
    EXECUTIVE = "EXECUTIVE"
    FINANCE = "FINANCE"
    AUDITOR = "AUDITOR"


class Capability(StrEnum):
    """One thing somebody may do. *Whose* rows it reaches is the scope's business."""

    VIEW_DEALS = "VIEW_DEALS"
    EDIT_DEALS = "EDIT_DEALS"
    VIEW_FORECAST = "VIEW_FORECAST"
    VIEW_QUOTAS = "VIEW_QUOTAS"
    EDIT_QUOTAS = "EDIT_QUOTAS"
    IMPORT_CRM = "IMPORT_CRM"
    VIEW_IMPORTS = "VIEW_IMPORTS"
    CONFIGURE_PROCESS = "CONFIGURE_PROCESS"
    MANAGE_USERS = "MANAGE_USERS"
    MANAGE_ORGANIZATION = "MANAGE_ORGANIZATION"
    VIEW_ORGANIZATION = "VIEW_ORGANIZATION"
    VIEW_RATES = "VIEW_RATES"
    VIEW_AUDIT = "VIEW_AUDIT"
    VIEW_SYSTEM = "VIEW_SYSTEM"
    USE_SELF_SERVICE = "USE_SELF_SERVICE"


_EVERYONE = frozenset({Capability.USE_SELF_SERVICE})
_C = Capability

ROLE_CAPABILITIES: dict[Role, frozenset[Capability]] = {
    Role.REP: _EVERYONE | {_C.VIEW_DEALS, _C.EDIT_DEALS, _C.VIEW_FORECAST, _C.VIEW_QUOTAS},
    Role.MANAGER: _EVERYONE
    | {_C.VIEW_DEALS, _C.EDIT_DEALS, _C.VIEW_FORECAST, _C.VIEW_QUOTAS, _C.VIEW_ORGANIZATION},
    Role.OPS: _EVERYONE
    | {
        _C.VIEW_DEALS,
        _C.VIEW_FORECAST,
        _C.VIEW_QUOTAS,
        _C.EDIT_QUOTAS,
        _C.CONFIGURE_PROCESS,
        _C.VIEW_ORGANIZATION,
        _C.MANAGE_ORGANIZATION,
        _C.VIEW_RATES,
        _C.VIEW_IMPORTS,
    },
    Role.ADMIN: _EVERYONE
    | {
        _C.IMPORT_CRM,
        _C.VIEW_IMPORTS,
        _C.MANAGE_USERS,
        _C.CONFIGURE_PROCESS,
        _C.VIEW_ORGANIZATION,
        _C.MANAGE_ORGANIZATION,
        _C.VIEW_RATES,
        _C.VIEW_AUDIT,
        _C.VIEW_SYSTEM,
    },
    Role.EXECUTIVE: _EVERYONE | {_C.VIEW_DEALS, _C.VIEW_FORECAST, _C.VIEW_QUOTAS, _C.VIEW_ORGANIZATION},
    Role.FINANCE: _EVERYONE | {_C.VIEW_DEALS, _C.VIEW_FORECAST, _C.VIEW_QUOTAS, _C.VIEW_RATES},
    Role.AUDITOR: _EVERYONE
    | {
        _C.VIEW_DEALS,
        _C.VIEW_FORECAST,
        _C.VIEW_QUOTAS,
        _C.VIEW_ORGANIZATION,
        _C.VIEW_RATES,
        _C.VIEW_AUDIT,
        _C.VIEW_IMPORTS,
    },
}

ALL_DEAL_ROLES = frozenset({Role.OPS, Role.EXECUTIVE, Role.AUDITOR})
"""Roles that read every deal; FINANCE reads every *won* deal; the others read what the hierarchy gives them."""


def capabilities_of(roles: frozenset[Role]) -> frozenset[Capability]:
    """What somebody with these roles may do: the union; no roles, nothing."""
    return frozenset().union(*(ROLE_CAPABILITIES[role] for role in roles))


ROLE_NAMES: dict[Role, str] = {
    Role.REP: "Sales rep",
    Role.MANAGER: "Sales manager",
    Role.OPS: "Sales operations",
    Role.ADMIN: "Administrator",
    Role.EXECUTIVE: "Executive",
    Role.FINANCE: "Finance",
    Role.AUDITOR: "Auditor",
}
"""What people call them (the pages translate these)."""

ROLE_MEANINGS: dict[Role, str] = {
    Role.REP: "Keeps their own deals true; sees their own number and quota.",
    Role.MANAGER: "Reads and edits the deals of everybody below them; forecasts the team.",
    Role.OPS: "Reads every deal; sets quotas, processes, calendar and the organisation.",
    Role.ADMIN: "Imports, logins, roles and connections; sees no deals.",
    Role.EXECUTIVE: "Reads every deal and every total; changes nothing.",
    Role.FINANCE: "Reads won deals, quotas and exchange rates.",
    Role.AUDITOR: "Reads every deal and total, quotas, imports, people, rates and the audit trail; changes nothing.",
}
"""One sentence each, for the page where roles are given."""
