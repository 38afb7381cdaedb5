"""Joint random rounding to base 5 of all numbers of a population, as a mixed-integer programme.

Called when a release is compiled. Rounds together, so that the tables add up exactly and no two of them betray the
truth by their difference. Never tells an exact count, not even in an error.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import scipy
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, hstack, vstack

from service.statistics.grid import Cube, Key, Lattice

BASE = 5
MOST_OFF = BASE - 1
ZERO_UP = 0.10
SHORTEST_SECRET = 32
NODE_LIMIT = 10_000


class NoRoundingFound(Exception):
    """No rounding keeps every margin within 4 of the truth, or none was found within the limit of nodes."""


@dataclass(frozen=True, slots=True)
class Solving:
    """How a rounding was found: what somebody needs to find it again."""

    solver: str
    node_limit: int
    nodes: int
    gap: float


@dataclass(frozen=True, slots=True)
class Rounded:
    """Every number, rounded; inside the house only, `display` makes of it what readers see.

    `shares` is the achieved share of inner numbers that went up, by the remainder of the exact count ("zero",
    "1" to "4"): joint choice bends the odds, so they are kept and none is promised.
    """

    values: Mapping[Key, int]
    shares: Mapping[str, float]
    solving: Solving


def round_numbers(
    lattice: Lattice,
    exact: Mapping[Key, int],
    *,
    secret: bytes,
    release: str,
    cube: Cube | None = None,
    of_one: Collection[Key] = (),
    at_most: Mapping[Key, int] = MappingProxyType({}),
) -> Rounded:
    """The rounding that follows the drawn numbers most closely among all that keep every margin.

    One unknown u in {0, 1} per number: down, or up to the next multiple. An inner one goes up with probability p by
    minimising the sum of (U - p)u, U being drawn for each. Every margin goes to a multiple next to its truth and so
    stays within 4; one that tables share is one unknown for all. With `cube` the rounded numbers are also those of
    some register of persons. `of_one` names the numbers of which one organisation knows every person: where it can
    be, none of these goes four down, for that organisation would learn that nobody else is there. No number goes above
    that of `at_most`. The same input gives the same outcome. Raises NoRoundingFound, and ValueError for a short secret.
    """
    if len(secret) < SHORTEST_SECRET:
        raise ValueError(f"the release secret is shorter than {SHORTEST_SECRET} bytes")
    keys = sorted(exact)
    inner = frozenset(lattice.inner)
    numbers = np.array([exact[key] for key in keys])
    is_inner = np.array([key in inner for key in keys])
    chance = np.where(numbers % BASE > 0, numbers % BASE / BASE, 0.0)
    chance[is_inner & (numbers == 0)] = ZERO_UP
    chance[
        [at_most.get(key, BASE + n) < BASE * (n // BASE + 1) for key, n in zip(keys, numbers, strict=True)]
    ] = 0
    drawn = np.array([_draw(secret, release, key) if key in inner else 0.0 for key in keys])
    cost = np.where(is_inner, drawn - chance, 0.0)
    # Weighs more than all that was drawn together, but yields where margins could not be kept.
    known = np.array([key in of_one for key in keys])
    cost[known & (numbers % BASE == MOST_OFF)] = -2.0 * len(keys)
    up, solving = _solve(cost, chance > 0, _constraint(lattice, keys, numbers, cube), cube)
    rounded = dict(zip(keys, (BASE * (numbers // BASE + up)).tolist(), strict=True))
    if any(rounded[whole] != sum(rounded[part] for part in parts) for whole, parts in lattice.sums):
        raise NoRoundingFound("the solution does not add up in whole numbers")
    return Rounded(rounded, _achieved(numbers[is_inner], up[is_inner]), solving)


def _constraint(
    lattice: Lattice, keys: Sequence[Key], numbers: np.ndarray, cube: Cube | None
) -> LinearConstraint:
    """A whole is the sum of its parts, in units of the base: its u less theirs is what its floor lacks.

    With a cube, the cells that belong to a number are its rounded value, in the same units.
    """
    place = {key: n for n, key in enumerate(keys)}
    floors = numbers // BASE
    entries: list[tuple[int, int, int]] = []
    lacking = []
    for n, (whole, parts) in enumerate(lattice.sums):
        positions = [place[part] for part in parts]
        entries += [(1, n, place[whole]), *((-1, n, position) for position in positions)]
        lacking.append(int(floors[positions].sum() - floors[place[whole]]))
    additive = _sparse(entries, (len(lattice.sums), len(keys)))
    if cube is None:
        return LinearConstraint(additive, lacking, lacking)
    row = {key: n for n, key in enumerate(cube.keys)}
    cells = [(1, row[key], n) for n, its in enumerate(cube.cells) for key in its]
    ups = [(-1, n, place[key]) for key, n in row.items()]
    rows = hstack([_sparse(ups, (len(row), len(keys))), _sparse(cells, (len(row), len(cube.cells)))])
    nothing = csr_array((len(lattice.sums), len(cube.cells)))
    bound = [*lacking, *(int(floors[place[key]]) for key in cube.keys)]
    return LinearConstraint(vstack([hstack([additive, nothing]), rows]).tocsr(), bound, bound)


def _sparse(entries: Sequence[tuple[int, int, int]], shape: tuple[int, int]) -> csr_array:
    values, rows, columns = zip(*entries, strict=True)
    return coo_array((values, (rows, columns)), shape=shape).tocsr()


def _solve(
    cost: np.ndarray, free: np.ndarray, constraint: LinearConstraint, cube: Cube | None
) -> tuple[np.ndarray, Solving]:
    """The one best solution: with no gap allowed it depends on the drawn numbers, not on the way to it.

    The limit is in nodes, never in seconds, so that a slow machine decides nothing.
    """
    more = len(cube.cells) if cube else 0
    found = milp(
        np.concatenate([cost, np.zeros(more)]),
        integrality=np.concatenate([np.ones(len(cost)), np.zeros(more)]),
        bounds=Bounds(0, np.concatenate([free.astype(float), np.full(more, np.inf)])),
        constraints=constraint,
        options={"mip_rel_gap": 0.0, "node_limit": NODE_LIMIT},
    )
    if found.status != 0:
        raise NoRoundingFound("no rounding keeps all margins, or none was found within the limit of nodes")
    solving = Solving(
        f"scipy {scipy.__version__}", NODE_LIMIT, int(found.mip_node_count or 0), float(found.mip_gap or 0)
    )
    return np.rint(found.x[: len(cost)]).astype(int), solving


def _draw(secret: bytes, release: str, key: Key) -> float:
    """Uniform in [0, 1): 53 bits of HMAC-SHA256 under the release secret, over release and number."""
    named = "\0".join((release, *(f"{dimension}={code}" for dimension, code in key)))
    digest = hmac.digest(secret, named.encode(), hashlib.sha256)
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def _achieved(exact: np.ndarray, up: np.ndarray) -> dict[str, float]:
    groups = {"zero": exact == 0} | {str(rest): exact % BASE == rest for rest in range(1, BASE)}
    groups["5"] = (exact % BASE == 0) & (exact > 0)
    return {
        name: round(float(up[group].mean()), 3)
        for name, group in groups.items()
        if name != "5" and group.any()
    }
