"""Attack 5: linear and integer programming over everything that was ever read.

For a number that nothing is known of, two possible truths that lie 4 apart are looked for: if there are, no method can
claim more than the promise. They are made from a possible truth by adding or taking persons who are alike. Where none
are found, integer programmes tell the least and the most that it may be, and that is the claim. Never reads the truth.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.sparse import coo_array, csr_array

from service.vocabulary.municipalities import municipalities, region_of
from tests.attacks.programme import ROUNDED, Method, Programme, told_by
from tests.attacks.reading import TOTAL, Number, Release, number_of, rows_above
from tests.attacks.scoring import PROMISE, Claims

MOST_LOOKED_AT = 40


def claims(
    releases: Sequence[Release],
    population: str,
    *,
    method: Method = ROUNDED,
    own: Mapping[Number, int] | None = None,
    wanted: Iterable[Number] | None = None,
) -> Claims:
    """What is known for sure of the numbers of a population (or of those wanted) where it is more than promised.

    Of the numbers for which that is not clear at once, so many are looked at as there is time for.
    """
    told = told_by(releases, population, method)
    programme = Programme(told, own)
    wide = _wide(programme, releases, population)
    unclear = [number for number in (told.published if wanted is None else wanted) if number not in wide]
    found = {number: programme.between(number) for number in unclear[:MOST_LOOKED_AT]}
    return {number: claim for number, claim in found.items() if claim[1] - claim[0] < PROMISE}


def _wide(programme: Programme, releases: Sequence[Release], population: str) -> set[Number]:
    """The numbers that may be 4 more or less in possible truths, by persons more or fewer who are alike."""
    truth, published = programme.a_possible_one()
    persons = _matrix(
        [[programme.place[n] for n in person] for one in releases for person in _persons(one, population)],
        len(programme.numbers),
    )
    persons = persons[np.flatnonzero(programme.adds_up(persons))]
    low, high = programme.room(published)
    more = np.minimum.reduceat((high - truth)[persons.indices], persons.indptr[:-1])
    fewer = np.minimum.reduceat((truth - low)[persons.indices], persons.indptr[:-1])
    fewer = np.minimum(fewer, _spare(programme, persons, truth))
    up, down = (persons.multiply(one[:, None]).max(axis=0).toarray().ravel() for one in (more, fewer))
    return {number for number, room in zip(programme.numbers, up + down, strict=True) if room >= PROMISE}


def _spare(programme: Programme, persons: csr_array, truth: np.ndarray) -> np.ndarray:
    """How many of each kind of person could be missing before a rule about the areas breaks."""
    spare = np.full(persons.shape[0], PROMISE)
    for rule, least in zip(programme.rules, programme.least, strict=True):
        here = np.asarray((persons @ rule.reshape(-1, 1).tocsr()).toarray()).ravel() > 0
        spare[here] = np.minimum(spare[here], int((rule @ truth).sum()) - least)
    return spare


def _persons(release: Release, population: str) -> Iterable[set[Number]]:
    """Imaginable persons by the numbers that they count for, so many that every number has one."""
    codes = _codes(release, population)
    most = max(len(its) for its in codes.values())
    for place in _places(release, population):
        for turn in range(most):
            yield _counts_for(
                release, population, place, {n: its[turn % len(its)] for n, its in codes.items()}
            )
    for table in release.tables:
        row, column = table.dimensions
        if table.population == population and row in codes:
            for one in codes[row]:
                for other in codes[column]:
                    drawn = {name: its[0] for name, its in codes.items()} | {row: one, column: other}
                    yield _counts_for(release, population, "GM0344", drawn)


def _codes(release: Release, population: str) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for table in release.tables:
        if table.population == population:
            for cell in table.cells:
                found.setdefault(table.dimensions[1], {})[cell.column] = None
    return {name: [code for code in codes if code != TOTAL] for name, codes in found.items()}


def _places(release: Release, population: str) -> list[str]:
    """A municipality of each area."""
    areas = release.areas.get(population) or {code: region_of(code) for code in municipalities()}
    return list({area: code for code, area in areas.items()}.values())


def _counts_for(release: Release, population: str, place: str, codes: Mapping[str, str]) -> set[Number]:
    found = set()
    for table in release.tables:
        if table.population == population:
            row, column = table.dimensions
            for code in rows_above(release, table, place if row in ("area", "region") else codes[row]):
                found |= {number_of(release, table, code, one) for one in (TOTAL, codes[column])}
    return found


def _matrix(persons: Sequence[Sequence[int]], width: int) -> csr_array:
    lines = [n for n, person in enumerate(persons) for _ in person]
    places = [place for person in persons for place in person]
    return coo_array((np.ones(len(places), dtype=int), (lines, places)), shape=(len(persons), width)).tocsr()
