"""docs/security.md says of every role what the code grants it."""

import re
from pathlib import Path

import pytest

from organization.domain.roles import ALL_DEAL_ROLES, Capability, Role
from organization.domain.scope import Scope
from salesops.rights_table import MEANINGS, reach, replaced

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"


def test_the_committed_table_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert replaced(text) == text, "run manage.py write_rights_table"


def test_a_changed_page_would_be_found() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert replaced(text.replace("change deals | yes", "change deals | no")) == text
    with pytest.raises(ValueError, match="has no"):
        replaced("no marks")


def test_every_right_has_words() -> None:
    assert set(MEANINGS) == set(Capability)


def test_whose_deals_agrees_with_the_scope() -> None:
    for role in Role:
        scope = Scope(roles=frozenset({role}), everything=role in ALL_DEAL_ROLES)
        assert (reach(role) == "all") == scope.everything
        assert (reach(role) == "none") == (not scope.can(Capability.VIEW_DEALS))


def test_tests_the_page_names_exist() -> None:
    root = PAGE.parent.parent
    named = re.findall(r"`(tests/[\w/.]+)`", PAGE.read_text(encoding="utf-8"))
    assert named
    assert not [name for name in named if not (root / name).exists()]
