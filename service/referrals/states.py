"""The states of a referral and every move between them, as one table.

Pure. Whoever changes a referral asks `after`; a move that is not in the table is refused. `decided` is the
first accept, return or forward: that is what terms and feedback look at.
"""

from collections.abc import Mapping
from typing import Literal

State = Literal["WAITING", "CLAIMED", "ACCEPTED", "FORWARDED", "RETURNED", "CLOSED", "WITHDRAWN", "EXPIRED"]
Move = Literal[
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
]

OPEN: tuple[State, ...] = ("WAITING", "CLAIMED", "ACCEPTED", "FORWARDED")
HELD: tuple[State, ...] = ("CLAIMED", "ACCEPTED", "FORWARDED")
ENDED: tuple[State, ...] = ("RETURNED", "CLOSED", "WITHDRAWN", "EXPIRED")
DECIDING: frozenset[Move] = frozenset({"accept", "return", "forward"})
FOLLOWING: frozenset[Move] = frozenset({"lapse", "resume", "answer", "correct", "withdraw", "expire"})

MOVES: Mapping[tuple[State, Move], State] = {
    ("WAITING", "claim"): "CLAIMED",
    ("CLAIMED", "lapse"): "WAITING",
    ("CLAIMED", "release"): "WAITING",
    ("CLAIMED", "renew"): "CLAIMED",
    ("CLAIMED", "accept"): "ACCEPTED",
    ("CLAIMED", "return"): "RETURNED",
    ("ACCEPTED", "assign"): "ACCEPTED",
    ("ACCEPTED", "return"): "RETURNED",
    ("WAITING", "place"): "WAITING",  # by the administration, after a second return
    ("ACCEPTED", "forward"): "FORWARDED",
    ("FORWARDED", "forward"): "FORWARDED",  # to another recipient as well
    ("FORWARDED", "recall"): "FORWARDED",  # from one recipient
    ("FORWARDED", "resume"): "ACCEPTED",  # when all children ended
    ("ACCEPTED", "close"): "CLOSED",
    **{(state, "ask"): state for state in HELD},
    **{(state, "answer"): state for state in OPEN},
    **{(state, "correct"): state for state in OPEN},  # its signal has a new version
    **{(state, "withdraw"): "WITHDRAWN" for state in OPEN},
    **{(state, "expire"): "EXPIRED" for state in OPEN},
}


class MoveNotAllowed(ValueError):
    """This state has no such move."""


def after(state: State, move: Move) -> State:
    """The state after a move; raises `MoveNotAllowed`."""
    try:
        return MOVES[state, move]
    except KeyError:
        raise MoveNotAllowed(f"{state} has no {move}") from None
