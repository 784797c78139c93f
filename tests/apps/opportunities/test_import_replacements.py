"""Replacing a value for all its rows: a mistake is corrected, seen, taken back and not remembered."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from opportunities.models import Opportunity, RememberedMapping
from organization.domain.roles import Role
from tests.apps.opportunities.test_import_wizard import match_data, upload
from tests.factories.organization import make_user

pytestmark = pytest.mark.django_db

DEALS = """Deal ID,Deal Name,Outcome,Amount,Currency,Close Date
D-1,Roof,Won,100,US$,2026-05-13
D-2,Wall,Won,200,US$,2026-05-14
D-3,Gate,Won,300,EUR,2026-05-15
"""


@pytest.fixture
def batch_id(admin: Client, drain_jobs: Callable[[], int]) -> int:
    return checked(admin, drain_jobs)


def checked(admin: Client, drain_jobs: Callable[[], int]) -> int:
    batch_id = upload(admin, DEALS)
    admin.post(f"/imports/{batch_id}/match", match_data(admin, batch_id))
    drain_jobs()
    return batch_id


def replace(admin: Client, batch_id: int, drain_jobs: Callable[[], int], new: str) -> None:
    """Type beside the one problem of the page, and press its button."""
    group = admin.get(f"/imports/{batch_id}/confirm").context["groups"][0]
    data = {"fix_column-1": group.column, "fix_old-1": group.value, "fix_new-1": new, "fix": "1"}
    admin.post(f"/imports/{batch_id}/repair", data)
    drain_jobs()


def replaced(admin: Client, batch_id: int, page: str = "confirm") -> list[tuple[str, str, bool | None]]:
    found = admin.get(f"/imports/{batch_id}/{page}").context["replaced"]
    return [(one.old, one.new, one.is_of_use) for one in found]


def test_a_second_replacement_takes_the_place_of_a_wrong_one(
    admin: Client, batch_id: int, drain_jobs: Callable[[], int]
) -> None:
    replace(admin, batch_id, drain_jobs, "dollars")
    page = admin.get(f"/imports/{batch_id}/confirm")
    group = page.context["groups"][0]
    assert (group.value, group.count, group.replacement) == ("US$", 2, "dollars"), "the file's own value"
    assert "replaced by “dollars”" in page.content.decode()
    assert replaced(admin, batch_id) == [("US$", "dollars", False)]

    replace(admin, batch_id, drain_jobs, "USD")
    assert replaced(admin, batch_id) == replaced(admin, batch_id, "repair") == [("US$", "USD", True)]
    assert admin.get(f"/imports/{batch_id}/confirm").context["summary"]["created"] == 3


def test_only_what_was_of_use_is_remembered(
    admin: Client, batch_id: int, drain_jobs: Callable[[], int]
) -> None:
    replace(admin, batch_id, drain_jobs, "dollars")
    elsewhere = {"fix_column": "", "fix_old": "dollars", "fix_new": "USD"}
    admin.post(f"/imports/{batch_id}/repair", elsewhere)
    drain_jobs()
    admin.post(f"/imports/{batch_id}/confirm")
    drain_jobs()
    assert Opportunity.objects.count() == 1
    assert RememberedMapping.objects.get().repairs == []

    again = checked(admin, drain_jobs)
    assert replaced(admin, again) == []
    replace(admin, again, drain_jobs, "USD")
    admin.post(f"/imports/{again}/confirm")
    drain_jobs()
    assert Opportunity.objects.count() == 3
    third = checked(admin, drain_jobs)
    assert replaced(admin, third) == [("US$", "USD", True)]


def test_a_replacement_can_be_taken_back(admin: Client, batch_id: int, drain_jobs: Callable[[], int]) -> None:
    replace(admin, batch_id, drain_jobs, "USD")
    for page in ("confirm", "repair"):
        assert (
            f'action="/imports/{batch_id}/take-back"'
            in admin.get(f"/imports/{batch_id}/{page}").content.decode()
        )
    admin.post(f"/imports/{batch_id}/take-back", {"column": "Currency", "old": "US$"})
    drain_jobs()
    page = admin.get(f"/imports/{batch_id}/confirm")
    assert page.context["replaced"] == []
    assert page.context["summary"]["rejected"] == 2
    viewer = Client()
    viewer.force_login(make_user(Role.OPS))
    assert viewer.post(f"/imports/{batch_id}/take-back").status_code == 403


def test_a_column_that_is_not_there_is_refused(
    admin: Client, batch_id: int, drain_jobs: Callable[[], int]
) -> None:
    data = {"fix_column": "Currencies", "fix_old": "US$", "fix_new": "USD"}
    page = admin.post(f"/imports/{batch_id}/repair", data).content.decode()
    assert 'name="fix_old" value="US$"' in page, "what was typed stays"
    assert "No column is called “Currencies”, so nothing was replaced. The columns are: Deal ID," in page
    assert replaced(admin, batch_id, "repair") == []
    admin.post(f"/imports/{batch_id}/repair", {**data, "fix_column": "currency"})
    drain_jobs()
    assert admin.get(f"/imports/{batch_id}/confirm").context["summary"]["rejected"] == 0


def test_a_replacement_in_any_column_follows_one_in_its_own(
    admin: Client, batch_id: int, drain_jobs: Callable[[], int]
) -> None:
    replace(admin, batch_id, drain_jobs, "dollars")
    admin.post(f"/imports/{batch_id}/repair", {"fix_column": "", "fix_old": "US$", "fix_new": "USD"})
    drain_jobs()
    assert replaced(admin, batch_id) == [("US$", "USD", True)]
