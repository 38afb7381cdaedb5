"""A referral with all that its reader may see, as JSON values; in a fixed number of statements, however many.

Plain rows and dictionaries: as models of the ORM and of pydantic a page of fifty cost more than twice the CPU. The
shapes are those of `reads.ReferralRead`, to which the tests of the contract hold them. Called by this room's queries.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, Select, Text, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock
from service.organisations.models import Organisation
from service.pseudonyms.models import SealedSignal
from service.pseudonyms.sealing import Sealer
from service.referrals.content import content_of, is_over
from service.referrals.correspondence import questions_of
from service.referrals.gathering import Gathering, as_objects, without_nothing
from service.referrals.models import PRIORITIES, Referral, ReferralEscalation, ReferralStep
from service.routing.models import SignalDecision
from service.signals.models import Signal, SignalPerson
from service.wire import on_the_wire

PERSON = {
    "role": "role",
    "ageBand": "age_band",
    "gender": "gender",
    "municipality": "municipality",
    "victimStatus": "victim_status",
}

_referral, _signal, _organisation = Referral.__table__, Signal.__table__, Organisation.__table__
_person, _step, _decision = SignalPerson.__table__, ReferralStep.__table__, SignalDecision.__table__
_sealed, _escalation = SealedSignal.__table__, ReferralEscalation.__table__
_parent, _holder, _forwarder = (
    _referral.alias("parent"),
    _organisation.alias("holder"),
    _organisation.alias("forwarder"),
)

COLUMNS = (
    "id",
    "signal_id",
    "signal_version",
    "parent_id",
    "returned_from_id",
    "status",
    "version",
    "priority",
    "received_at",
    "due_on",
    "lease_until",
    "assigned_to",
    "decided_at",
    "outcome",
    "shared",
)

_of_signal = select(_person).where(_person.c.signal_id == _signal.c.id).correlate(_signal)
_in_order = _of_signal.order_by(_person.c.position).subquery()
# Made once: building a statement costs as much as running it.
# A referral, its signal and the persons are read in one statement, of one moment: who is shared is told by place.
# Organisations are looked up apart: joined too, planning took PostgreSQL longer than all the rest of the page.
WHOLE: Select[Any] = select(
    *(_referral.c[name] for name in COLUMNS),
    _signal.c.organisation_id.label("reporter_id"),
    _signal.c.status.label("signal_status"),
    _signal.c.version.label("present_version"),
    _signal.c.remove_by,
    cast(_signal.c.content, Text).label("content"),
    select(as_objects({name: _in_order.c[column] for name, column in PERSON.items()}))
    .select_from(_in_order)
    .scalar_subquery()
    .label("persons"),
    _decision.c.rule_set,
    cast(_decision.c.outcome, Text).label("decided"),
    _sealed.c.key_label,
    _sealed.c.note,
    _sealed.c.partner_reference,
).select_from(
    _referral.join(_signal, _signal.c.id == _referral.c.signal_id)
    .outerjoin(
        _decision,
        (_decision.c.signal_id == _referral.c.signal_id)
        & (_decision.c.signal_version == _referral.c.signal_version),
    )
    .outerjoin(_sealed, _sealed.c.signal_id == _referral.c.signal_id)
)
_with_its_holder = _referral.join(_holder, _holder.c.id == _referral.c.organisation_id)
_ORGANISATIONS = Gathering(
    _organisation.c.id,
    select(*(_organisation.c[name] for name in ("id", "name", "type", "function", "phone"))),
    order=(_organisation.c.id,),
)
_FORWARDERS = Gathering(
    _referral.c.id,
    select(_referral.c.id, _holder.c.name).select_from(_with_its_holder),
    order=(_referral.c.id,),
)
_STEPS = Gathering(
    _step.c.referral_id,
    select(*(_step.c[name] for name in ("referral_id", "at", "move", "status", "actor", "detail"))),
    order=(_step.c.referral_id, _step.c.version),
)
_CHILDREN = Gathering(
    _referral.c.parent_id,
    select(
        *(
            _referral.c[name]
            for name in ("parent_id", "id", "status", "outcome", "due_on", "organisation_id")
        ),
        _holder.c.name,
        _holder.c.type,
        _step.c.detail.label("reason"),
    ).select_from(
        _with_its_holder.outerjoin(
            _step, (_step.c.referral_id == _referral.c.id) & (_step.c.move == "return")
        )
    ),
    order=(_referral.c.id,),
)
_ESCALATIONS = Gathering(
    _escalation.c.referral_id, select(_escalation), order=(_escalation.c.at, _escalation.c.rung)
)


async def read_all(session: AsyncSession, sealer: Sealer, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Rows of `WHOLE` as `ReferralRead`, in their order; six more statements at most.

    What the rows themselves say is not there is not looked for.
    """
    today = clock.local_day(clock.now())
    over = {row.id for row in rows if is_over(row, today)}
    named = await _ORGANISATIONS.rows(session, {row.reporter_id for row in rows if not row.shared})
    reporters = {one.id: _reporter(one) for one in named}
    forwarders = await _FORWARDERS.of(session, {row.parent_id for row in rows if row.shared})
    steps = await _STEPS.of(session, [row.id for row in rows if row.version > 1])
    moves = {id_: {step.move for step in its} for id_, its in steps.items()}
    children = await _CHILDREN.of(session, [id_ for id_, its in moves.items() if "forward" in its])
    asked = {row.signal_id for row in rows if _may_have_questions(row, moves.get(row.id, ()))}
    questions = await questions_of(session, sealer, asked)
    late = [row.id for row in rows if row.due_on < today or row.decided_at is not None]
    escalations = await _ESCALATIONS.of(session, late)
    return [
        without_nothing(
            {
                **_its_own(row),
                **(
                    {"forwardedBy": forwarders[row.parent_id][0].name}
                    if row.shared
                    else {"reporter": reporters[row.reporter_id]}
                ),
                **({} if row.id in over else content_of(row, sealer)),
                "children": [_child(child) for child in children[row.id]],
                "questions": [] if row.id in over or row.shared else questions.get(row.signal_id, []),
                "escalations": [_climbed(one) for one in escalations[row.id]],
                "history": [_told_step(step) for step in steps[row.id]],
            }
        )
        for row in rows
    ]


def _may_have_questions(row: Row[Any], moves: Collection[str]) -> bool:
    """It was asked about here, or by who had it before: before a return, or before a correction sent it elsewhere."""
    return row.returned_from_id is not None or row.signal_version > 1 or "ask" in moves


def _its_own(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "version": row.version,
        "priority": PRIORITIES[row.priority],
        "receivedAt": on_the_wire(row.received_at),
        "dueOn": row.due_on,
        "leaseUntil": row.lease_until and on_the_wire(row.lease_until),
        "assignedTo": row.assigned_to,
        "outcome": row.outcome,
        "parent": row.parent_id,
        "returnedFrom": row.returned_from_id,
    }


def _reporter(organisation: Row[Any]) -> dict[str, Any]:
    """Whom to phone: for the contact point; a recipient hears who forwarded it, not who reported."""
    return without_nothing(
        {
            "organisation": organisation.name,
            "type": organisation.type,
            "function": organisation.function,
            "phone": organisation.phone,
        }
    )


def _child(row: Row[Any]) -> dict[str, Any]:
    return without_nothing(
        {
            "id": row.id,
            "organisation": row.name,
            "type": row.type,
            "status": row.status,
            "dueOn": row.due_on,
            "outcome": row.outcome,
            "reason": row.reason,
        }
    )


def _climbed(row: Row[Any]) -> dict[str, Any]:
    return {"at": on_the_wire(row.at), "dueOn": row.due_on, "reader": row.reader}


def _told_step(row: Row[Any]) -> dict[str, Any]:
    return without_nothing(
        {
            "at": on_the_wire(row.at),
            "move": row.move,
            "status": row.status,
            "actor": row.actor,
            "detail": row.detail,
        }
    )
