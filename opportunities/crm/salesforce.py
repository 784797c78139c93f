"""Salesforce: the weekly data export (one CSV per object) and reports saved as CSV or XLSX."""

from __future__ import annotations

from opportunities.crm.preset import FilePattern, Preset, extract, stages
from opportunities.domain.import_mapping import ImportMapping, Role

EMPTY_LOOKUP = ("000000000000000AAA", "000000000000000")

STANDARD_STAGES = stages(
    ("Prospecting", "OPEN", "PIPELINE", "10"),
    ("Qualification", "OPEN", "PIPELINE", "10"),
    ("Needs Analysis", "OPEN", "PIPELINE", "20"),
    ("Value Proposition", "OPEN", "PIPELINE", "50"),
    ("Id. Decision Makers", "OPEN", "PIPELINE", "60"),
    ("Perception Analysis", "OPEN", "PIPELINE", "70"),
    ("Proposal/Price Quote", "OPEN", "PIPELINE", "75"),
    ("Negotiation/Review", "OPEN", "PIPELINE", "90"),
    ("Closed Won", "WON", "WON", "100"),
    ("Closed Lost", "LOST", "LOST", "0"),
)
"""The stages every Salesforce organisation starts with. An export's own flags take precedence over these."""

_OPPORTUNITY = FilePattern(
    needs=("Id", "Name", "StageName", "CloseDate", "IsWon"),
    extracts=(
        extract(
            Role.OPPORTUNITY,
            blanks=EMPTY_LOOKUP,
            external_id="Id",
            name="Name",
            account="AccountId",
            owner="OwnerId",
            stage="StageName",
            amount="Amount",
            currency="CurrencyIsoCode",
            probability="Probability",
            close_date="CloseDate",
            created_at="CreatedDate",
            changed_at="LastModifiedDate",
            stage_entered_at="LastStageChangeDate",
            next_step="NextStep",
            deal_type="Type",
            lead_source="LeadSource",
            forecast_category="ForecastCategory",
            is_closed="IsClosed",
            is_won="IsWon",
            is_deleted="IsDeleted",
        ),
    ),
)
_HISTORY = FilePattern(
    needs=("OpportunityId", "StageName", "CreatedDate", "CloseDate"),
    extracts=(
        extract(
            Role.STAGE_HISTORY,
            blanks=EMPTY_LOOKUP,
            deal="OpportunityId",
            stage="StageName",
            entered_at="CreatedDate",
            amount="Amount",
            close_date="CloseDate",
            probability="Probability",
            forecast_category="ForecastCategory",
            is_deleted="IsDeleted",
        ),
    ),
)
_ACCOUNT = FilePattern(
    needs=("Id", "Name", "BillingCity", "Industry"),
    extracts=(
        extract(
            Role.ACCOUNT,
            blanks=EMPTY_LOOKUP,
            external_id="Id",
            name="Name",
            industry="Industry",
            country="BillingCountry",
            region="BillingState",
            city="BillingCity",
            postal_code="BillingPostalCode",
            employees="NumberOfEmployees",
            annual_revenue="AnnualRevenue",
            parent="ParentId",
            owner="OwnerId",
            kind="Type",
            is_deleted="IsDeleted",
        ),
    ),
)
_USER = FilePattern(
    needs=("Id", "Username", "LastName"),
    extracts=(
        extract(
            Role.PERSON,
            blanks=EMPTY_LOOKUP,
            external_id="Id",
            name="Name",
            first_name="FirstName",
            last_name="LastName",
            email="Email",
            title="Title",
            manager="ManagerId",
            is_active="IsActive",
        ),
    ),
)
_PRODUCT = FilePattern(
    needs=("Id", "Name", "ProductCode", "Family"),
    extracts=(
        extract(
            Role.PRODUCT,
            blanks=EMPTY_LOOKUP,
            external_id="Id",
            name="Name",
            family="Family",
            is_active="IsActive",
            is_deleted="IsDeleted",
        ),
    ),
)

EXPORT = Preset(
    "salesforce",
    "Salesforce data export",
    (_OPPORTUNITY, _HISTORY, _ACCOUNT, _USER, _PRODUCT),
    ImportMapping(
        stages=STANDARD_STAGES,
        time_zone="UTC",
        process="Salesforce",
        statements=(
            "Stamps without offset are UTC, as Salesforce exports them.",
            "Whether a deal is won, lost or open is read from IsClosed and IsWon, never from FiscalYear or "
            "ExpectedRevenue.",
            "A deal that was reopened or reversed counts once, by its last state; its history keeps every state.",
            "000000000000000AAA means: no record.",
        ),
    ),
)

REPORT = Preset(
    "salesforce-report",
    "Salesforce report",
    (
        FilePattern(
            needs=("Opportunity Name", "Stage", "Close Date"),
            extracts=(
                extract(Role.ACCOUNT, external_id="Account ID", name="Account Name", optional=True),
                extract(Role.PRODUCT, name="Product|Product Name", optional=True),
                extract(
                    Role.OPPORTUNITY,
                    external_id="Opportunity ID|Opportunity Id|Opportunity ID (18)",
                    name="Opportunity Name",
                    account="Account ID|Account Name",
                    owner="Opportunity Owner|Owner",
                    process="Opportunity Record Type|Record Type",
                    stage="Stage",
                    product="Product|Product Name",
                    amount="Amount|Amount (converted)",
                    currency="Amount Currency|Opportunity Currency|Currency",
                    probability="Probability (%)|Probability",
                    close_date="Close Date",
                    created_at="Created Date",
                    changed_at="Last Modified Date",
                    next_step="Next Step",
                    deal_type="Type",
                    lead_source="Lead Source",
                    forecast_category="Forecast Category",
                    is_closed="Closed",
                    is_won="Won",
                ),
            ),
        ),
    ),
    ImportMapping(
        stages=STANDARD_STAGES,
        source="salesforce",
        process="Salesforce",
        statements=("A report names owners and accounts by their names; names must be unique.",),
    ),
)
