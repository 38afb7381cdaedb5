"""What holds of every queue at every moment, whatever was done: read off the tables, without any model.

Called by the model of the queue after each act.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from service.referrals.states import ENDED, MOVES, OPEN


def keeps_its_rules(
    referrals: Sequence[Any], steps: Sequence[Any], signals: Sequence[Any], seen: dict[str, tuple[int, str]]
) -> set[tuple[str, str]]:
    """Raise AssertionError where a rule is broken; the pairs of state and move that the history has.

    `seen` has version and status of each referral at the last look, and is brought up to date.
    """
    _nobody_holds_two_ways(referrals)
    _nothing_goes_back(referrals, seen)
    _no_signal_is_lost(referrals, signals)
    _children_follow_their_parent(referrals)
    return _every_move_is_in_the_history(referrals, steps)


def _nobody_holds_two_ways(referrals: Sequence[Any]) -> None:
    """A holder and a lease exactly while claimed, a last day and an end as the state has them."""
    for row in referrals:
        claimed = row.status == "CLAIMED"
        assert (row.held_by is not None, row.lease_until is not None) == (claimed, claimed)
        assert row.due_on is not None
        assert (row.ended_at is not None) == (row.status in ENDED)
        assert row.organisation_id is not None or row.status in ("WAITING", "WITHDRAWN", "EXPIRED")
        assert row.status != "ACCEPTED" or row.assigned_to is not None


def _nothing_goes_back(referrals: Sequence[Any], seen: dict[str, tuple[int, str]]) -> None:
    """Versions only rise, with every change of state; what has ended never moves; no row goes away."""
    assert seen.keys() <= {str(row.id) for row in referrals}
    for row in referrals:
        version, status = seen.get(str(row.id), (0, "WAITING"))
        assert row.version > version or (row.version, row.status) == (version, status)
        assert status in OPEN or row.version == version
        seen[str(row.id)] = row.version, row.status


def _no_signal_is_lost(referrals: Sequence[Any], signals: Sequence[Any]) -> None:
    """One open referral to a contact point for each signal, unless that was closed or has run out; never two."""
    roots = defaultdict(list)
    for row in sorted(referrals, key=lambda row: row.id):
        if row.parent_id is None:
            roots[row.signal_id].append(row)
    for signal in signals:
        its = [row.status for row in roots[signal.id]]
        still_open = sum(status in OPEN for status in its)
        assert still_open <= 1
        if signal.status == "WITHDRAWN":
            assert still_open == 0
        else:
            assert still_open == 1 or its[-1] in ("CLOSED", "EXPIRED"), its


def _children_follow_their_parent(referrals: Sequence[Any]) -> None:
    """Children are open only while their parent is forwarded, and a forwarded one has an open child."""
    by_id = {row.id: row for row in referrals}
    open_below = {row.parent_id for row in referrals if row.parent_id and row.status in OPEN}
    assert open_below == {row.id for row in referrals if row.status == "FORWARDED"}
    assert all(by_id[parent].parent_id is None for parent in open_below)


def _every_move_is_in_the_history(referrals: Sequence[Any], steps: Sequence[Any]) -> set[tuple[str, str]]:
    """One row of history for each version above 1, each a move of the table from the state before it."""
    its = defaultdict(list)
    for step in sorted(steps, key=lambda step: step.version):
        its[step.referral_id].append(step)
    taken = set()
    for row in referrals:
        assert [step.version for step in its[row.id]] == list(range(2, row.version + 1))
        state = "WAITING"
        for step in its[row.id]:
            assert MOVES[state, step.move] == step.status, (state, step.move, step.status)
            taken.add((state, step.move))
            state = step.status
        assert state == row.status
    return taken
