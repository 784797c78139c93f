"""HubSpot: exports with deal and company in one row, and the tables a data connector writes."""

from __future__ import annotations

from opportunities.crm.preset import FilePattern, Preset, extract, stages
from opportunities.domain.import_mapping import ColumnMap, ImportMapping, Role

DEFAULT_STAGES = stages(
    ("Appointment Scheduled", "OPEN", "PIPELINE", "20"),
    ("Qualified to Buy", "OPEN", "PIPELINE", "40"),
    ("Presentation Scheduled", "OPEN", "PIPELINE", "60"),
    ("Decision Maker Bought-In", "OPEN", "UPSIDE", "80"),
    ("Contract Sent", "OPEN", "COMMIT", "90"),
    ("Closed Won", "WON", "WON", "100"),
    ("Closed Lost", "LOST", "LOST", "0"),
)
"""HubSpot's own default pipeline; other names are asked."""

EXPORT = Preset(
    "hubspot",
    "HubSpot export",
    (
        FilePattern(
            needs=("deal_stage", "deal_pipeline", "deal_name"),
            extracts=(
                extract(Role.ACCOUNT, name="company_name", domain="company_domain", optional=True),
                extract(
                    Role.OPPORTUNITY,
                    external_id="deal_id",
                    name="deal_name",
                    account="company_name",
                    owner="deal_owner_name|contact_owner_name",
                    process="deal_pipeline",
                    stage="deal_stage",
                    amount="deal_amount_usd|deal_amount",
                    created_at="deal_create_date",
                    close_date="deal_close_date",
                    lead_source="contact_lead_source",
                ),
            ),
        ),
        FilePattern(
            needs=("Deal Name", "Deal Stage", "Pipeline"),
            extracts=(
                extract(Role.ACCOUNT, name="Associated Company|Associated Company (Primary)", optional=True),
                extract(
                    Role.OPPORTUNITY,
                    external_id="Record ID|Deal ID|Record ID - Deal",
                    name="Deal Name",
                    account="Associated Company|Associated Company (Primary)",
                    owner="Deal owner|Deal Owner",
                    process="Pipeline",
                    stage="Deal Stage",
                    amount="Amount",
                    currency="Currency",
                    probability=ColumnMap("Deal probability|Deal Probability", scale="100"),
                    close_date="Close Date",
                    created_at="Create Date",
                    changed_at="Last Modified Date",
                    next_step="Next step",
                    deal_type="Deal Type",
                    forecast_category="Forecast category",
                ),
            ),
        ),
    ),
    ImportMapping(
        stages=DEFAULT_STAGES,
        process="HubSpot",
        statements=(
            "Deals are won or lost by their stage name.",
            "The owner of the contact is taken as owner of the deal where the export has no deal owner.",
            "A deal decided without a close date counts as decided from the import on; no date is invented.",
        ),
    ),
)

CONNECTOR = Preset(
    "hubspot-connector",
    "HubSpot connector tables",
    (
        FilePattern(
            needs=("deal_id", "property_dealname", "deal_pipeline_stage_id"),
            extracts=(
                extract(
                    Role.OPPORTUNITY,
                    external_id="deal_id",
                    name="property_dealname",
                    owner="owner_id",
                    process="deal_pipeline_id",
                    stage="deal_pipeline_stage_id",
                    amount="property_amount",
                    close_date="property_closedate",
                    created_at="property_createdate",
                    is_deleted="is_deleted",
                ),
            ),
        ),
        FilePattern(
            needs=("deal_id", "date_entered", "value", "_fivetran_start"),
            extracts=(extract(Role.STAGE_HISTORY, deal="deal_id", stage="value", entered_at="date_entered"),),
        ),
        FilePattern(
            needs=("stage_id", "pipeline_id", "closed_won", "is_closed"),
            extracts=(
                extract(
                    Role.STAGE,
                    external_id="stage_id",
                    name="label",
                    process="pipeline_id",
                    position="display_order",
                    probability=ColumnMap("probability", scale="100"),
                    is_closed="is_closed",
                    is_won="closed_won",
                    is_deleted="_fivetran_deleted",
                ),
            ),
        ),
        FilePattern(
            needs=("pipeline_id", "label", "display_order", "active"),
            extracts=(
                extract(
                    Role.PROCESS, external_id="pipeline_id", name="label", is_deleted="_fivetran_deleted"
                ),
            ),
        ),
        FilePattern(
            needs=("owner_id", "email", "first_name", "last_name"),
            extracts=(
                extract(
                    Role.PERSON,
                    external_id="owner_id",
                    first_name="first_name",
                    last_name="last_name",
                    email="email",
                ),
            ),
        ),
        FilePattern(
            needs=("id", "property_name", "property_industry"),
            extracts=(
                extract(
                    Role.ACCOUNT,
                    external_id="id",
                    name="property_name",
                    industry="property_industry",
                    country="property_country",
                    region="property_state",
                    city="property_city",
                    annual_revenue="property_annualrevenue",
                    is_deleted="is_deleted",
                ),
            ),
        ),
        FilePattern(
            needs=("deal_id", "merged_deal_id"),
            extracts=(extract(Role.MERGED, deal="deal_id", merged="merged_deal_id"),),
        ),
    ),
    ImportMapping(
        time_zone="UTC",
        process="HubSpot",
        statements=(
            "Stamps without offset are UTC, as the connector writes them.",
            "Stages, outcomes and probabilities are those of the connector's stage table.",
            "A stage entry whose deal is not in the export is reported, not imported.",
        ),
    ),
)
