"""Finance and auditors check conversions: they read exchange rates, and neither record them nor see the rest of set-up."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from organization.domain.roles import Role
from tests.factories.organization import make_company, make_user, signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", [Role.FINANCE, Role.AUDITOR])
def test_who_checks_conversions_reads_rates_and_no_more(role: Role) -> None:
    make_company(rates=(("EUR", dt.date(2026, 1, 1), Decimal("1.1")),))
    client = signed_in(make_user(role))
    page = client.get(reverse("organization:setup_rates"))
    text = page.content.decode()
    assert "1.1" in text
    assert page.context["currency_uses"] == [], (
        "how many deals of others are in a currency is not theirs to know"
    )
    assert reverse("organization:setup_rate_new") not in text
    assert reverse("organization:setup_company") not in text
    assert 'href="/setup/rates/"' in client.get(reverse("organization:account")).content.decode(), (
        "in the navigation"
    )
    for name in ("setup_rate_new", "setup_rates_import", "setup_company"):
        assert client.get(reverse(f"organization:{name}")).status_code == 403
    fields = {"currency": "EUR", "from_date": "2026-02-01", "rate": "1.2"}
    assert client.post(reverse("organization:setup_rate_new"), fields).status_code == 403


def test_others_find_one_entry_and_the_whole_page() -> None:
    make_company(rates=(("EUR", dt.date(2026, 1, 1), Decimal("1.1")),))
    text = signed_in(make_user(Role.OPS)).get(reverse("organization:setup_rates")).content.decode()
    assert reverse("organization:setup_rate_new") in text
    assert "Exchange rates</span>" not in text
    assert signed_in(make_user(Role.REP)).get(reverse("organization:setup_rates")).status_code == 403
