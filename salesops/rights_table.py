"""The table of rights in `docs/security.md`, written from `organization.domain.roles`."""

from organization.domain.roles import ALL_DEAL_ROLES, ROLE_CAPABILITIES, ROLE_NAMES, Capability, Role

BEGIN = "<!-- rights: written by manage.py write_rights_table -->"
END = "<!-- end of rights -->"

MEANINGS: dict[Capability, str] = {
    Capability.VIEW_DEALS: "read deals and their history",
    Capability.EDIT_DEALS: "change deals",
    Capability.VIEW_FORECAST: "read the forecast and figures",
    Capability.VIEW_QUOTAS: "read quotas",
    Capability.EDIT_QUOTAS: "set quotas",
    Capability.IMPORT_CRM: "import, undo and discard imports",
    Capability.VIEW_IMPORTS: "read what imports did",
    Capability.CONFIGURE_PROCESS: "set up processes, stages, subcategories",
    Capability.MANAGE_USERS: "logins and roles",
    Capability.MANAGE_ORGANIZATION: "set up company, calendar, rates, people, territories",
    Capability.VIEW_ORGANIZATION: "read people and reporting lines",
    Capability.VIEW_RATES: "read exchange rates",
    Capability.VIEW_AUDIT: "read the audit trail",
    Capability.VIEW_SYSTEM: "read and mend jobs and health",
    Capability.USE_SELF_SERVICE: "own account, help",
}


def reach(role: Role) -> str:
    """Whose deals a role sees (organization.scope)."""
    if role in ALL_DEAL_ROLES:
        return "all"
    return {Role.REP: "own", Role.MANAGER: "own and below", Role.FINANCE: "won"}.get(role, "none")


def table() -> str:
    """Roles across, capabilities down; the last line says whose deals."""
    head = ["", *(ROLE_NAMES[role] for role in Role)]
    rows = [
        [MEANINGS[one], *("yes" if one in ROLE_CAPABILITIES[role] else "" for role in Role)]
        for one in Capability
    ]
    rows.append(["**whose deals**", *(reach(role) for role in Role)])
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def replaced(page: str) -> str:
    """The page with the table between its marks brought up to date. Raises `ValueError` without the marks."""
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
