"""The declared list of screens: which page, for whom, how to reach it. The screenshots and the page tests walk it.

`{person}`, `{user}`, `{deal}`, `{import}` in a path stand for the first one linked on the page named before the bar.
"""

from __future__ import annotations

from dataclasses import dataclass

EVERYONE = ("REP", "MANAGER", "OPS", "ADMIN", "EXECUTIVE", "FINANCE", "AUDITOR")
FORECASTERS = ("MANAGER", "OPS", "EXECUTIVE", "FINANCE", "AUDITOR")
A_DEAL = "main a[data-row-open][href^='/deals/']"
DEAL_READERS = ("REP", "MANAGER", "OPS", "EXECUTIVE", "FINANCE", "AUDITOR")


@dataclass(frozen=True)
class Screen:
    """A page and the roles that have it.

    `follow` is a selector of a link whose target is the page to look at (the path is where it is found), or several
    joined by " then ";
    `click` is pressed once the page is there (a drawer, a menu).
    """

    name: str
    path: str
    roles: tuple[str, ...]
    follow: str = ""
    click: str = ""


SCREENS: tuple[Screen, ...] = (
    Screen("home", "/", EVERYONE),
    Screen("help", "/help/", ("REP", "MANAGER", "ADMIN")),
    Screen("forecast-year", "/forecast/?period=year", ("MANAGER", "EXECUTIVE")),
    Screen("forecast", "/forecast/", ("OPS", "AUDITOR", "FINANCE")),
    Screen(
        "forecast-drawer", "/forecast/", ("MANAGER", "EXECUTIVE"), click="table td a[data-drawer]:visible"
    ),
    Screen("deals", "/deals/", DEAL_READERS),
    Screen("deal", "/deals/", ("REP", "MANAGER", "AUDITOR"), follow=A_DEAL),
    Screen(
        "customer",
        "/deals/?sort=account",
        ("REP", "MANAGER"),
        follow="#deals-rows a[data-row-open] then main a[href^='/accounts/']",  # the queue may begin with one without
    ),
    Screen("imports", "/imports/", ("ADMIN", "OPS", "AUDITOR")),
    Screen("import-new", "/imports/new", ("ADMIN",)),
    Screen("quotas", "/quotas/", ("REP", "MANAGER", "OPS", "EXECUTIVE", "FINANCE", "AUDITOR")),
    Screen("quotas-import", "/quotas/import", ("OPS",)),
    Screen("people", "/people/", ("MANAGER", "OPS", "ADMIN", "EXECUTIVE", "AUDITOR")),
    Screen("person", "/people/", ("OPS", "MANAGER"), follow="main table a[href^='/people/']"),
    Screen("person-new", "/people/new", ("OPS",)),
    Screen("users", "/users/", ("ADMIN",)),
    Screen("user", "/users/", ("ADMIN",), follow="main table a[href^='/users/']"),
    Screen("setup", "/setup/company", ("OPS", "ADMIN")),
    Screen("setup-calendars", "/setup/calendars/", ("OPS",)),
    Screen("setup-calendar-new", "/setup/calendars/new", ("OPS",)),
    Screen("setup-rates", "/setup/rates/", ("OPS",)),
    Screen("setup-territories", "/setup/territories/", ("OPS",)),
    Screen("deals-board", "/deals/?view=board", ("REP",)),
    Screen("deal-new", "/deals/new", ("REP",)),
    Screen("setup-processes", "/setup/processes/", ("OPS",)),
    Screen(
        "setup-process",
        "/setup/processes/",
        ("OPS",),
        follow="main a[href^='/setup/processes/']:not([href$='/new'])",
    ),
    Screen("setup-categories", "/setup/categories/", ("OPS",)),
    Screen("account", "/account/", ("REP", "ADMIN")),
    Screen("audit", "/audit/", ("ADMIN", "AUDITOR")),
    Screen("figures", "/metrics/ask/", ("MANAGER", "OPS")),
    Screen("metrics", "/metrics/", ("MANAGER", "OPS")),
    Screen("system", "/system/", ("ADMIN",)),
)
