"""Where records come from: a CRM by its name, `local` for what was made here, and what is out of sight."""

UNDONE = "undone:"
"""Begins the source of records whose import was undone while superseded history still names them: no page lists them,
no file finds them."""
