"""The moves of a referral: the whole table of the design, written out a second time, pair by pair."""

from typing import get_args

import pytest

from service.referrals.states import (
    DECIDING,
    ENDED,
    FOLLOWING,
    HELD,
    OPEN,
    Move,
    MoveNotAllowed,
    State,
    after,
)
from service.referrals.states import MOVES as ALLOWED

STATES = ("WAITING", "CLAIMED", "ACCEPTED", "FORWARDED", "RETURNED", "CLOSED", "WITHDRAWN", "EXPIRED")
MOVES = (
    "claim",
    "lapse",
    "release",
    "renew",
    "accept",
    "assign",
    "return",
    "place",
    "forward",
    "recall",
    "resume",
    "close",
    "ask",
    "answer",
    "correct",
    "withdraw",
    "expire",
)

TABLE = {
    "WAITING": {
        "claim": "CLAIMED",
        "place": "WAITING",
        "answer": "WAITING",
        "correct": "WAITING",
        "withdraw": "WITHDRAWN",
        "expire": "EXPIRED",
    },
    "CLAIMED": {
        "release": "WAITING",
        "lapse": "WAITING",
        "renew": "CLAIMED",
        "accept": "ACCEPTED",
        "return": "RETURNED",
        "ask": "CLAIMED",
        "answer": "CLAIMED",
        "correct": "CLAIMED",
        "withdraw": "WITHDRAWN",
        "expire": "EXPIRED",
    },
    "ACCEPTED": {
        "assign": "ACCEPTED",
        "return": "RETURNED",
        "forward": "FORWARDED",
        "close": "CLOSED",
        "ask": "ACCEPTED",
        "answer": "ACCEPTED",
        "correct": "ACCEPTED",
        "withdraw": "WITHDRAWN",
        "expire": "EXPIRED",
    },
    "FORWARDED": {
        "forward": "FORWARDED",
        "recall": "FORWARDED",
        "resume": "ACCEPTED",
        "ask": "FORWARDED",
        "answer": "FORWARDED",
        "correct": "FORWARDED",
        "withdraw": "WITHDRAWN",
        "expire": "EXPIRED",
    },
    "RETURNED": {},
    "CLOSED": {},
    "WITHDRAWN": {},
    "EXPIRED": {},
}


def moves_from(state: State) -> tuple[Move, ...]:
    """Every move that the module's table allows."""
    return tuple(move for origin, move in ALLOWED if origin == state)


def test_these_are_all_states_and_moves() -> None:
    assert set(get_args(State)) == set(STATES) == {*OPEN, *ENDED}
    assert set(get_args(Move)) == set(MOVES)
    assert set(DECIDING) == {"accept", "return", "forward"}
    assert set(OPEN) - set(HELD) == {"WAITING"}
    assert set(FOLLOWING) == {"lapse", "resume", "answer", "correct", "withdraw", "expire"}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("state", STATES)
def test_a_move_leads_where_the_table_says_or_is_refused(state: State, move: Move) -> None:
    expected = TABLE[state].get(move)
    if expected is None:
        with pytest.raises(MoveNotAllowed, match=f"{state} has no {move}"):
            after(state, move)
    else:
        assert after(state, move) == expected


@pytest.mark.parametrize("state", STATES)
def test_a_state_tells_its_moves(state: State) -> None:
    assert set(moves_from(state)) == set(TABLE[state])


@pytest.mark.parametrize("state", ["RETURNED", "CLOSED", "WITHDRAWN", "EXPIRED"])
def test_what_ended_stays_ended(state: State) -> None:
    assert state in ENDED
    assert moves_from(state) == ()


def test_every_state_can_be_reached_and_every_open_one_left_for_an_end() -> None:
    def reached_from(start: State) -> set[str]:
        reached, waiting = {start}, [start]
        while waiting:
            state = waiting.pop()
            new = {after(state, move) for move in moves_from(state)} - reached
            reached |= new
            waiting += new
        return set(reached)

    assert reached_from("WAITING") == set(STATES)
    for state in OPEN:
        assert set(ENDED) <= reached_from(state)
