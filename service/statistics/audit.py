"""What somebody can work out who has read every release: the register attacks its own numbers before they are shown.

He knows that each number is rounded from a truth at most 4 away, that the truths add up as the tables do, and the rule
by which a municipality stands alone: at least 10 persons in the year before. Each small number must still have room for
a truth of 4 more or less than another: an interval narrower than 4 blocks the release. Pure; called at compilation with
all numbers of this and of the earlier releases, hidden ones too, for what is hidden can often be deduced.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from service.statistics.grid import AtLeast, Known, Number
from service.statistics.possible import TOLERANCE, Possible

ROOM = 4
SMALL = 10


@dataclass(frozen=True)
class Audit:
    """How many numbers were looked at, in how many programmes, and one whose truth is known too closely."""

    numbers: int
    programmes: int
    exposed: Number | None


def audit(releases: Sequence[Known], rules: Sequence[AtLeast] = ()) -> Audit:
    """Look at every small number of some releases together.

    Most can be proven by persons who are alike: where the rounded numbers could be the truth, so could they with four
    persons more. Of the others one programme proves many, and each that is left is looked at by itself.
    """
    possible = Possible(releases, rules)
    small = [place for place, value in enumerate(possible.rounded) if value < SMALL]
    roomy = possible.roomy(releases, ROOM)
    unproven, programmes = possible.close([place for place in small if place not in roomy], ROOM)
    for place in unproven:
        programmes += 2
        if possible.room(place) < ROOM - TOLERANCE:
            return Audit(len(small), programmes, possible.numbers[place])
    return Audit(len(small), programmes, None)
