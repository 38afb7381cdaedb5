"""The whole menu of a population: numbers that add up, could be a register's, and hold against an attack on them."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from service.statistics import compiling
from service.statistics.areas import WHOLE, Area, regions_only
from service.statistics.audit import Audit, audit
from service.statistics.background import Background, Released
from service.statistics.certificate import cube_of, exists
from service.statistics.compiling import WITH_CUBE, WITHOUT_WHOLE, Compiled, compile_numbers
from service.statistics.disclosure import Cell, display
from service.statistics.grid import (
    PLACE,
    AtLeast,
    Counts,
    Key,
    Known,
    Lattice,
    key_of,
    lattice_of,
    numbers_of,
    persons_of,
    rows_of,
    tree_of,
)
from service.statistics.menu import MENU, OFFENDERS, ORGANISATIONS, SIGNALS, VICTIMS, Population
from service.statistics.possible import Possible
from service.statistics.rounding import NoRoundingFound
from service.vocabulary.municipalities import municipalities, region_of

SECRET = b"0123456789abcdef0123456789abcdef"
VR22 = [code for code in municipalities() if region_of(code) == "VR22"]
AREAS = (
    *(Area(code, "VR22", (code,)) for code in VR22[:4]),
    Area("VR22-OTHER", "VR22", tuple(VR22[4:])),
    *(area for area in regions_only(2026) if area.code in ("VR01", "VR07")),
)
CODES = [area.code for area in AREAS]


def counts_of(number: int, seed: int, population: Population = VICTIMS) -> Counts:
    """Persons drawn with uneven chances, in every table."""
    dice = random.Random(seed)
    names = sorted({one.name for table in population.tables for one in (table.column, table.row) if one})
    codes = {one.name: one.codes for table in population.tables for one in (table.column, table.row) if one}
    counts: dict[str, Counter[tuple[str, str]]] = {table.code: Counter() for table in population.tables}
    for _ in range(number):
        area = dice.choices(AREAS, [9, 5, 3, 1, 6, 12, 8])[0]
        person = {name: dice.choices(codes[name], range(len(codes[name]), 0, -1))[0] for name in names}
        for table in population.tables:
            place = area.code if table.level == "area" else area.region
            row = person[table.row.name] if table.row else place
            counts[table.code][row, person[table.column.name]] += 1
    return counts


def compiled(counts: Counts, population: Population = VICTIMS, **more: Any) -> Compiled:
    return compile_numbers(population, AREAS, counts, **({"secret": SECRET, "period": "2026-H1"} | more))


def exact_of(counts: Counts, population: Population = VICTIMS) -> Mapping[Key, int]:
    return numbers_of(lattice_of(population.tables, AREAS), population.tables, counts)


@pytest.mark.parametrize("population", MENU.values(), ids=MENU.keys())
@pytest.mark.parametrize("number", [0, 1, 30, 400, 4000])
def test_every_number_is_near_the_truth_and_every_sum_is_right(population: Population, number: int) -> None:
    counts = counts_of(number, number, population)
    found = compiled(counts, population)
    exact, values = exact_of(counts, population), found.rounded.values
    inner = set(found.lattice.inner)
    assert found.audit.exposed is None
    for key, value in values.items():
        assert value % 5 == 0
        assert abs(value - exact[key]) <= 4 or (key in inner and (exact[key], value) == (0, 5))
    for whole, parts in found.lattice.sums:
        assert values[whole] == sum(values[part] for part in parts)


def test_what_two_tables_share_is_one_number() -> None:
    found = compiled(counts_of(3000, 1))
    form, age, *_, form_age, _ = VICTIMS.tables
    cells = {}
    for table in VICTIMS.tables:
        shown = display(VICTIMS, table, found.areas, found.rounded.values)
        cells[table.code] = {(one.row, one.column): one.rounded for one in shown}
    for column in form.column.codes:
        assert cells[form.code][WHOLE, column] == cells[form_age.code][column, "TOTAL"]
    for column in age.column.codes:
        assert cells[age.code][WHOLE, column] == cells[form_age.code][WHOLE, column]
    assert len({cells[table.code][WHOLE, "TOTAL"] for table in VICTIMS.tables}) == 1


def test_numbers_never_go_above_what_is_never_fewer() -> None:
    signals = compiled(counts_of(60, 3, SIGNALS), SIGNALS).rounded.values
    table = ORGANISATIONS.tables[0]
    reporters = SIGNALS.tables[0]
    once = {table.code: dict.fromkeys(counts_of(60, 3, SIGNALS)[reporters.code], 1)}
    for period in ("2026-H1", "2026-H2", "2027-H1"):
        found = compiled(once, ORGANISATIONS, at_most=signals, period=period).rounded.values
        assert [key for key, value in found.items() if value > signals[key]] == []
        free = compiled(once, ORGANISATIONS, period=period).rounded.values
        assert [key for key, value in free.items() if value > signals[key]] != []


def test_populations_are_rounded_by_draws_of_their_own() -> None:
    counts = counts_of(300, 4)
    as_offenders = {
        other.code: counts[one.code] for one, other in zip(VICTIMS.tables, OFFENDERS.tables, strict=True)
    }
    assert compiled(counts).rounded.values != compiled(as_offenders, OFFENDERS).rounded.values


def test_the_same_state_and_secret_give_the_same_release() -> None:
    counts = counts_of(900, 2)
    shuffled = {code: dict(reversed(list(counts[code].items()))) for code in reversed(list(counts))}
    one, again = (
        compiled(counts),
        compile_numbers(VICTIMS, AREAS[::-1], shuffled, secret=SECRET, period="2026-H1"),
    )
    assert (one.rounded.values, one.facts) == (again.rounded.values, again.facts)
    assert compiled(counts, secret=SECRET[::-1]).rounded.values != one.rounded.values
    assert compiled(counts, period="2026-H2").rounded.values != one.rounded.values


def brute_force(values: Mapping[Key, int]) -> bool:
    """Whether a cube exists, asked of another solver's phase one with nothing left out."""
    cube = cube_of(VICTIMS.tables, AREAS)
    place = {key: n for n, key in enumerate(cube.keys)}
    rows = [[0.0] * len(cube.cells) for _ in cube.keys]
    for n, cell in enumerate(cube.cells):
        for key in cell:
            rows[place[key]][n] = 1.0
    found = linprog(
        [0.0] * len(cube.cells), A_eq=rows, b_eq=[values[key] for key in cube.keys], method="highs-ds"
    )
    return bool(found.status == 0)


@pytest.mark.parametrize("number", [0, 60, 2000])
def test_the_numbers_are_those_of_some_register(number: int) -> None:
    found = compiled(counts_of(number, number))
    assert (
        exists(cube_of(VICTIMS.tables, AREAS), found.rounded.values)
        == brute_force(found.rounded.values)
        is True
    )


def test_numbers_of_no_register_are_known_as_such() -> None:
    """Everybody in one form and age, and yet the table of both is empty there."""
    values = dict(exact_of(counts_of(0, 0)))
    for name, code in (("form", "SEXUAL"), ("age", "G12_15"), ("gender", "GF")):
        for place in ((), ((PLACE, "VR22"),), ((PLACE, CODES[0]),)):
            values[tuple(sorted(((name, code), *place)))] = 20
            values[place] = 20
    values[("age", "G18_22"), ("form", "SEXUAL")] = 20
    values[("form", "SEXUAL"), ("gender", "GF")] = 20
    assert not exists(cube_of(VICTIMS.tables, AREAS), values)
    assert not brute_force(values)


def test_where_no_register_is_found_the_cube_rounds_along_or_the_whole_tables_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def not_at_first(cube: Any, values: Any) -> bool:
        asked.append(1)
        return len(asked) > 1 and exists(cube, values)

    monkeypatch.setattr(compiling, "exists", not_at_first)
    with_cube = compiled(counts_of(300, 3))
    assert (with_cube.certificate, len(with_cube.tables)) == (WITH_CUBE, 7)
    assert brute_force(with_cube.rounded.values)

    monkeypatch.setattr(compiling, "exists", lambda cube, values: False)
    without = compiled(counts_of(300, 3))
    assert without.certificate == WITHOUT_WHOLE
    assert [table.level for table in without.tables] == ["area"] * 3 + ["region"] * 2
    assert without.facts["tables"] == [table.code for table in without.tables]


def known(values: Mapping[Key, int], period: str = "2026-H1", *, persons: bool = True) -> Known:
    tables = VICTIMS.tables
    return Known(period, lattice_of(tables, AREAS), values, persons_of(tables, AREAS) if persons else ())


def width(releases: Sequence[Known], rules: Sequence[AtLeast], number: tuple[str, Key]) -> float:
    """What linear programming leaves of one number, written down anew."""
    numbers = [(one.period, key) for one in releases for key in one.values]
    place = {one: n for n, one in enumerate(numbers)}
    rounded = [one.values[key] for one in releases for key in one.values]
    equal = []
    for one in releases:
        for whole, parts in one.lattice.sums:
            line = [0.0] * len(numbers)
            line[place[one.period, whole]] = 1.0
            for part in parts:
                line[place[one.period, part]] -= 1.0
            equal.append(line)
    least = [[-1.0 if one in rule.numbers else 0.0 for one in numbers] for rule in rules] or None
    bound = [-rule.least for rule in rules] or None
    ends = []
    for sign in (1, -1):
        cost = [0.0] * len(numbers)
        cost[place[number]] = sign
        limits = [(max(0, value - 4), value + 4) for value in rounded]
        none = [0] * len(equal)
        found = linprog(cost, A_ub=least, b_ub=bound, A_eq=equal, b_eq=none, bounds=limits, method="highs")
        ends.append(sign * found.fun)
    return float(ends[1] - ends[0])


@pytest.mark.parametrize("persons", [True, False], ids=["by persons", "by programmes alone"])
def test_the_audit_finds_room_around_every_small_number(persons: bool) -> None:
    one = known(compiled(counts_of(200, 4)).rounded.values, persons=persons)
    found = audit([one])
    assert found.exposed is None
    assert (found.programmes == 0) == persons
    for key in random.Random(1).sample(sorted(one.values), 3):
        assert width([one], [], (one.period, key)) >= 4 - 1e-6


def test_what_the_areas_tell_can_expose_a_number() -> None:
    """Who stands alone had ten persons the year before: where 0 and 5 were shown then, the truth is all but known."""
    first = dict(exact_of(counts_of(0, 0)))
    place: Key = ((PLACE, CODES[0]),)
    second = dict(first)
    for key in (place, ((PLACE, "VR22"),), ()):
        second[key] = 5
    for name, code in (("form", "SEXUAL"), ("age", "G12_15"), ("gender", "GF")):
        for where in (place, ((PLACE, "VR22"),), ()):
            second[tuple(sorted(((name, code), *where)))] = 5
    for name, code in (("reporterType", "JPT"), ("setting", "SCHOOL")):
        for where in (((PLACE, "VR22"),), ()):
            second[tuple(sorted(((name, code), *where)))] = 5
    second[("age", "G12_15"), ("form", "SEXUAL")] = second[("form", "SEXUAL"), ("gender", "GF")] = 5
    releases = [known(first, "2025-H1"), known(second, "2025-H2")]
    rule = AtLeast([("2025-H1", place), ("2025-H2", place)], 10)
    assert audit(releases).exposed is None
    exposed = audit(releases, [rule]).exposed
    assert exposed is not None
    assert width(releases, [rule], exposed) < 4 - 1e-6
    assert width(releases, [rule], ("2025-H1", place)) < 4 - 1e-6


def test_persons_who_are_alike_prove_room_also_where_areas_tell_something() -> None:
    """The rounded numbers cannot be the truth then, for they leave too few to stand alone."""
    place: Key = ((PLACE, CODES[3]),)
    found = [compiled(counts_of(150, seed)).rounded.values for seed in range(12)]
    none, some = (next(one for one in found if one[place] == value) for value in (0, 5))
    releases = [known(none, "2025-H1"), known(some, "2025-H2")]
    rule = AtLeast([("2025-H1", place), ("2025-H2", place)], 10)
    possible = Possible(releases, [rule])
    roomy = {possible.numbers[n] for n in possible.roomy(releases, 4)}
    assert len(roomy) > 0.8 * len(possible.numbers)
    here = [number for number in sorted(roomy) if dict(number[1]).get(PLACE) == CODES[3]]
    for number in [*here, *random.Random(2).sample(sorted(roomy), 12)]:
        assert width(releases, [rule], number) >= 4 - 1e-6
    assert all(width(releases, [rule], (one.period, place)) < 4 - 1e-6 for one in releases)
    assert audit(releases, [rule]).exposed is not None


@pytest.mark.parametrize(
    ("other", "roomy"),
    [(0, set()), (20, {"", "B"})],
    ids=["what it has more is in the whole as well", "others can be fewer"],
)
def test_what_must_be_there_leaves_less_room(other: int, roomy: set[str]) -> None:
    """A is published as 0, and at least 3: so it is 3 or 4, whatever persons could be added or taken."""
    here, there = ((PLACE, "A"),), ((PLACE, "B"),)
    lattice = Lattice([here, there], [((), (here, there))])
    one = Known("2025-H1", lattice, {(): other, here: 0, there: other}, [(here, ()), (there, ())])
    possible = Possible([one], [AtLeast([("2025-H1", here)], 3)])
    found = {possible.numbers[n][1] for n in possible.roomy([one], 4)}
    assert {dict(key).get(PLACE, "") for key in found} == roomy


def test_an_exposed_number_costs_areas_and_then_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def exposes_twice(releases: Any, rules: Any) -> Any:
        looked_at.append(len(looked_at))
        found = audit(releases, rules)
        return found if len(looked_at) > 2 else type(found)(found.numbers, 0, ("2026-H1", ()))

    monkeypatch.setattr(compiling, "audit", exposes_twice)
    fewer = compiled(counts_of(500, 5))
    assert len(fewer.joined) >= 2
    assert len(fewer.areas) < len(AREAS)

    found = [Audit(1, 0, ("2025-H1", ((PLACE, CODES[0]),))), Audit(1, 0, None)]
    monkeypatch.setattr(compiling, "audit", lambda releases, rules: found.pop(0))
    assert compiled(counts_of(500, 5)).joined == (CODES[0],)

    monkeypatch.setattr(compiling, "audit", lambda releases, rules: Audit(1, 0, ("2026-H1", ())))
    with pytest.raises(NoRoundingFound):
        compiled(counts_of(500, 5))


def test_the_rule_of_standing_alone_is_known_of_years_that_were_released_whole() -> None:
    halves = [
        Released(2025, AREAS, Known(f"2025-H{half}", lattice_of(VICTIMS.tables, AREAS), {}))
        for half in (1, 2)
    ]
    told = Background(2026, 2, {"VICTIMS": halves}, frozenset({(2026, "VICTIMS")})).rules("VICTIMS", AREAS)
    assert [rule.least for rule in told] == [10] * 4
    assert told[0].numbers == [("2025-H1", ((PLACE, CODES[0]),)), ("2025-H2", ((PLACE, CODES[0]),))]
    assert (
        Background(2026, 2, {"VICTIMS": halves[:1]}, frozenset({(2026, "VICTIMS")})).rules("VICTIMS", AREAS)
        == []
    )
    assert Background(2026, 2, {"VICTIMS": halves}, frozenset()).rules("VICTIMS", AREAS) == []
    assert (
        Background(2026, 2, {"VICTIMS": halves}, frozenset({(2026, "OFFENDERS")})).rules("VICTIMS", AREAS)
        == []
    )


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from(VICTIMS.tables[0].column.codes)), max_size=40)
)
def test_each_person_adds_to_the_numbers_that_it_should(drawn: list[tuple[str, str]]) -> None:
    """Adding an imaginable person to a register keeps every sum, and every number has one that adds to it."""
    lattice = lattice_of(VICTIMS.tables, AREAS)
    covered: set[Key] = set()
    for person in persons_of(VICTIMS.tables, AREAS):
        adds = set(person)
        covered |= adds
    assert covered == set(lattice.keys)
    for code, _ in drawn:
        person = next(one for one in persons_of(VICTIMS.tables, AREAS) if ((PLACE, code),) in one)
        for whole, parts in lattice.sums:
            assert (whole in person) == (sum(part in person for part in parts) == 1)


def test_a_table_of_two_categories_is_withheld_where_the_sums_are() -> None:
    """Nine of ten in one form: a table by area shows no sums of forms, so the table of forms and ages is not shown."""
    counts = counts_of(2000, 7)
    form_age = VICTIMS.tables[5]
    shown = display(VICTIMS, form_age, AREAS, compiled(counts).rounded.values)
    assert {one.status for one in shown} >= {"rounded5"}
    rounded = compiled(counts).rounded.values
    values = {
        key: value if dict(key).get("form", "SEXUAL") == "SEXUAL" else 0 for key, value in rounded.items()
    }
    hidden = display(VICTIMS, form_age, AREAS, values)
    assert {one.status for one in hidden} == {"withheld"}


def test_of_a_column_that_one_category_prevails_in_only_the_total_is_shown() -> None:
    """Forms and ages may be read either way: who is known to be of an age would be known to be of a form."""
    table = VICTIMS.tables[5]
    forms, ages = VICTIMS.tables[0].column.codes, table.column.codes
    cells = {(form, age): 20 + 5 * (forms.index(form) + ages.index(age)) for form in forms for age in ages}
    prevails = {(form, ages[2]): 60 * (form == forms[3]) for form in forms}
    shown = whole_table(cells | prevails)
    hidden = {column for row, column in shown if row != WHOLE and shown[row, column].status == "withheld"}
    assert hidden == {ages[2], ages[0]}  # and the smallest beside it, or subtracting would give it back
    assert {one.status for place, one in shown.items() if place[0] == WHOLE} == {"rounded5"}
    assert {one.status for place, one in shown.items() if place[1] not in hidden} == {"rounded5"}
    assert "withheld" not in {one.status for one in whole_table(cells).values()}
    everywhere = whole_table({place: value * (place[0] == forms[3]) for place, value in cells.items()})
    assert {one.status for place, one in everywhere.items() if "TOTAL" not in place} == {"withheld"}


def whole_table(cells: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], Cell]:
    """Forms and ages of the whole register as readers see them."""
    table = VICTIMS.tables[5]
    values = dict(exact_of(counts_of(0, 0)))
    for (row, column), value in cells.items():
        for place in ((row, column), (row, "TOTAL"), (WHOLE, column), (WHOLE, "TOTAL")):
            values[key_of(table, *place)] += value
    shown = display(VICTIMS, table, AREAS, values)
    return {(one.row, one.column): one for one in shown}


def test_names_of_tables_and_rows() -> None:
    names = [table.code for population in MENU.values() for table in population.tables]
    assert len(names) == len(set(names)) == 19
    assert {table.level for table in OFFENDERS.tables} == {"area", "region", "whole"}
    assert {table.level for table in SIGNALS.tables} == {"region"}
    rows = {table.code: rows_of(tree_of(table, AREAS)) for table in VICTIMS.tables}
    assert rows[VICTIMS.tables[0].code] == [WHOLE, "VR01", "VR07", "VR22", *sorted(CODES[:5])]
    assert rows[VICTIMS.tables[3].code] == [WHOLE, "VR01", "VR07", "VR22"]
    assert rows[VICTIMS.tables[5].code] == [WHOLE, *VICTIMS.tables[0].column.codes]
    assert key_of(VICTIMS.tables[5], "SEXUAL", "G12_15") == (("age", "G12_15"), ("form", "SEXUAL"))
