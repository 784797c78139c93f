"""The sales processes and stages an import needs and nobody has yet: named in the preview, created by the run."""

from __future__ import annotations

from typing import Any

from opportunities.domain.import_mapping import Role
from opportunities.models import ImportRow
from opportunities.services.imports_prepare import Prepared


def processes_wanted(prepared: Prepared) -> dict[str, str]:
    """Names by key of the processes that deals, stages or the export's own list need, those already there included."""
    used = ImportRow.objects.filter(batch_id=prepared.batch.pk, role="D").values_list(
        "payload__state__process", flat=True
    )
    keys = {*used.distinct(), *(spec.process for spec in prepared.stages.values())}
    wanted = {key: key for key in keys if key and not key.startswith("#")}
    listed = prepared.references[Role.PROCESS].created if Role.PROCESS in prepared.references else {}
    return wanted | {key: str(record.values.get("name", key)) for key, record in listed.items()}


def new_processes(prepared: Prepared) -> list[dict[str, Any]]:
    """What is to be created: every process with its new stages in order, each as it will be."""
    known, wanted = prepared.known.records, processes_wanted(prepared)
    labels = prepared.known.refs.of(Role.PROCESS).labels
    found: dict[str, dict[str, Any]] = {
        key: {"name": name, "is_new": True, "stages": []}
        for key, name in sorted(wanted.items())
        if key not in known.get(Role.PROCESS, {})
    }
    for key, spec in sorted(prepared.stages.items(), key=lambda item: item[1].position):
        if key in known.get(Role.STAGE, {}):
            continue
        name = labels.get(spec.process, spec.process)
        process = found.setdefault(spec.process, {"name": name, "is_new": False, "stages": []})
        process["stages"].append(
            {"name": spec.name, "category": spec.category, "probability": str(spec.probability_given)}
        )
    return list(found.values())
