"""`docs/configuration.md`, written from the declarations in `settings.py`."""

from itertools import groupby

from salesops.env import Declaration

HEAD = """\
# Configuration

Everything is set by environment variables. This page is written by `manage.py write_configuration_page` from the
declarations in `salesops/settings.py`; a test fails when the two differ.

- **Production** is the default mode and refuses to start without the settings marked *required*.
- **Trial** (`TRIAL=1`) is what `make run` sets: one machine, plain http on the loopback address.
- Any setting may instead be named with `_FILE` at the end (`SECRET_KEY_FILE=/run/secrets/key`): the value is then read
  from that file.
- A value that cannot be meant stops the start with a sentence; all mistakes are reported at once.
"""


def page(declared: list[Declaration]) -> str:
    """The whole page, one table per group, in the order of declaration."""
    order = list(dict.fromkeys(setting.group for setting in declared))
    ranked = sorted(declared, key=lambda setting: order.index(setting.group))
    parts = [HEAD]
    for group, members in groupby(ranked, key=lambda setting: setting.group):
        rows = "\n".join(_row(setting) for setting in members)
        parts.append(f"## {group}\n\n| Setting | Value | Default | Meaning |\n|---|---|---|---|\n{rows}\n")
    return "\n".join(parts)


def _row(setting: Declaration) -> str:
    default = "*required*" if setting.required_in_production else setting.default or "—"
    return f"| `{setting.name}` | {setting.kind} | {default} | {setting.help} |"
