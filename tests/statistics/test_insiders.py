"""No organisation can subtract its own persons and be sure how many others there are, however it chose them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from scipy.optimize import linprog

from service.statistics import compiling
from service.statistics.areas import Area, regions_only, standing_alone
from service.statistics.audit import Audit, audit
from service.statistics.compiling import Compiled, compile_numbers
from service.statistics.grid import PLACE, Counts, Key, Known, numbers_of
from service.statistics.menu import VICTIMS
from service.statistics.rounding import NoRoundingFound
from tests.statistics.test_compiling import AREAS, counts_of

EVERYWHERE = regions_only(2026)
REGIONS = [area for area in EVERYWHERE if area.code in ("VR07", "VR22")]
AREAS_HERE = [
    area for area in standing_alone(["GM0794", "GM0743", "GM0762"], 2026) if area.region in ("VR07", "VR22")
]
NOTHING = 1e-6
HERE: Key = ((PLACE, "VR22"),)
ME, THEM = UUID(int=1), UUID(int=2)
CODES = {one.name: one.codes for table in VICTIMS.tables for one in (table.column, table.row) if one}
FORMS = CODES["form"]


def persons(many: int, *, region: str = "VR22", area: str | None = None, **codes: str) -> Counts:
    """So many persons who are alike; their area is the whole region where none is given."""
    of = {name: its[0] for name, its in CODES.items()} | codes
    rows = {"area": area or region, "region": region}
    return {
        table.code: Counter(
            {(of[table.row.name] if table.row else rows[table.level], of[table.column.name]): many}
        )
        for table in VICTIMS.tables
    }


def together(*counts: Counts) -> Counts:
    return {
        table.code: sum((Counter(one[table.code]) for one in counts), Counter()) for table in VICTIMS.tables
    }


def compiled(
    shares: Mapping[UUID, Counts], secret: int, areas: Sequence[Area] = REGIONS, *, asked: bool = True
) -> Compiled:
    """The numbers of these persons; as if nobody were asked for what it knows, where not `asked`."""
    return compile_numbers(
        VICTIMS,
        areas,
        together(*shares.values()),
        secret=secret.to_bytes(32),
        period="2026-H1",
        shares=shares if asked else {},
    )


def exact_of(found: Compiled, counts: Counts) -> Mapping[Key, int]:
    return numbers_of(found.lattice, found.tables, {table.code: counts[table.code] for table in found.tables})


def known_rest(found: Compiled, shares: Mapping[UUID, Counts], who: UUID, key: Key) -> float:
    """Between how many others the rest of a number lies, by linear programming that is written down anew."""
    exact, own = exact_of(found, together(*shares.values())), exact_of(found, shares[who])
    keys = list(found.rounded.values)
    place = {key: n for n, key in enumerate(keys)}
    sums = np.zeros((len(found.lattice.sums), len(keys)))
    for line, (whole, parts) in zip(sums, found.lattice.sums, strict=True):
        line[place[whole]] = 1
        line[[place[part] for part in parts]] = -1
    limits = [
        (max(0 if value > exact[key] + 4 else value - 4, own[key]), value + 4)
        for key, value in found.rounded.values.items()
    ]
    cost = np.zeros(len(keys))
    cost[place[key]] = 1
    least, most = (
        sign * linprog(sign * cost, A_eq=sums, b_eq=np.zeros(len(sums)), bounds=limits).fun
        for sign in (1, -1)
    )
    return float(most - least)


def alone(found: Compiled, own: Counts) -> list[Key]:
    """The numbers that are 4 below what one organisation knows to be in them."""
    mine = exact_of(found, own)
    return [key for key, value in found.rounded.values.items() if value == mine[key] - 4]


def in_form(form: str) -> Key:
    return tuple(sorted((*HERE, ("form", form))))


def nines(forms: Iterable[str]) -> Counts:
    return together(*(persons(9, form=form) for form in forms))


@pytest.mark.parametrize("many", [5, 6])
def test_nines_in_an_empty_region_cost_the_exactness_of_its_total(many: int) -> None:
    """Five nines are 45, a multiple of five: were it published, one nine would have to become five."""
    shares = {ME: nines(FORMS[:many]), THEM: persons(40, region="VR07")}
    for secret in range(4):
        found = compiled(shares, secret)
        assert alone(found, shares[ME]) == []
        assert found.rounded.values[HERE] == 10 * many
        for form in FORMS[:many]:
            assert known_rest(found, shares, ME, in_form(form)) >= 1 - NOTHING
        assert alone(compiled(shares, secret, asked=False), shares[ME]) != []


def test_fours_in_every_setting_move_the_total_as_far_as_they_must() -> None:
    """Each is published as five, and so is their sum: further up than a single step."""
    settings = CODES["setting"]
    shares = {
        ME: together(*(persons(4, setting=setting) for setting in settings)),
        THEM: persons(40, region="VR07"),
    }
    found = compiled(shares, 1)
    assert alone(found, shares[ME]) == []
    assert found.rounded.values[HERE] == 5 * len(settings) >= 4 * len(settings) + 11


def test_what_organisations_know_follows_the_areas_that_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def exposes_at_first(releases: Any, rules: Any) -> Audit:
        looked_at.append(1)
        found = audit(releases, rules)
        return found if len(looked_at) > 1 else Audit(found.numbers, 0, ("2026-H1", ()))

    monkeypatch.setattr(compiling, "audit", exposes_at_first)
    mine = together(*(persons(9, area="GM0794", form=form) for form in FORMS[:5]))
    shares = {ME: mine, THEM: persons(40, region="VR07")}
    for secret in range(4):
        looked_at.clear()
        found = compiled(shares, secret, AREAS_HERE)
        assert found.joined
        assert alone(found, mine) == []


def test_around_a_number_are_those_of_its_region_and_of_the_whole() -> None:
    keys: list[Key] = [(), HERE, in_form(FORMS[0]), ((PLACE, "VR07"),), (("form", FORMS[0]),)]
    around = compiling._around([HERE], keys, REGIONS)
    assert around == set(keys) - {((PLACE, "VR07"),)}
    assert compiling._around([(("form", FORMS[1]),)], keys, REGIONS) == set(keys)


def scattered(number: int) -> Counts:
    """A person in a region of its own, of which little is like that of others."""
    varied = {name: its[number * n % len(its)] for n, (name, its) in enumerate(CODES.items(), 1)}
    varied["reporterType"] = CODES["reporterType"][0]
    return persons(1, region=EVERYWHERE[number].code, **varied)


def test_who_knows_all_but_one_is_not_sure_of_that_one() -> None:
    """Nine became five, of which the others have one that became five: so at most nine, and at least one, are there."""
    shares = {THEM: scattered(9), ME: together(*map(scattered, range(8)))}
    theirs: Key = ((PLACE, EVERYWHERE[9].code),)
    sure = 0
    for secret in (0, 1, 2, 8):
        unasked = compiled(shares, secret, EVERYWHERE, asked=False)
        sure += known_rest(unasked, shares, ME, theirs) < NOTHING
        found = compiled(shares, secret, EVERYWHERE)
        assert known_rest(found, shares, ME, theirs) >= 1 - NOTHING
        assert known_rest(found, shares, THEM, HERE) >= 1 - NOTHING
    assert sure


def test_who_would_still_be_sure_costs_areas_and_then_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "sure_of", lambda known, exact, shares: frozenset([HERE]))
    with pytest.raises(NoRoundingFound):
        compiled({ME: persons(3)}, 1)


def test_where_somebody_would_be_sure_only_what_is_around_is_rounded_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[frozenset[Key]] = []

    def here_at_first(known: Known, exact: Mapping[Key, int], shares: Any) -> frozenset[Key]:
        asked.append(frozenset(key for key, value in known.values.items() if value == exact[key] - 4))
        return frozenset([in_form(FORMS[0])]) if len(asked) == 1 else frozenset()

    monkeypatch.setattr(compiling, "sure_of", here_at_first)
    mine, theirs = (together(counts_of(400, seed), persons(0)) for seed in (1, 2))
    compile_numbers(
        VICTIMS,
        AREAS,
        together(mine, theirs),
        secret=b"x" * 32,
        period="2026-H1",
        shares={ME: mine, THEM: theirs},
    )
    first, then = ({dict(key).get(PLACE, "ALL") for key in keys} for keys in asked)
    assert first & {"ALL", *(area.code for area in AREAS if area.region == "VR22")}
    assert then <= {"VR01", "VR07"}
    assert then
