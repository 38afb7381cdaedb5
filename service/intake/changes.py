"""Correcting and withdrawing a signal: what spans signal, sealed side, decision, referral, trail and feed.

A correction is a whole new version, judged as a new signal would be, that counts as received when the first
was. One transaction; the signal is locked first, then its referrals.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, trail
from service.caller import Caller
from service.columns import new_id
from service.events.actions import announce, event
from service.events.models import EventType
from service.intake.actions import Intake
from service.intake.models import UNJUSTIFIED, SubmittedPerson, SubmittedSignal
from service.intake.registration import (
    decision_row,
    first_referral,
    person_rows,
    present_version,
    receipt,
    sealed_person_rows,
    submission_of,
)
from service.pseudonyms import actions as sealed_side
from service.pseudonyms.queries import tokens_of
from service.referrals.following import follow_correction, follow_withdrawal
from service.routing.actions import record_decisions
from service.signals.actions import keep_version, replace_version, signal_to_change, withdraw_signal
from service.signals.errors import NotActive
from service.signals.models import Signal, SignalPerson
from service.signals.queries import persons_of

ACTIVITY = "intake"


async def correct(
    session: AsyncSession,
    caller: Caller,
    *,
    intake: Intake,
    signal_id: UUID,
    version: int,
    submitted: SubmittedSignal,
) -> tuple[int, bytes]:
    """Put a new version in place of the present one; its number and its receipt as JSON.

    Raises `NotFound`, `PreconditionFailed`, `NotActive`, and what refuses a new signal.
    """
    signal = await signal_to_change(session, caller, signal_id=signal_id, version=version)
    if signal.remove_by < clock.local_day(clock.now()):
        raise NotActive
    judgement = await intake.judge(session, caller, submitted, received_at=signal.received_at)
    submission = submission_of(caller, new_id(), submitted)
    earlier = (await persons_of(session, [signal_id])).get(signal_id, ())
    rows = person_rows(signal_id, submitted.persons)
    seal = await intake.seal(session)
    before = await tokens_of(session, intake.sealer, [person.id for person in earlier])
    same = _same_persons(earlier, before, rows, submitted.persons)
    _carry_counts(earlier, rows, same)

    await keep_version(session, signal, earlier)
    await sealed_side.unseal(session, signal_id, [person.id for person in earlier])
    present = {**present_version(submission, judgement), "organisation_id": judgement.reporter_id}
    await replace_version(session, signal, present, rows)
    texts = {"note": submitted.note, "partner_reference": submitted.partner_reference}
    sealed = sealed_person_rows(seal, signal_id, rows, submitted.persons)
    await sealed_side.seal(session, sealed, seal.signal_row(signal_id, **texts))
    await record_decisions(session, [decision_row(signal_id, signal.version, judgement)])
    referral = first_referral(signal_id, signal.version, judgement, signal.received_at)
    in_role = {old: new for old, new in same.items() if earlier[old].role == rows[new]["role"]}
    await follow_correction(session, caller, referral=referral, same_persons=in_role)
    await _record(session, caller, "correct", signal, ground=f"agreement:{judgement.agreement.id}")
    return signal.version, receipt(signal_id, submission.body_digest, judgement, signal.received_at)


async def withdraw(
    session: AsyncSession, caller: Caller, *, signal_id: UUID, version: int, reason: str
) -> None:
    """Withdraw a signal and end its open referral; raises `NotFound`, `PreconditionFailed`, `NotActive`."""
    signal = await signal_to_change(session, caller, signal_id=signal_id, version=version)
    await withdraw_signal(session, signal, reason=reason, at_once=reason == UNJUSTIFIED)
    await follow_withdrawal(session, caller, signal_id=signal_id)
    await _record(session, caller, "withdraw", signal, ground=reason)


def _same_persons(
    earlier: Sequence[SignalPerson],
    before: Mapping[UUID, frozenset[str]],
    rows: Sequence[Mapping[str, Any]],
    persons: Sequence[SubmittedPerson],
) -> dict[int, int]:
    """From the places of earlier persons to those of the same persons now.

    The same is who shares a token, in the same role where there is one; of those without a token who stands
    at the same place in the same role.
    """
    same: dict[int, int] = {}
    for place, person in enumerate(earlier):
        tokens = before.get(person.id, frozenset())
        fitting = [new for new, one in enumerate(persons) if tokens.intersection(one.tokens)]
        if not tokens and place < len(rows) and not persons[place].tokens:
            fitting = [place] if rows[place]["role"] == person.role else []
        in_role = [new for new in fitting if rows[new]["role"] == person.role]
        if fitting:
            same[place] = (in_role or fitting)[0]
    return same


def _carry_counts(
    earlier: Sequence[SignalPerson], rows: Sequence[dict[str, Any]], same: Mapping[int, int]
) -> None:
    """Who was counted stays counted, or would be counted twice."""
    counted: dict[int, date] = {
        new: person.counted_on for old, new in same.items() if (person := earlier[old]).counted_on is not None
    }
    for place, row in enumerate(rows):
        row["counted_on"] = counted.get(place)


async def _record(session: AsyncSession, caller: Caller, act: str, signal: Signal, *, ground: str) -> None:
    entry = trail.entry(caller.who, f"signal.{act}", ACTIVITY, "signal", signal.id, ground=ground)
    await trail.append(session, [entry])
    told: EventType = "signal.corrected" if act == "correct" else "signal.withdrawn"
    path = f"/v1/signals/{signal.id}"
    await announce(session, [event(told, path, signal.organisation_id, clock.now(), audience="reporter")])
