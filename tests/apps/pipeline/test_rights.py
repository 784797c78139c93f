"""Who reads won deals only is told so, never a number that only looks like an answer; roles add up, and no further."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from organization.domain.roles import Role
from organization.models import Person, User
from organization.scope import scope_for
from pipeline.domain.figures import FigureQuery, NotYoursError
from pipeline.domain.metrics import REGISTRY
from pipeline.domain.trees import Tree
from pipeline.selectors import figures, node_cells
from territories.models import Quota
from tests.factories.organization import make_user, period
from tests.factories.pipeline import START, World, deal, make_world

pytestmark = pytest.mark.django_db
STATES = (("WON", "WON", 1000), ("LOST", "LOST", 300), ("OPEN", "COMMIT", 70), ("OPEN", "PIPELINE", 5))
ASKED = {"period": "FY27-Q1"}


@pytest.fixture
def world() -> World:
    """Everybody has a deal of each state that closes in the first quarter; the top has a quota."""
    world = make_world()
    for number, owner in enumerate(world.people):
        for status, category, amount in STATES:
            deal(
                START, owner=owner, status=status, category=category, amount=Decimal(amount + number),
                list_amount=Decimal(2000), close_date=dt.date(2026, 4, 20), started_on=dt.date(2026, 2, 2 + number),
                territory=world.territories[number % 4], product=world.products[number % 3],
            )  # fmt: skip
    Quota.objects.create(
        person=world.people[0], period=period("FY27-Q1"), amount=10_000, currency_id="USD", recorded_at=START
    )
    return world


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ask(user: User, *metrics: str, **more: Any) -> dict[str, Any]:
    return dict(figures(scope_for(user), FigureQuery(metrics, **(ASKED | more))).sums)


def test_finance_gets_the_number_everybody_gets_or_none(world: World) -> None:
    """Each metric of the registry is refused by name, or is exactly what somebody who reads all deals gets."""
    finance, executive = make_user(Role.FINANCE), make_user(Role.EXECUTIVE)
    told, refused = set(), set()
    for name in REGISTRY:
        try:
            assert ask(finance, name) == ask(executive, name), name
            told.add(name)
        except NotYoursError as error:
            refused |= {metric.name for metric in error.metrics}
    assert told | refused == set(REGISTRY)
    assert told >= {
        "won_count",
        "won_amount",
        "attainment",
        "quota",
        "median_won_amount",
        "cycle_days_won_mean",
    }
    assert refused >= {
        "open_count",
        "lost_count",
        "win_rate",
        "deal_count",
        "conversion",
        "velocity",
        "coverage_quota",
    }


def test_every_way_of_asking_refuses_alike(world: World) -> None:
    user = make_user(Role.FINANCE)
    finance = client_of(user)
    words = {"metric": ["won_count", "open_count", "win_rate"]}
    answer = finance.get("/api/v1/figures", words)
    told = "Not yours to see: open_count, win_rate. You read won deals only, and these need others as well."
    assert (answer.status_code, answer.json()) == (
        403,
        {"error": told, "metrics": ["open_count", "win_rate"]},
    )
    page = finance.get("/metrics/ask/", words)
    assert page.status_code == 403
    assert "Not yours to see: Open deals, Win rate." in page.content.decode()
    for path in ("/metrics/ask.csv", "/metrics/deals/"):
        plain = finance.get(path, words)
        assert (plain.status_code, plain.content.decode()[:30]) == (403, "Not yours to see: Open deals, ")
    with pytest.raises(CommandError, match="Not yours to see: open_count"):
        call_command("figure", "open_count", login=user.email)


def test_the_page_offers_finance_what_it_can_tell(world: World) -> None:
    page = client_of(make_user(Role.FINANCE)).get("/metrics/ask/")
    assert page.status_code == 200
    assert [metric.name for metric in page.context["columns"]] == ["won_count", "won_amount"]
    offered = {choice.value for choice in page.context["metrics"]}
    assert "won_to_list" in offered
    assert not offered & {"win_rate", "open_amount"}


def test_roles_add_up(world: World) -> None:
    """With people of one's own: their deals whatever became of them, said in a note; won ones of everybody."""
    _, ben, _, dee, *_ = world.people
    rep = make_user(Role.REP, Role.FINANCE, person=dee)
    manager = make_user(Role.MANAGER, Role.FINANCE, person=ben)
    reader = make_user(Role.EXECUTIVE, Role.FINANCE)
    assert ask(rep, "won_count") == {"won_count": 6}
    assert ask(rep, "won_count", "open_amount", "win_rate") == {
        "won_count": 1, "open_amount": 70 + 5 + 2 * 3, "win_rate": 50,
    }  # fmt: skip
    assert ask(manager, "deal_count") == {"deal_count": 12}
    assert ask(reader, "deal_count") == {"deal_count": 24}
    for user, noted in ((rep, True), (reader, False)):
        notes = figures(scope_for(user), FigureQuery(("win_rate",))).notes
        assert any("own reach" in note for note in notes) is noted
    page = client_of(rep).get("/metrics/deals/", {"metric": "win_rate"})
    assert (page.context["count"], page.context["value"]) == (2, "50.00%")


@pytest.mark.parametrize(
    "roles", [(Role.REP,), (Role.REP, Role.FINANCE), (Role.MANAGER, Role.FINANCE), (Role.FINANCE,)]
)
def test_a_node_holds_what_its_deals_give_this_viewer(world: World, roles: tuple[Role, ...]) -> None:
    """Roll-ups now and the past an instant ago agree, also for a rep by role whom others report to."""
    ben: Person = world.people[1]
    scope = scope_for(make_user(*roles, person=ben))
    trees = {
        Tree.PEOPLE: world.people, Tree.OWN: world.people, Tree.TERRITORY: world.territories,
        Tree.TERRITORY_OWN: world.territories, Tree.FAMILY: world.families, Tree.FAMILY_OWN: world.families,
    }  # fmt: skip
    at = timezone.now()
    for tree, members in trees.items():
        nodes = [0, *(member.pk for member in members)]
        cells = node_cells(scope, tree=tree, node_ids=nodes)
        assert set(cells) == set(node_cells(scope, tree=tree, node_ids=nodes, at=at)), tree
    mine = node_cells(scope, tree=Tree.PEOPLE, node_ids=[ben.pk])
    open_deals = sum(cell.deals for cell in mine if cell.category in {"COMMIT", "PIPELINE"})
    assert open_deals == (0 if roles == (Role.FINANCE,) else 6 if Role.MANAGER in roles else 2)
