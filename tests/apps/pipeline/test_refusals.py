"""A question that has no answer is refused in the words of the page it is asked on, and in its language."""

import re

import pytest
from django.core.management import CommandError, call_command

from organization.domain.roles import Role
from organization.models import User
from tests.factories.organization import make_user, signed_in
from tests.factories.pipeline import START, deal, make_world

pytestmark = pytest.mark.django_db
QUOTA_CHOICES = "Owner, Manager, Team, Close year, Close quarter, Close month"
COMMAND_WORDS = re.compile(r"--|figure|FIELD|manager_subtree|close_year|\bwhere\b")
REFUSED = [
    (
        {"by": "region"},
        f"cannot be told by “Region”. Group and filter them by one of these: {QUOTA_CHOICES}.",
    ),
    ({"by": ["owner", "manager"]}, "grouped by one of these only"),
    ({"by": "manager", "where": "owner!=Dee"}, "no filter can leave anybody out: Owner, Manager, Team."),
    ({"period": ""}, "choose a year or quarter under “Period of closing”"),
    ({"period": "2026-03-01"}, "2026-03-01 is no fiscal year, quarter or month"),
    ({"where": ["close_quarter=FY27-Q1", "close_quarter=FY27-Q2"]}, "choose one only"),
    ({"period": "FY27-Q1", "where": "close_quarter=FY27-Q2"}, "FY27-Q1 does not lie in FY27-Q2."),
    ({"metric": "attainmnt"}, "There is no metric “attainmnt”. Did you mean Attainment"),
    ({"metric": "nonsense"}, "“What the figures mean” names them all."),
    ({"by": "closemonth"}, "There is no dimension “closemonth”. Did you mean Close month"),
    ({"where": "owner=Dea"}, "Owner: nothing is called “Dea”. Did you mean Dee?"),
    ({"where": "nonsense"}, "“nonsense” is no filter: choose one under “Filter”."),
    ({"sort": "won_amount"}, "To sort by Won, choose it as well."),
]


@pytest.fixture
def executive() -> User:
    world = make_world()
    deal(START, owner=world.people[3])
    return make_user(Role.EXECUTIVE)


@pytest.mark.parametrize(("asked", "told"), REFUSED)
def test_the_page_speaks_of_its_menus(executive: User, asked: dict[str, str], told: str) -> None:
    page = signed_in(executive).get("/metrics/ask/", {"metric": "attainment", "period": "FY27-Q1", **asked})
    assert page.status_code == 400
    assert told in page.context["problem"]
    assert not COMMAND_WORDS.search(
        page.context["problem"].replace("the figures mean", "").replace("“nonsense”", "")
    )


def test_the_command_line_speaks_of_its_options(executive: User) -> None:
    with pytest.raises(CommandError, match="by owner, manager, manager_subtree, close_year"):
        call_command("figure", "attainment", "--by", "region", "--period", "FY27-Q1")
    with pytest.raises(CommandError, match="add --period FY27-Q1"):
        call_command("figure", "attainment")


def test_the_drawer_names_its_filters_as_the_page_does(executive: User) -> None:
    ask = {"metric": "won_count", "where": "owner!=Ada", "group": "manager_subtree=Ben"}
    drawer = signed_in(executive).get("/metrics/deals/", ask)
    assert drawer.context["filters"] == ["Owner ≠ Ada", "Team: Ben"]
