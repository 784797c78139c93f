"""Deals in many currencies, written in many ways: what is counted as what, what is not, and how that is told."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
import time_machine
from babel.numbers import list_currencies
from django.test import Client
from django.utils.html import strip_tags

from forecasting.forms import question_of
from forecasting.selectors.board import board
from opportunities.domain.import_currencies import BLANK_CURRENCY, is_of_another
from opportunities.domain.import_json import mapping_from_json
from opportunities.models import ImportBatch, ImportProblem, Opportunity
from opportunities.services.imports import answer_import, plan_import, recognise_import, start_import
from opportunities.services.imports_apply import apply_import
from organization.domain.roles import Role
from organization.scope import scope_for
from territories.models import Quota
from tests.factories.organization import make_company, make_person, make_user
from tests.stories.small_imports import HEAD, SYSTEM, Steps, deal, deals, folder_of, imported, planned

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 4, 10, 9, 0, tzinfo=dt.UTC)
IN_Q1 = "2026-04-20"
WITH_CURRENCY = f"{HEAD},Currency"
ROWS = {
    "D-1": ("1000.50", "USD"),
    "D-2": ("200", "EUR"),
    "D-3": ("300.25", "eur"),
    "D-4": ("50", "GBP"),
    "D-5": ("70000", "JPY"),
    "D-6": ("10", ""),
    "D-7": ("900", "€"),
    "D-8": ("800", "XXQ"),
    "D-9": ("€ 600", "USD"),
    "D-10": ('"$1,234.00"', "USD"),
    "D-11": ("€ 40", "EUR"),
    "D-12": ("CHF 5", ""),
}
EURO, POUND = Decimal("1.10"), Decimal("1.25")


@pytest.fixture(autouse=True)
def company() -> Iterator[None]:
    """A company that counts in dollars, and knows what euros and pounds are worth, not yen or francs."""
    day = dt.date(2020, 1, 1)
    with time_machine.travel(NOW, tick=False):
        make_company(rates=(("EUR", day, EURO), ("GBP", day, POUND)))
        make_person("Ann Smith")
        yield


def export(rows: dict[str, tuple[str, str]]) -> dict[str, str]:
    lines = (
        f"{key},Deal {key},Acme,Ann Smith,Verbal OK,{amount},{IN_Q1},{code}"
        for key, (amount, code) in rows.items()
    )
    return dict(deals(*lines, head=WITH_CURRENCY))


def told(batch_id: int) -> dict[int | None, tuple[str, str, str, str]]:
    """Column, value, reason and severity by row; each problem says a cure."""
    found = ImportProblem.objects.filter(batch_id=batch_id)
    assert all(problem.cure for problem in found)
    return {p.row: (p.column, p.value, str(p.message), p.severity) for p in found}


def test_every_amount_is_counted_in_its_own_currency_or_told(tmp_path: Path) -> None:
    batch_id = imported(tmp_path, export(ROWS))
    kept = {
        key: (amount, code)
        for key, amount, code in Opportunity.objects.values_list("external_id", "amount", "currency_id")
    }
    assert kept == {
        "D-1": (Decimal("1000.50"), "USD"), "D-2": (200, "EUR"), "D-3": (Decimal("300.25"), "EUR"), "D-4": (50, "GBP"),
        "D-5": (70_000, "JPY"), "D-6": (10, "USD"), "D-10": (1234, "USD"), "D-11": (40, "EUR"),
    }  # fmt: skip
    assert told(batch_id) == {
        8: ("Currency", "€", "is not a known currency", "ERROR"),
        9: ("Currency", "XXQ", "is not a known currency", "ERROR"),
        10: ("Amount", "€ 600", "is written in “€”, but the amount counts in USD", "ERROR"),
        13: ("Amount", "CHF 5", "is written in “CHF”, but the amount counts in USD", "ERROR"),
    }
    plan = ImportBatch.objects.get(pk=batch_id).plan
    assert (plan["created"], plan["rejected"]) == (8, 4)
    assert BLANK_CURRENCY in plan["statements"], "said once, on the page before anything is written"


def test_the_forecast_is_the_sum_by_hand_and_names_what_it_leaves_out(tmp_path: Path) -> None:
    imported(tmp_path, export(ROWS))
    by_hand = Decimal("1000.50") + (200 + Decimal("300.25") + 40) * EURO + 50 * POUND + 10 + 1234
    assert by_hand == Decimal("2901.275")
    user = make_user(Role.EXECUTIVE)
    found = board(scope_for(user), question_of({"period": "FY27-Q1"}, scope_for(user), NOW))
    values = {figure.column.name: figure.value for figure in found.rows[0].figures}
    assert values["commit"] == by_hand
    assert found.unvalued == ("JPY",)

    session = Client()
    session.force_login(user)
    page = session.get("/forecast/board", {"period": "FY27-Q1", "view": "exact"}).content.decode()
    shown = re.sub(r"\s+", " ", unescape(strip_tags(page)))
    assert "2,901.28" in shown
    assert "No exchange rate is recorded for JPY: those deals are in no figure here." in shown


def test_a_symbol_is_mended_once_for_all_rows(tmp_path: Path) -> None:
    path = folder_of(tmp_path, export({"D-7": ROWS["D-7"], "D-8": ("1", "€")}))
    batch_id = start_import(path=path, scope=SYSTEM)
    recognise_import(batch_id=batch_id, source="crm")
    answer_import(
        batch_id=batch_id, answers={"stage:Verbal OK": "COMMIT"}, repairs={("Currency", "€"): "EUR"}
    )
    assert plan_import(batch_id=batch_id).created == 2
    apply_import(batch_id=batch_id, steps=Steps())
    assert (deal("D-7").amount, deal("D-7").currency_id) == (900, "EUR")


def test_the_sign_beside_amounts_must_be_that_of_the_whole_file(tmp_path: Path) -> None:
    """A file without a column of currencies is in the one chosen for it, the company's own if none is."""
    rows = [
        f"D-{n},Deal,Acme,Ann Smith,Verbal OK,{amount},{IN_Q1}"
        for n, amount in enumerate(("$7", "€8", "9 EUR"))
    ]
    batch_id = planned(tmp_path, deals(*rows))
    assert BLANK_CURRENCY not in ImportBatch.objects.get(pk=batch_id).plan["statements"]
    assert {row: problem[:2] for row, problem in told(batch_id).items()} == {
        3: ("Amount", "€8"),
        4: ("Amount", "9 EUR"),
    }


def test_a_known_deal_keeps_its_currency_and_is_judged_by_it(tmp_path: Path) -> None:
    """A file that states no currency says nothing of the one a deal has."""
    imported(tmp_path, export({"D-2": ("200", "EUR"), "D-4": ("50", "EUR")}))
    rows = [
        f"D-{n},Deal D-{n},Acme,Ann Smith,Verbal OK,{amount},{IN_Q1}"
        for n, amount in ((2, "€ 600"), (4, "$ 70"))
    ]
    batch_id = imported(tmp_path, deals(*rows))
    assert (deal("D-2").amount, deal("D-2").currency_id) == (600, "EUR")
    assert (deal("D-4").amount, deal("D-4").currency_id) == (50, "EUR")
    assert told(batch_id) == {
        3: ("Amount", "$ 70", "is written in “$”, but the amount counts in EUR", "ERROR")
    }


def test_quotas_are_in_the_currency_their_row_states(tmp_path: Path) -> None:
    text = "Who,Day,Goal,Money\nAnn Smith,2026-02-01,500,eur\nAnn Smith,2026-03-01,€ 600,USD\nAnn Smith,2026-04-01,$700,\n"
    columns = {"person": "Who", "period_date": "Day", "amount": "Goal", "currency": "Money"}
    mapping = {
        "source": "crm", "quota_grain": "MONTH",
        "files": [{"name": "goals.csv", "extracts": [{"role": "QUOTA", "columns": columns}]}],
    }  # fmt: skip
    batch_id = start_import(path=folder_of(tmp_path, {"goals.csv": text}), scope=SYSTEM)
    recognise_import(batch_id=batch_id, mapping=mapping_from_json(mapping))
    assert not plan_import(batch_id=batch_id).is_blocked
    apply_import(batch_id=batch_id, steps=Steps())
    assert list(Quota.objects.order_by("period").values_list("amount", "currency_id")) == [
        (500, "EUR"),
        (700, "USD"),
    ]
    assert told(batch_id) == {3: ("Goal", "€", "is written in “€”, but the amount counts in USD", "ERROR")}


def test_lines_in_several_currencies_make_no_order(tmp_path: Path) -> None:
    """Ten dollars and twenty euros are not thirty dollars."""
    text = "Order,Day,Sales,Money\nSO1,2026-04-05,10,USD\nSO1,2026-04-05,20,EUR\nSO2,2026-04-05,5,EUR\nSO2,2026-04-05,6,eur\n"
    columns = {"external_id": "Order", "close_date": "Day", "amount": "Sales", "currency": "Money"}
    mapping = {
        "source": "shop",
        "files": [{"name": "orders.csv", "extracts": [{"role": "ORDER_LINE", "columns": columns}]}],
    }
    batch_id = start_import(path=folder_of(tmp_path, {"orders.csv": text}), scope=SYSTEM)
    recognise_import(batch_id=batch_id, mapping=mapping_from_json(mapping))
    assert not plan_import(batch_id=batch_id).is_blocked
    apply_import(batch_id=batch_id, steps=Steps())
    assert list(Opportunity.objects.values_list("external_id", "amount", "currency_id")) == [
        ("SO2", 11, "EUR")
    ]
    assert {row: problem[1:] for row, problem in told(batch_id).items()} == {
        2: ("SO1", "belongs to an order of which another line is rejected", "ERROR"),
        3: ("EUR", "has another currency than the first line of its order; they make no sum", "ERROR"),
    }


KNOWN = frozenset(list_currencies())


@pytest.mark.parametrize(
    ("mark", "own", "others"),
    [
        ("$", "USD CAD MXN BRL", "EUR CHF JPY"), ("US$", "USD", "CAD EUR"), ("CA$", "CAD", "USD"), ("NT$", "TWD", "USD"),
        ("R$", "BRL", "USD"), ("€", "EUR", "USD CHF"), ("kr.", "DKK SEK NOK", "EUR USD"), ("Fr.", "CHF", "EUR"),
        ("¥", "JPY CNY", "USD"), ("CHF", "CHF", "EUR USD"), ("MX$", "MXN", "USD"), ("zł", "PLN", "EUR"),
    ],
)  # fmt: skip
def test_a_sign_means_its_currencies_and_no_others(mark: str, own: str, others: str) -> None:
    assert not any(is_of_another(mark, code, KNOWN) for code in own.split())
    assert all(is_of_another(mark, code, KNOWN) for code in others.split())


@pytest.mark.parametrize("mark", ["TL", "RM", "NIS", "NTD", "CFA", "LE", "RD$", "CAN$", "AUS$", "ARR", "net"])
def test_what_names_no_currency_says_nothing_of_it(mark: str) -> None:
    assert not any(is_of_another(mark, code, KNOWN) for code in KNOWN)
