"""The preview looks at every row that is read anew and says what writing it would do, by the same code that writes."""

from __future__ import annotations

import heapq

from django.db import connection

from opportunities.domain.import_plan import AmountChange
from opportunities.services.imports_decisions import Decision, decide, staged_rows
from opportunities.services.imports_prepare import Prepared
from opportunities.services.imports_references import load_keys
from opportunities.services.imports_writer import writer_for

CHUNK = 5_000
LARGEST = 20

_TELLS_NOTHING = """
UPDATE opportunities_importrow SET verdict = 'K' WHERE batch_id = %s AND role = 'D' AND key = ANY(%s) AND verdict = 'U'
"""


def settle_changes(prepared: Prepared) -> list[AmountChange]:
    """Among the rows that are not the ones last read, mark those that change nothing of their deal: their hash is
    noted, no more. Returns the largest changes of amount."""
    writer = writer_for(prepared, load_keys(prepared.mapping.source, are_to_come=True))
    largest: list[AmountChange] = []
    last = ""
    while rows := staged_rows(prepared.batch.pk, "verdict = 'U' AND key COLLATE \"C\" > %s", (last,), CHUNK):
        last = rows[-1]["key"]
        decisions = decide(writer, rows, lock=False)
        nothing = [d.row["key"] for d in decisions if d.outcome == "UNCHANGED"]
        with connection.cursor() as cursor:
            cursor.execute(_TELLS_NOTHING, [prepared.batch.pk, nothing])
        found = (change for change in map(_amount_change, decisions) if change is not None)
        largest = heapq.nlargest(LARGEST, [*largest, *found], key=lambda change: change.size)
    return largest


def _amount_change(decision: Decision) -> AmountChange | None:
    if decision.change is None or decision.outcome == "UNCHANGED":
        return None
    before, after = decision.change.former.state, decision.change.state
    if before["amount"] == after["amount"]:
        return None
    return AmountChange(
        decision.row["key"], after["name"], before["amount"], after["amount"], before["currency_id"],
        decision.row["line"],
    )  # fmt: skip
