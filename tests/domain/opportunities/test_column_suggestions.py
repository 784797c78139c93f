"""What real exports call their columns, and the field each is taken for. Every header is asked alone, so that no
other column takes its field away."""

from __future__ import annotations

import pytest

from opportunities.crm.header_words import HEADER_WORDS
from opportunities.crm.preset import FileHead
from opportunities.crm.suggest import suggest_columns, suggest_file
from opportunities.domain.import_mapping import Role

DEALS = {
    "external_id": (
        "Deal No", "Deal No.", "Deal Number", "Deal #", "Deal#", "Opp ID", "OpportunityId", "Opportunity ID", "DealID",
        "deal_id", "Record ID", "CRM ID", "Reference", "Opp. Ref",
    ),
    "name": ("Deal Name", "Opportunity Name", "Opp Name", "Deal", "Title", "Topic", "Bezeichnung", "Verkaufschance"),
    "account": ("Account", "Account Name", "Acct Name", "Company", "Customer", "Client Name", "Organisation", "Kunde",
                "Firma", "Unternehmen"),
    "owner": (
        "Owner", "Deal Owner", "Opp Owner", "Opportunity Owner: Full Name", "OwnerId", "Seller", "Sales Rep",
        "Sales Rep.", "Rep", "Rep Name", "Account Exec", "Account Executive", "AE", "Salesperson", "Sales Person",
        "Assigned To", "Inhaber", "Verantwortlicher", "Zuständig", "Vertriebsmitarbeiter",
    ),
    "process": ("Pipeline", "Sales Process", "Opportunity Record Type"),
    "stage": ("Stage", "StageName", "Deal Stage", "Sales Stage", "Pipeline Stage", "Current Stage", "Phase",
              "Verkaufsphase", "Deal_Stage__c"),
    "outcome": ("Status", "Outcome", "Deal Status", "Won/Lost"),
    "amount": (
        "Amount", "Amount (USD)", "Amount in EUR", "Amt", "Value", "Deal Value", "Deal Value, $", "Deal Value (€)",
        "Opportunity Amount", "Deal Size", "ACV", "TCV", "ARR", "Annual Contract Value", "Total Contract Value",
        "Est. Revenue", "Contract Value", "Betrag", "Betrag in €", "Auftragswert", "Umsatz", "Volumen", "Ammount",
    ),
    "currency": ("Currency", "Deal Currency", "Currency Code", "Währung"),
    "probability": ("Probability", "Probability (%)", "Prob. %", "Win Probability", "Win %", "Confidence",
                    "Wahrscheinlichkeit", "Wahrscheinlichkeit (%)"),
    "close_date": ("Close Date", "CloseDate", "Closed Date", "Closing Date", "Date Closed", "Actual Close Date",
                   "Abschlussdatum", "Closse Date"),
    "expected_close_date": (
        "Expected Close", "Expected Close Date", "Exp. Close Date", "Est. Close Date", "Estimated Close",
        "Forecast Close Date", "Target Close Date", "Voraussichtlicher Abschluss", "Voraussichtliches Abschlussdatum",
    ),
    "started_on": ("Start Date", "Open Date", "Opened"),
    "created_at": ("Created", "Created Date", "Create Date", "Created On", "Deal created", "Date Added", "Erstellt am"),
    "changed_at": ("Last Modified Date", "Modified On", "Last Updated", "Zuletzt geändert"),
    "next_step": ("Next Step", "Next steps", "Nächster Schritt"),
    "deal_type": ("Type", "Deal Type", "Opportunity Type"),
    "lead_source": ("Lead Source", "Source", "Deal Source", "Quelle"),
    "forecast_category": ("Forecast Category", "Forecast"),
    "product": ("Product", "Product Name", "Produkt"),
    "territory": ("Territory", "Region", "Sales Region", "Gebiet", "Vertriebsgebiet"),
    "is_closed": ("Closed?", "IsClosed"),
    "is_won": ("Won?", "IsWon"),
}  # fmt: skip
OTHERS = {
    (Role.ACCOUNT, "external_id"): ("Account Number", "Customer No", "Kundennummer"),
    (Role.ACCOUNT, "postal_code"): ("Zip Code", "Postcode", "PLZ"),
    (Role.ACCOUNT, "employees"): ("Employees", "Employee Count", "Mitarbeiter"),
    (Role.PERSON, "email"): ("Email", "E-Mail", "Email Address"),
    (Role.PERSON, "manager"): ("Manager", "Reports To", "Vorgesetzter"),
    (Role.QUOTA, "amount"): ("Quota", "Target", "Quota Amount"),
    (Role.MEMBERSHIP, "last_date"): ("End Date", "Valid to", "Until"),
}
NO_FIELD_OF_A_DEAL = (
    "Account Number", "Billing City", "Closed By", "Colour", "Company Size", "Competitor", "Contact Name",
    "Created By", "Customer Since", "Customer Type", "Days in Stage", "Deal Age", "Deal Score", "Discount", "Email",
    "Expected Revenue", "Fiscal Year", "First Name", "Forecast Amount", "Kontakt", "Last Activity Date", "Last Name",
    "Last Modified By", "Lead Name", "Letzte Aktivität", "List Price", "Lost Reason", "Lost Date", "Margin %",
    "Modified By", "Notes", "Number of Employees", "Phone Number", "Product Code", "Quantity", "Quote Number",
    "Rate", "Region Manager", "Stage Duration", "Tags", "Weighted Amount", "Weighted Value (EUR)", "Win Reason", "",
    "-", "#1", "%%", "Spalte1", "Unnamed: 0",
)  # fmt: skip


def taken_for(role: Role, header: str) -> list[str]:
    return [suggestion.field for suggestion in suggest_columns(role, (header,))]


@pytest.mark.parametrize(
    ("header", "field"), [(header, field) for field, headers in DEALS.items() for header in headers]
)
def test_a_column_of_deals(header: str, field: str) -> None:
    assert taken_for(Role.OPPORTUNITY, header) == [field]


def test_every_known_name_is_found_by_itself_and_surely() -> None:
    for role, fields in HEADER_WORDS.items():
        for field, words in fields.items():
            for word in words:
                found = [(s.field, s.confidence >= 0.95) for s in suggest_columns(role, (word,))]
                assert found == [(field, True)], (role, word)


@pytest.mark.parametrize(
    ("role", "header", "field"),
    [(role, header, field) for (role, field), headers in OTHERS.items() for header in headers],
)
def test_a_column_of_another_list(role: Role, header: str, field: str) -> None:
    assert taken_for(role, header) == [field]


@pytest.mark.parametrize("header", NO_FIELD_OF_A_DEAL)
def test_a_column_that_is_no_field_of_a_deal(header: str) -> None:
    assert taken_for(Role.OPPORTUNITY, header) == []


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            ("Deal No", "Title", "Customer", "Seller", "Phase", "Value", "Expected close"),
            {"external_id": "Deal No", "name": "Title", "account": "Customer", "owner": "Seller", "stage": "Phase",
             "amount": "Value", "expected_close_date": "Expected close"},
        ),
        (
            ("Nr.", "Verkaufschance", "Kunde", "Inhaber", "Phase", "Betrag", "Abschlussdatum", "Wahrscheinlichkeit"),
            {"external_id": "Nr.", "name": "Verkaufschance", "account": "Kunde", "owner": "Inhaber", "stage": "Phase",
             "amount": "Betrag", "close_date": "Abschlussdatum", "probability": "Wahrscheinlichkeit"},
        ),
        (
            ("Opportunity", "Opp ID", "Close Date", "Expected Close", "Total", "Amount", "Account Owner", "Opp Owner",
             "Description", "Created By", "Created Date"),
            {"external_id": "Opp ID", "name": "Opportunity", "close_date": "Close Date", "amount": "Amount",
             "expected_close_date": "Expected Close", "owner": "Opp Owner", "created_at": "Created Date"},
        ),
    ],
)  # fmt: skip
def test_whole_headers_find_their_best_columns(header: tuple[str, ...], expected: dict[str, str]) -> None:
    found = {suggestion.field: suggestion.column for suggestion in suggest_columns(Role.OPPORTUNITY, header)}
    assert found == expected


@pytest.mark.parametrize(
    ("header", "role"),
    [
        (("Deal No", "Title", "Seller", "Phase", "Value"), Role.OPPORTUNITY),
        (("Rep", "Territory", "Start Date", "End Date"), Role.MEMBERSHIP),
        (("Rep", "Quarter", "Quota"), Role.QUOTA),
        (("Deal", "Owner", "Territory", "Start Date", "Stage"), Role.OPPORTUNITY),
    ],
)
def test_what_a_file_is(header: tuple[str, ...], role: Role) -> None:
    mapping = suggest_file(FileHead("x.csv", header))
    assert mapping is not None
    assert mapping.extracts[-1].role is role


def test_a_mistyped_header_is_less_sure_than_a_known_one() -> None:
    sure, unsure = (
        suggest_columns(Role.OPPORTUNITY, (header,))[0].confidence for header in ("Volumen", "Ammount")
    )
    assert sure >= 0.95 > unsure
