"""Microsoft Dynamics 365 and Pipedrive exports."""

from __future__ import annotations

from opportunities.crm.preset import FilePattern, Preset, extract
from opportunities.domain.import_mapping import ImportMapping, Role

DYNAMICS = Preset(
    "dynamics",
    "Dynamics 365 export",
    (
        FilePattern(
            needs=("Topic", "Status", "Est. Close Date"),
            extracts=(
                extract(Role.ACCOUNT, name="Potential Customer|Account", optional=True),
                extract(
                    Role.OPPORTUNITY,
                    external_id="(Do Not Modify) Opportunity|Opportunity",
                    name="Topic",
                    account="Potential Customer|Account",
                    owner="Owner",
                    stage="Pipeline Phase|Sales Stage|Process Stage",
                    outcome="Status",
                    amount="Est. Revenue|Est. revenue",
                    currency="Currency",
                    probability="Probability",
                    close_date="Actual Close Date",
                    expected_close_date="Est. Close Date",
                    created_at="Created On",
                    changed_at="(Do Not Modify) Modified On|Modified On",
                    lead_source="Lead Source",
                ),
            ),
        ),
    ),
    ImportMapping(
        process="Dynamics",
        statements=(
            "The outcome is the Status column (Open, Won, Lost); the pipeline phase says where the deal stood.",
            "The close date is the actual one, and the estimated one while there is none.",
        ),
    ),
)

PIPEDRIVE = Preset(
    "pipedrive",
    "Pipedrive export",
    (
        FilePattern(
            needs=("Deal - Title", "Deal - Stage", "Deal - Status"),
            extracts=(
                extract(Role.ACCOUNT, name="Deal - Organization|Organization - Name", optional=True),
                extract(
                    Role.OPPORTUNITY,
                    external_id="Deal - ID",
                    name="Deal - Title",
                    account="Deal - Organization|Organization - Name",
                    owner="Deal - Owner",
                    process="Deal - Pipeline",
                    stage="Deal - Stage",
                    outcome="Deal - Status",
                    amount="Deal - Value",
                    currency="Deal - Currency of Value|Deal - Currency",
                    probability="Deal - Probability",
                    close_date="Deal - Deal closed on|Deal - Won time|Deal - Lost time",
                    expected_close_date="Deal - Expected close date",
                    created_at="Deal - Deal created",
                    changed_at="Deal - Update time",
                    stage_entered_at="Deal - Last stage change",
                    lead_source="Deal - Source channel|Deal - Label",
                ),
            ),
        ),
        FilePattern(
            needs=("ID", "Title", "Stage", "Status", "Organization"),
            extracts=(
                extract(Role.ACCOUNT, name="Organization", optional=True),
                extract(
                    Role.OPPORTUNITY,
                    external_id="ID",
                    name="Title",
                    account="Organization",
                    owner="Owner",
                    process="Pipeline",
                    stage="Stage",
                    outcome="Status",
                    amount="Value",
                    currency="Currency",
                    probability="Probability",
                    close_date="Deal closed on",
                    expected_close_date="Expected close date",
                    created_at="Deal created",
                ),
            ),
        ),
    ),
    ImportMapping(
        process="Pipedrive",
        statements=(
            "The outcome is the Status column; the stage says where the deal stood when it was decided.",
        ),
    ),
)
