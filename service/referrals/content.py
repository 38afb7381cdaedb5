"""What the reader of a referral may see of its signal, and whether anybody there still needs to see it.

Pure: from a row of `reading.WHOLE`. What is shared of a signal is told by the places of its persons, so their version
is that of the row.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import Row

from service.pseudonyms.sealing import Sealer
from service.referrals.gathering import joined
from service.signals.models import ACTIVE

CLOSED_TO_READERS = frozenset({"RETURNED", "WITHDRAWN", "EXPIRED"})


def is_over(row: Row[Any], today: date) -> bool:
    """Whether nobody here needs to know any more what was reported.

    It was returned or withdrawn, its last day has passed, or the signal was corrected after this referral ended: what
    it says now is for whom it is referred to now.
    """
    moved_on = row.present_version != row.signal_version
    gone = row.signal_status != ACTIVE or row.remove_by < today
    return row.status in CLOSED_TO_READERS or moved_on or gone


def content_of(row: Row[Any], sealer: Sealer) -> dict[str, Any]:
    """For a contact point the signal, under which reference and why it came here; for a recipient what was shared."""
    persons = row.persons or "[]"
    if row.shared:
        return {"signal": _shared_of(row, orjson.loads(persons))}
    told: dict[str, Any] = {"persons": orjson.Fragment(persons)}
    if row.note:
        told["note"] = sealer.open_text(row.note, row.key_label, "note", row.signal_id)
    return {
        "partnerReference": sealer.open_text(
            row.partner_reference, row.key_label, "partner_reference", row.signal_id
        ),
        "decision": joined({"ruleSet": row.rule_set}, row.decided) if row.decided else None,
        "signal": joined(told, row.content),
    }


def _shared_of(row: Row[Any], persons: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Only the fields and persons that were shared; a person is told by its place."""
    fields, places = row.shared["fields"], row.shared["persons"]
    hidden = {name for name in ("municipality", "victimStatus") if name not in fields}
    shown = [
        {name: value for name, value in person.items() if name not in hidden}
        for place, person in enumerate(persons)
        if place in places
    ]
    whole = {**orjson.loads(row.content), "persons": shown}
    return {name: value for name, value in whole.items() if name in fields}
