"""Undoing an import puts records back where they still are what it left, leaves what somebody changed since, and says so."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from opportunities.models import Account, ImportBatch, Product, ProductFamily, ProductFamilyClosure
from opportunities.services import account_named
from organization.domain.roles import Role
from organization.models import Person, ReportingLine, Territory
from organization.services import set_manager
from pipeline.rollups import differences
from salesops.audit.models import AuditEvent
from tests.factories.organization import make_company, make_person, make_user
from tests.stories.small_imports import SYSTEM, deal, deals, imported, undone

pytestmark = pytest.mark.django_db

PIPELINE = "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value"
OPEN = "D-1,Ann Smith,Saw,Acme,Engaging,2026-03-01,,100"
LISTS = {
    "accounts.csv": "account,sector,revenue,employees,office_location,subsidiary_of\n"
    "Acme,retail,1,10,Peru,\nBolt,retail,2,20,Chile,\nCorp,retail,3,30,Kenya,\n",
    "products.csv": "product,series,sales_price\nSaw,Tools,10\nNail,Parts,1\n",
    "sales_teams.csv": "sales_agent,manager,regional_office\nAnn Smith,Max Lead,West\nBob Stone,Max Lead,West\n",
}
CHANGED = {
    "accounts.csv": "account,sector,revenue,employees,office_location,subsidiary_of\n"
    "Acme,bank,1,11,Peru,Corp\nBolt,bank,2,20,Chile,Corp\nCorp,bank,3,30,Kenya,\n",
    "products.csv": "product,series,sales_price\nSaw,Tools,12\nNail,Tools,2\n",
    "sales_teams.csv": "sales_agent,manager,regional_office\nAnn Smith,Eve Lead,East\nBob Stone,Eve Lead,East\n",
}


@pytest.fixture(autouse=True)
def company() -> None:
    make_company()


def records() -> dict[str, list[tuple[object, ...]]]:
    """Everything an import of lists may write, but ids."""
    return {
        "accounts": list(
            Account.objects.order_by("name").values_list(
                "name", "industry", "annual_revenue", "employees", "country", "parent__name", "is_active", "source"
            )
        ),
        "products": list(Product.objects.order_by("name").values_list("name", "family__name", "list_price", "is_active")),
        "families": list(ProductFamily.objects.order_by("name").values_list("name", "parent__name")),
        "closure": sorted(ProductFamilyClosure.objects.values_list("ancestor__name", "descendant__name", "depth")),
        "people": list(Person.objects.order_by("name").values_list("name", "territory__name", "title", "is_active")),
        "lines": list(
            ReportingLine.objects.order_by("person__name", "from_date").values_list(
                "person__name", "manager__name", "from_date", "to_date"
            )
        ),
        "territories": list(Territory.objects.order_by("name").values_list("name", "parent__name", "kind")),
    }  # fmt: skip


def test_lists_are_put_back_exactly_with_parents_families_and_managers(tmp_path: Path) -> None:
    nothing = records()
    first = imported(tmp_path, LISTS)
    before = records()
    second = imported(tmp_path, CHANGED)
    after = records()
    assert {name for name in before if before[name] != after[name]} >= {
        "accounts",
        "products",
        "people",
        "lines",
    }
    done = undone(second)
    assert records() == before
    assert (done.records_kept, done.kept) == (0, ())
    undone(first)
    assert records() == nothing
    assert not differences()


EDITS = {
    "ACCOUNT": (Account, "Acme", {"industry": "mining"}),
    "PRODUCT": (Product, "Saw", {"list_price": 99}),
    "PERSON": (Person, "Ann Smith", {"title": "Dr"}),
    "FAMILY": (ProductFamily, "Tools", {"name": "Tools and more"}),
    "TERRITORY": (Territory, "East", {"name": "Far East"}),
}


@pytest.mark.parametrize("kind", EDITS)
def test_what_somebody_changed_since_is_left_and_named(tmp_path: Path, kind: str) -> None:
    imported(tmp_path, {"products.csv": "product,series,sales_price\nNail,Parts,1\n"})
    batch = imported(tmp_path, {**LISTS, **CHANGED})
    model, name, edit = EDITS[kind]
    row = model.objects.get(name=name)
    model.objects.filter(pk=row.pk).update(**edit)
    columns = model.objects.filter(pk=row.pk).values().get()
    done = undone(batch)
    assert model.objects.filter(pk=row.pk).values().get() == columns, "in every column as it was left"
    named = {(kept.kind, kept.id): kept for kept in done.kept}
    assert named[kind, row.pk].reason == "CHANGED"
    assert named[kind, row.pk].name == edit.get("name", name)
    assert done.records_kept == len(done.kept)
    assert Product.objects.get(name="Nail").list_price == 1, "the others are put back"
    assert not Account.objects.filter(name="Bolt").exists()
    assert not Person.objects.filter(name="Bob Stone").exists()
    assert not differences()


def test_an_edit_of_another_column_does_not_keep_a_changed_record_from_being_put_back(tmp_path: Path) -> None:
    imported(tmp_path, LISTS)
    batch = imported(tmp_path, CHANGED)
    Account.objects.filter(name="Acme").update(city="Lima")
    done = undone(batch)
    acme = Account.objects.get(name="Acme")
    assert (acme.industry, acme.city, acme.parent) == ("retail", "Lima", None)
    assert not done.kept


def test_a_record_left_keeps_all_it_names(tmp_path: Path) -> None:
    """Acme was changed here: its parent, created by the same import, is no orphan-maker and stays too."""
    batch = imported(tmp_path, CHANGED)
    Account.objects.filter(name="Acme").update(industry="mining")
    done = undone(batch)
    assert Account.objects.get(name="Acme").parent == Account.objects.get(name="Corp")
    reasons = {kept.name: kept.reason for kept in done.kept}
    assert reasons == {"Acme": "CHANGED", "Corp": "IN_USE"}
    assert not Account.objects.filter(name="Bolt").exists()


def test_parents_changed_since_are_left(tmp_path: Path) -> None:
    imported(tmp_path, LISTS)
    batch = imported(tmp_path, CHANGED)
    Account.objects.filter(name="Acme").update(parent=Account.objects.get(name="Bolt"))
    done = undone(batch)
    parents = dict(Account.objects.values_list("name", "parent__name"))
    assert parents == {"Acme": "Bolt", "Bolt": None, "Corp": None}
    assert [kept.name for kept in done.kept] == ["Acme"]


def test_parent_links_are_written_and_undone_set_wise(tmp_path: Path) -> None:
    def accounts(count: int, parent: str) -> dict[str, str]:
        rows = "".join(f"A{n},retail,1,{n},Peru,{parent if n else ''}\n" for n in range(count))
        return {"accounts.csv": "account,sector,revenue,employees,office_location,subsidiary_of\n" + rows}

    def queries(count: int) -> tuple[int, int]:
        imported(tmp_path, accounts(count, ""), source=f"s{count}")
        with CaptureQueriesContext(connection) as writing:
            batch = imported(tmp_path, accounts(count, "A0"), source=f"s{count}")
        assert Account.objects.filter(source=f"s{count}", parent__name="A0").count() == count - 1
        with CaptureQueriesContext(connection) as undoing:
            undone(batch)
        assert not Account.objects.filter(source=f"s{count}", parent__isnull=False).exists()
        return len(writing), len(undoing)

    assert queries(40) == queries(4)


def test_parents_of_known_families_are_undone_with_their_closure(tmp_path: Path) -> None:
    def lists(parent: str) -> dict[str, str]:
        return {
            "products.csv": f"ProductKey,Product,Category,Subcategory\n7,Bolt,{parent},Screws\n8,Saw,Tools,Saws\n"
        }

    imported(tmp_path, lists("Parts"))
    before = records()
    batch = imported(tmp_path, lists("Tools"))
    assert ProductFamily.objects.get(name="Screws").parent.name == "Tools"
    assert ProductFamilyClosure.objects.filter(ancestor__name="Tools", descendant__name="Screws").exists()
    undone(batch)
    assert records() == before
    again = imported(tmp_path, lists("Tools"))
    ProductFamily.objects.filter(name="Screws").update(parent=None)
    done = undone(again)
    assert ProductFamily.objects.get(name="Screws").parent is None
    assert [(kept.kind, kept.name) for kept in done.kept] == [("FAMILY", "Screws")]
    assert not differences()


def test_a_manager_changed_twice_on_one_day_comes_back_step_by_step(tmp_path: Path) -> None:
    def team(manager: str) -> dict[str, str]:
        return {"sales_teams.csv": f"sales_agent,manager,regional_office\nAnn Smith,{manager},West\n"}

    def managers() -> list[tuple[object, ...]]:
        lines = ReportingLine.objects.filter(person__name="Ann Smith").order_by("from_date")
        return list(lines.values_list("manager__name", "from_date", "to_date"))

    imported(tmp_path, team("Max Lead"))
    first = managers()
    second = imported(tmp_path, team("Eve Lead"))
    between = managers()
    third = imported(tmp_path, team("Joe Lead"))
    undone(third)
    assert managers() == between
    undone(second)
    assert managers() == first


def test_somebody_moved_since_keeps_the_new_manager(tmp_path: Path) -> None:
    batch = imported(tmp_path, LISTS)
    boss = make_person("Boss")
    ann = Person.objects.get(name="Ann Smith")
    set_manager(person_id=ann.pk, manager_id=boss.pk, from_date=dt.date(2026, 11, 1), scope=SYSTEM)
    lines = list(ReportingLine.objects.filter(person=ann).order_by("pk").values())
    done = undone(batch)
    assert list(ReportingLine.objects.filter(person=ann).order_by("pk").values()) == lines
    reasons = {kept.name: kept.reason for kept in done.kept}
    assert reasons == {"Ann Smith": "CHANGED", "Max Lead": "IN_USE", "West": "IN_USE"}
    assert not Person.objects.filter(name="Bob Stone").exists()
    assert not differences()


def test_whom_a_deal_that_stays_belongs_to_still_reports_to_the_manager(tmp_path: Path) -> None:
    from tests.factories.opportunities import move_deal

    batch = imported(tmp_path, {**LISTS, **deals(OPEN, head=PIPELINE)})
    move_deal(deal(), next_step="Call")
    undone(batch)
    ann = Person.objects.get(pk=deal().owner_id)
    assert ReportingLine.objects.get(person=ann).manager.name == "Max Lead"
    assert not differences()


def test_what_a_record_named_before_may_be_gone(tmp_path: Path) -> None:
    """The territory somebody had before the import has been taken away since: there is no way back for this person."""
    teams = "sales_agent,manager,regional_office\nAnn Smith,Max Lead,{}\nBob Stone,Max Lead,West\n"
    imported(tmp_path, {"sales_teams.csv": teams.format("North")})
    north = Territory.objects.get(name="North")
    batch = imported(tmp_path, {"sales_teams.csv": teams.format("East")})
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM organization_territoryclosure WHERE ancestor_id = %s", [north.pk])
        cursor.execute("DELETE FROM organization_territory WHERE id = %s", [north.pk])
    done = undone(batch)
    assert Person.objects.get(name="Ann Smith").territory.name == "East"
    assert {kept.name: kept.reason for kept in done.kept} == {
        "Ann Smith": "GONE", "Max Lead": "GONE", "East": "IN_USE",
    }  # fmt: skip


def test_an_undo_that_would_make_a_circle_leaves_only_those_concerned(tmp_path: Path) -> None:
    def team(ann: str, bob: str) -> dict[str, str]:
        rows = f"Ann Smith,{ann},West\nBob Stone,{bob},West\nCid Rock,Max Lead,West\n"
        return {"sales_teams.csv": "sales_agent,manager,regional_office\n" + rows}

    imported(tmp_path, team("Bob Stone", "Max Lead"))
    batch = imported(tmp_path, team("Max Lead", "Eve Lead"))
    ann, bob = Person.objects.get(name="Ann Smith"), Person.objects.get(name="Bob Stone")
    today = ReportingLine.objects.get(person=bob, manager__name="Eve Lead").from_date
    later = today + dt.timedelta(days=1)
    set_manager(person_id=bob.pk, manager_id=ann.pk, from_date=later, scope=SYSTEM)
    done = undone(batch)
    reasons = {kept.name: kept.reason for kept in done.kept}
    assert reasons["Ann Smith"] == "GONE", "she would report to Bob, who reports to her"
    assert reasons["Bob Stone"] == "CHANGED"
    assert ReportingLine.objects.filter(person=ann, manager__name="Max Lead").exists()
    assert not differences()


def test_the_report_names_deals_and_records_on_the_page_the_command_line_and_the_audit_trail(
    tmp_path: Path,
) -> None:
    from tests.factories.opportunities import move_deal

    batch = imported(tmp_path, {**LISTS, **deals(OPEN, OPEN.replace("D-1", "D-2"), head=PIPELINE)})
    move_deal(deal(), next_step="Call")
    Product.objects.filter(name="Saw").update(list_price=99)
    out = StringIO()
    call_command("import_crm", "--undo", str(batch), stdout=out)
    text = out.getvalue()
    assert "1 deals removed, 0 restored, 1 left (changed since)" in text
    assert "left: opportunity “Acme – Saw” (changed since)" in text
    assert "left: product “Saw” (changed since)" in text
    assert "left: account “Acme” (named by something that stays)" in text
    assert ImportBatch.objects.get().plan["undone"]["kept"][0]["name"] == "Acme – Saw"
    assert AuditEvent.objects.get(verb="UNDO_IMPORT").after["deals_kept"] == 1
    client = Client()
    client.force_login(make_user(Role.ADMIN))
    page = client.get(f"/imports/{batch}").content.decode()
    assert "Acme – Saw" in page


def test_accounts_named_by_people_here_stay(tmp_path: Path) -> None:
    batch = imported(tmp_path, LISTS)
    bolt = Account.objects.get(name="Bolt")
    Account.objects.filter(pk=account_named(scope=SYSTEM, name="Own")).update(parent=bolt)
    done = undone(batch)
    assert Account.objects.get(name="Own").parent == bolt
    assert {kept.name: kept.reason for kept in done.kept} == {"Bolt": "IN_USE"}


def test_nothing_the_import_made_is_listed_anywhere_after_its_undoing(tmp_path: Path) -> None:
    """Superseded history still names the owner, the process, the territory and the family of the deals it removed."""
    from forecasting.domain.question import TreeName
    from forecasting.selectors.nodes import tree_nodes
    from opportunities.selectors.setup import processes_for_setup
    from organization.scope import scope_for
    from organization.selectors import people_tree, territory_tree

    ops = scope_for(make_user(Role.OPS))
    by_family: Any = SimpleNamespace(tree=TreeName.FAMILIES)

    def listed() -> dict[str, set[str]]:
        return {
            "people": {node.name for node in people_tree(ops)},
            "territories": {node.name for node in territory_tree(ops)},
            "families": {node.name for node in tree_nodes(ops, by_family)},
            "processes": {process.name for process in processes_for_setup(ops)},
        }

    before = listed()
    batch = imported(tmp_path, {**LISTS, **deals(OPEN, head=PIPELINE)})
    made = {name: listed()[name] - before[name] for name in before}
    assert all(made.values()), made
    done = undone(batch)
    assert listed() == before
    assert done.kept == ()
    again = imported(tmp_path, {**LISTS, **deals(OPEN, head=PIPELINE)})
    assert {name: listed()[name] - before[name] for name in before} == made, "and it can come again"
    undone(again)
    assert listed() == before
