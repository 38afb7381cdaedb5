"""What an organisation can work out that subtracts what it knows: the rest of a number, from what is published of all.

It knows its own persons and the method. Where only one rest is possible it is certain how many others there are, most
often nobody; no release may tell that. Pure; called at compilation, which rounds again where somebody would be sure.

Asked of each organisation that reports, by itself and of one release. A contact point that works a whole region knows
who is there, and is no stranger to be kept from it; organisations that put together what they know are not held off.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from service.statistics.grid import Key, Known
from service.statistics.possible import Possible

SURE = 1 / 1024  # of a person: many persons, each a little, are two truths, so that one programme proves many


def sure_of(known: Known, exact: Mapping[Key, int], shares: Sequence[Mapping[Key, int]]) -> frozenset[Key]:
    """The numbers of a release of which somebody would be sure how many others there are.

    `shares`: how many of each number an organisation knows, of every organisation. Where the truth with one person more
    could have been published the same, nobody is sure. Of the others, programmes look for two truths in which there are
    all persons that any organisation knows; where none are found, in which there are those of one.
    """
    possible = Possible([known])
    keys = [key for _, key in possible.numbers]
    truth, *own = (np.array([its.get(key, 0) for key in keys], dtype=float) for its in (exact, *shares))
    low, high = possible.limits.T
    # Who does not know how far a number had to go further up than 4 can take it for anything.
    low = np.where(truth < low, 0, low)
    full = {key for key, one, most in zip(keys, truth, high, strict=True) if one == most}
    more = {key for person in known.persons if full.isdisjoint(person) for key in person}
    unproven: Sequence[int] = [place for place, key in enumerate(keys) if key not in more]

    def sure(mine: np.ndarray) -> Sequence[int]:
        return possible.close(unproven, SURE, np.stack([np.maximum(low, mine), high], axis=1))[0]

    unproven = sure(np.maximum.reduce([low, *own]))
    told = {place for mine in own for place in sure(mine)} if unproven else set()
    return frozenset(keys[place] for place in told)
