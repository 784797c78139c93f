"""Forms of what exists, opened and saved as a browser does it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from django.test import Client


def seen_in(page: Any) -> dict[str, str]:
    """What a page's form was opened with, to be sent along."""
    found = re.search(r'name="seen" value="([^"]*)"', page.content.decode())
    assert found, "the form bears what it was opened with"
    return {"seen": html.unescape(found[1])}


def save_form(client: Client, address: str, values: Mapping[str, Any]) -> Any:
    """The answer to these values, sent by a form opened just before."""
    return client.post(address, {**values, **seen_in(client.get(address))})
