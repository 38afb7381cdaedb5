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

from service.statistics.grid import MOST_OFF, Cube, Key, Lattice

BASE = 5
ZERO_UP = 0.10
SHORTEST_SECRET = 32
NODE_LIMIT = 10_000
INFEASIBLE = 2


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
    never_down: Collection[Key] = (),
    at_most: Mapping[Key, int] = MappingProxyType({}),
) -> Rounded:
    """The rounding that follows the drawn numbers most closely among all that keep every margin.

    One unknown u in {0, 1} per number: down, or up to the next multiple. An inner one goes up with probability p by
    minimising the sum of (U - p)u, U being drawn for each. Every margin goes to a multiple next to its truth and so
    stays within 4; one that tables share is one unknown for all. With `cube` the rounded numbers are also those of
    some register of persons. A number of `never_down` does not go four down. Only where nothing keeps that and every
    margin (five nines make 45, and must be 50) do numbers go further up, as little as can be, rather large ones than
    small ones. No number goes above that of `at_most`. The same input gives the same outcome. Raises NoRoundingFound,
    and ValueError for a short secret.
    """
    if len(secret) < SHORTEST_SECRET:
        raise ValueError(f"the release secret is shorter than {SHORTEST_SECRET} bytes")
    keys = sorted(exact)
    inner = frozenset(lattice.inner)
    numbers = np.array([exact[key] for key in keys])
    is_inner = np.array([key in inner for key in keys])
    chance = np.where(numbers % BASE > 0, numbers % BASE / BASE, 0.0)
    chance[is_inner & (numbers == 0)] = ZERO_UP
    room = np.array([at_most[key] // BASE if key in at_most else np.inf for key in keys]) - numbers // BASE
    chance[room < 1] = 0
    drawn = np.array([_draw(secret, release, key) if key in inner else 0.0 for key in keys])
    cost = np.where(is_inner, drawn - chance, 0.0)
    must = np.array([key in never_down for key in keys]) & (numbers % BASE == MOST_OFF)
    # Further up costs more than all that was drawn together, and the more, the smaller the number.
    dear = 2.0 * len(keys) * (1 + 1 / (1 + numbers // BASE))
    unknown = _Unknown(cost, must, chance > 0, np.maximum(0, room - (chance > 0)), dear)
    up, solving = _solve(unknown, _adding(lattice, keys, numbers, cube))
    rounded = dict(zip(keys, (BASE * (numbers // BASE + up)).tolist(), strict=True))
    if any(rounded[whole] != sum(rounded[part] for part in parts) for whole, parts in lattice.sums):
        raise NoRoundingFound("the solution does not add up in whole numbers")
    return Rounded(rounded, _achieved(numbers[is_inner], up[is_inner]), solving)


@dataclass(frozen=True, slots=True)
class _Unknown:
    """The unknowns of all numbers: what each costs, must and may be (0 or 1); the same for what it goes further up."""

    cost: np.ndarray
    must: np.ndarray
    may: np.ndarray
    more: np.ndarray
    dear: np.ndarray


@dataclass(frozen=True, slots=True)
class _Adding:
    """What has to add up: columns of the numbers' unknowns, columns of the cells of a cube, and the right-hand side."""

    numbers: csr_array
    cells: csr_array
    equal: np.ndarray


def _adding(lattice: Lattice, keys: Sequence[Key], numbers: np.ndarray, cube: Cube | None) -> _Adding:
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
        return _Adding(additive, csr_array((len(lattice.sums), 0)), np.array(lacking))
    row = {key: n for n, key in enumerate(cube.keys)}
    ups = _sparse([(-1, n, place[key]) for key, n in row.items()], (len(row), len(keys)))
    cells = _sparse(
        [(1, row[key], n) for n, its in enumerate(cube.cells) for key in its], (len(row), len(cube.cells))
    )
    nothing = csr_array((len(lattice.sums), len(cube.cells)))
    return _Adding(
        vstack([additive, ups]).tocsr(),
        vstack([nothing, cells]).tocsr(),
        np.array([*lacking, *(int(floors[place[key]]) for key in cube.keys)]),
    )


def _sparse(entries: Sequence[tuple[int, int, int]], shape: tuple[int, int]) -> csr_array:
    values, rows, columns = zip(*entries, strict=True)
    return coo_array((values, (rows, columns)), shape=shape).tocsr()


def _solve(unknown: _Unknown, adding: _Adding) -> tuple[np.ndarray, Solving]:
    """The one best solution: with no gap allowed it depends on the drawn numbers, not on the way to it.

    The limit is in nodes, never in seconds, so that a slow machine decides nothing.
    """
    count, cells = len(unknown.cost), adding.cells.shape[1]
    for more in (np.zeros(count), unknown.more) if unknown.must.any() else (np.zeros(count),):
        found = milp(
            np.concatenate([unknown.cost, unknown.dear, np.zeros(cells)]),
            integrality=np.concatenate([np.ones(2 * count), np.zeros(cells)]),
            bounds=Bounds(
                np.concatenate([unknown.must, np.zeros(count + cells)]),
                np.concatenate([unknown.may, more, np.full(cells, np.inf)]),
            ),
            constraints=LinearConstraint(
                hstack([adding.numbers, adding.numbers, adding.cells]).tocsr(), adding.equal, adding.equal
            ),
            options={"mip_rel_gap": 0.0, "node_limit": NODE_LIMIT},
        )
        if found.status == 0:
            up = np.rint(found.x[:count] + found.x[count : 2 * count]).astype(int)
            nodes, gap = int(found.mip_node_count or 0), float(found.mip_gap or 0)
            return up, Solving(f"scipy {scipy.__version__}", NODE_LIMIT, nodes, gap)
        if found.status != INFEASIBLE:
            break
    raise NoRoundingFound("no rounding keeps all margins, or none was found within the limit of nodes")


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
