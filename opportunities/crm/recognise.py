"""Which export is this? All presets, tried on the headers; what none explains is mapped by suggestion."""

from __future__ import annotations

from opportunities.crm import generic, hubspot, orders, other_crms, salesforce
from opportunities.crm.preset import FileHead, Preset
from opportunities.domain.import_mapping import ImportMapping

PRESETS: dict[str, Preset] = {
    preset.code: preset
    for preset in (
        salesforce.EXPORT,
        salesforce.REPORT,
        hubspot.EXPORT,
        hubspot.CONNECTOR,
        other_crms.DYNAMICS,
        other_crms.PIPEDRIVE,
        generic.PIPELINE,
        generic.CASE_LOG,
        generic.LEAD_LIST,
        orders.ORDERS,
        orders.OLTP,
    )
}


def recognise(heads: list[FileHead], code: str = "") -> ImportMapping | None:
    """The mapping of the best fitting preset (or of the named one), or None when no preset knows these files.

    Raises `KeyError` for a preset that does not exist.
    """
    candidates = [PRESETS[code]] if code else list(PRESETS.values())
    scored = [preset.recognise(heads) for preset in candidates]
    score, mapping = max(scored, key=lambda pair: pair[0])
    return mapping if score else None
