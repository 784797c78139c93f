"""Formats of no particular CRM: a sales pipeline with its look-up lists, a case log with stage history, a
lead list."""

from __future__ import annotations

from opportunities.crm.preset import FilePattern, Preset, extract, stages
from opportunities.domain.import_mapping import ColumnMap, ImportMapping, Role

PIPELINE = Preset(
    "sales-pipeline",
    "Sales pipeline with accounts, products and teams",
    (
        FilePattern(
            needs=("opportunity_id", "sales_agent", "deal_stage", "close_date"),
            extracts=(
                extract(
                    Role.OPPORTUNITY,
                    external_id="opportunity_id",
                    owner="sales_agent",
                    product="product",
                    account="account",
                    stage="deal_stage",
                    started_on="engage_date",
                    close_date="close_date",
                    amount="close_value",
                ),
            ),
        ),
        FilePattern(
            needs=("account", "sector", "revenue", "office_location"),
            extracts=(
                extract(
                    Role.ACCOUNT,
                    name="account",
                    industry="sector",
                    country="office_location",
                    employees="employees",
                    annual_revenue=ColumnMap("revenue", scale="1000000"),
                    parent="subsidiary_of",
                ),
            ),
        ),
        FilePattern(
            needs=("product", "sales_price"),
            extracts=(
                extract(Role.FAMILY, name="series", optional=True),
                extract(Role.PRODUCT, name="product", family="series", list_price="sales_price"),
            ),
        ),
        FilePattern(
            needs=("sales_agent", "manager", "regional_office"),
            extracts=(
                extract(
                    Role.TERRITORY, name="regional_office", kind=ColumnMap(constant="REGION"), optional=True
                ),
                extract(Role.PERSON, name="manager", territory="regional_office", optional=True),
                extract(Role.PERSON, name="sales_agent", manager="manager", territory="regional_office"),
            ),
        ),
    ),
    ImportMapping(
        stages=stages(
            ("Prospecting", "OPEN", "PIPELINE"),
            ("Engaging", "OPEN", "PIPELINE"),
            ("Won", "WON", "WON"),
            ("Lost", "LOST", "LOST"),
        ),
        currency="USD",
        process="Sales pipeline",
        start_stage="Engaging",
        territory_from_owner=True,
        statements=(
            "The engage date is the day a deal entered Engaging, and its start.",
            "A deal without engage date is known from the import on.",
            "A deal belongs to the region of its agent; the account's revenue is in millions.",
            "Open deals carry no amount; their list amount is the product's list price.",
        ),
    ),
)

_APPLICATION_STAGES = stages(
    ("A_SUBMITTED", "OPEN", "PIPELINE"),
    ("A_PARTLYSUBMITTED", "OPEN", "PIPELINE"),
    ("A_PREACCEPTED", "OPEN", "PIPELINE"),
    ("A_ACCEPTED", "OPEN", "UPSIDE"),
    ("A_FINALIZED", "OPEN", "COMMIT"),
    ("A_APPROVED", "WON", "WON"),
    ("A_REGISTERED", "WON", "WON"),
    ("A_ACTIVATED", "WON", "WON"),
    ("A_DECLINED", "LOST", "LOST"),
    ("A_CANCELLED", "LOST", "LOST"),
)

CASE_LOG = Preset(
    "case-log",
    "Cases with stage history",
    (
        FilePattern(
            needs=("case", "REG_DATE", "AMOUNT_REQ"),
            extracts=(
                extract(
                    Role.OPPORTUNITY,
                    external_id="case",
                    name="case",
                    created_at="REG_DATE",
                    amount="AMOUNT_REQ",
                ),
            ),
        ),
        FilePattern(
            needs=("case", "stage", "entered_at", "event_no"),
            extracts=(
                extract(
                    Role.STAGE_HISTORY,
                    where={"stage": tuple(rule.name for rule in _APPLICATION_STAGES)},
                    deal="case",
                    stage="stage",
                    entered_at="entered_at",
                    sequence="event_no",
                ),
            ),
        ),
    ),
    ImportMapping(
        stages=_APPLICATION_STAGES,
        currency="EUR",
        business_zone="Europe/Amsterdam",
        process="Loan applications",
        close_from_history=True,
        statements=(
            "Approved, registered and activated mean won; declined and cancelled mean lost; nothing of "
            "these means open.",
            "Only lines that begin with A_ are stages; quotes (O_) and work items (W_) are set aside.",
            "Events at the same instant follow each other as numbered in the file.",
            "The close date is the day of the first event of the outcome, in Amsterdam; amounts are euros.",
        ),
    ),
)

LEAD_LIST = Preset(
    "lead-list",
    "Lead-to-customer list",
    (
        FilePattern(
            needs=("Organization", "Lead acquisition date", "Status", "Stage", "Deal Value, $"),
            extracts=(
                extract(
                    Role.ACCOUNT,
                    name="Organization",
                    country="Country",
                    industry="Industry",
                    size="Organization size",
                ),
                extract(Role.PRODUCT, name="Product", optional=True),
                extract(
                    Role.OPPORTUNITY,
                    where={"Status": ("Opportunity",)},
                    name="Organization",
                    account="Organization",
                    owner="Owner",
                    product="Product",
                    stage="Stage",
                    amount="Deal Value, $",
                    probability="Probability, %",
                    close_date="Actual close date",
                    expected_close_date="Expected close date",
                    started_on="Lead acquisition date",
                ),
            ),
        ),
    ),
    ImportMapping(
        stages=stages(
            ("Opened", "OPEN", "PIPELINE"),
            ("Initial contact", "OPEN", "PIPELINE"),
            ("Nurturing", "OPEN", "PIPELINE"),
            ("Proposal sent", "OPEN", "UPSIDE"),
            ("Won", "WON", "WON"),
            ("Lost", "LOST", "LOST"),
        ),
        currency="USD",
        process="Leads",
        statements=(
            "Only rows with status Opportunity are deals; every row is an account.",
            "A deal starts on its lead acquisition date.",
            "The close date is the actual one, and the expected one where there is none, decided deals included.",
        ),
    ),
)
