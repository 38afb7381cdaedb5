"""Taking from a quota, and evaluating.

A quota holds for all processes together, so it is counted in the database, in the transaction that also
writes the trail; only what is committed is evaluated.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import case
from sqlalchemy.ext.asyncio import AsyncSession

from service import clock, oprf, trail
from service.caller import Caller
from service.keyservice import errors
from service.keyservice.epochs import Epoch
from service.keyservice.models import EvaluationQuota
from service.rows import insert_or_change

ACTIVITY = "pseudonymisation"
SPANS = {"minute": timedelta(minutes=1), "day": timedelta(days=1)}

_quota = EvaluationQuota.__table__


async def take(
    session: AsyncSession, caller: Caller, *, epoch: int, count: int, quotas: Mapping[str, int]
) -> None:
    """Take so many evaluations from the caller's minute and day; raises `QuotaPassed`, and takes nothing.

    `quotas` are the most evaluations of each span.
    """
    now = clock.now()
    began = {"minute": now.replace(second=0, microsecond=0)}
    began["day"] = began["minute"].replace(hour=0, minute=0)
    rows = [
        {"client_id": caller.client_id, "span": span, "began_at": began[span], "used": count}
        for span in SPANS
    ]
    statement = insert_or_change(session, _quota)
    # Machines' clocks differ: one that is behind must not begin a span anew that another has begun.
    over = statement.excluded.began_at > _quota.c.began_at
    used = await session.execute(
        statement.values(rows)
        .on_conflict_do_update(
            index_elements=[_quota.c.client_id, _quota.c.span],
            set_={
                "used": case((over, 0), else_=_quota.c.used) + statement.excluded.used,
                "began_at": case((over, statement.excluded.began_at), else_=_quota.c.began_at),
            },
        )
        .returning(_quota.c.span, _quota.c.used)
    )
    passed = [span for span, number in used if number > quotas[span]]
    if passed:
        raise errors.QuotaPassed(max(_resets_in(began[span] + SPANS[span], now) for span in passed))
    entry = trail.entry(caller.who, "pseudonym.evaluate", ACTIVITY, "epoch", epoch, times=count)
    await trail.append(session, [entry])


def evaluate(epoch: Epoch, elements: Sequence[bytes]) -> list[bytes]:
    """The evaluated elements, in order; pure."""
    return [oprf.evaluate(epoch.key, element) for element in elements]


def _resets_in(end: datetime, now: datetime) -> int:
    return max(1, -int((now - end).total_seconds() // 1))
