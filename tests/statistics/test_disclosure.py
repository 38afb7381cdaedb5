"""What a release may tell: rounding and display by cases, their promises as properties."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from service.statistics import rounding as rounding_module
from service.statistics.areas import Area, hierarchy, regions_only
from service.statistics.compiling import compile_numbers
from service.statistics.disclosure import Cell, display
from service.statistics.grid import TOTAL, Counts, key_of, rows_of, tree_of
from service.statistics.menu import VICTIMS, Population
from service.statistics.rounding import NoRoundingFound, Solving
from service.vocabulary.municipalities import municipalities, region_of

SECRET = b"0123456789abcdef0123456789abcdef"
FORM, AGE = VICTIMS.tables[:2]
TWO = Population("TWO", "persons", VICTIMS.title, (FORM, AGE))
AREAS = (
    *(Area(code, region_of(code), (code,)) for code in sorted(municipalities()) if region_of(code) == "VR25"),
    *(Area(code, region_of(code), (code,)) for code in sorted(municipalities()) if region_of(code) == "VR13"),
    *(area for area in regions_only(2026) if area.code in ("VR01", "VR02")),
)
CODES = [area.code for area in AREAS]

Person = tuple[str, str, str]


def counts_of(persons: Iterable[Person]) -> dict[str, dict[tuple[str, str], int]]:
    """Both tables of persons given as (area, form, age)."""
    people = list(persons)
    return {
        FORM.code: dict(Counter((area, form) for area, form, _ in people)),
        AGE.code: dict(Counter((area, age) for area, _, age in people)),
    }


def some_persons(number: int, seed: int) -> list[Person]:
    dice = random.Random(seed)
    areas = dice.choices(CODES, [n * n for n in range(1, 8)] * 2, k=number)
    forms = dice.choices(FORM.column.codes, [12, 8, 3, 5, 3, 1], k=number)
    ages = dice.choices(AGE.column.codes, [1, 8, 9, 8, 4, 1], k=number)
    return list(zip(areas, forms, ages, strict=True))


@dataclass(frozen=True)
class Found:
    """What was found: numbers by table, row and column; the total of a row has no table."""

    areas: tuple[Area, ...]
    joined: tuple[str, ...]
    values: Mapping[tuple[str, str, str], int]
    shares: Mapping[str, float]
    solving: Solving


def rounded(
    counts: Counts, *, areas: Iterable[Area] = AREAS, secret: bytes = SECRET, release: str = "1"
) -> Found:
    compiled = compile_numbers(TWO, list(areas), counts, secret=secret, period=release)
    values = {}
    for table in TWO.tables:
        for row in rows_of(tree_of(table, compiled.areas)):
            for column in table.column.codes:
                values[table.code, row, column] = compiled.rounded.values[key_of(table, row, column)]
            values["", row, TOTAL] = compiled.rounded.values[key_of(table, row, TOTAL)]
    return Found(compiled.areas, compiled.joined, values, compiled.rounded.shares, compiled.rounded.solving)


groups = st.tuples(
    st.sampled_from(CODES),
    st.sampled_from(FORM.column.codes),
    st.sampled_from(AGE.column.codes),
    st.integers(1, 30),
)
populations = st.lists(groups, max_size=60).map(
    lambda found: counts_of(person for *person, times in found for _ in range(times))  # type: ignore[misc]
)


@settings(deadline=None)
@given(populations)
def test_tables_add_up_and_every_margin_is_within_4_of_the_truth(counts) -> None:
    rounding = rounded(counts)
    values, tree = rounding.values, hierarchy(AREAS)
    below = {area.code: [area.code] for area in AREAS}
    for parent in reversed(tree):
        below[parent] = [leaf for child in tree[parent] for leaf in below[child]]
    for table in TWO.tables:
        for row, leaves in below.items():
            truth = {
                c: sum(counts[table.code].get((leaf, c), 0) for leaf in leaves) for c in table.column.codes
            }
            for category in table.column.codes:
                value = values[table.code, row, category]
                assert value == sum(values[table.code, leaf, category] for leaf in leaves)
                assert value % 5 == 0
                assert abs(value - truth[category]) <= 4 or (
                    row in CODES and (truth[category], value) == (0, 5)
                )
            total = values["", row, TOTAL]
            assert total == sum(values[table.code, row, category] for category in table.column.codes)
            assert abs(total - sum(truth.values())) <= 4
    assert rounding.joined == ()


@settings(deadline=None, max_examples=25)
@given(populations, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(counts, dice) -> None:
    def shuffled(mapping):
        return dict(dice.sample(list(mapping.items()), len(mapping)))

    mixed = shuffled({table: shuffled(cells) for table, cells in counts.items()})
    assert rounded(mixed, areas=dice.sample(AREAS, len(AREAS))) == rounded(counts)


def test_a_release_can_be_found_again_and_by_nobody_without_the_secret() -> None:
    counts = counts_of(some_persons(300, seed=1))
    first = rounded(counts)
    assert rounded(counts) == first
    assert rounded(counts, release="2").values != first.values
    assert rounded(counts, secret=SECRET[::-1]).values != first.values


def test_the_drawn_numbers_stay_the_same_from_version_to_version() -> None:
    values = rounded(counts_of(some_persons(400, seed=2))).values
    assert [values[FORM.code, "VR02", category] for category in FORM.column.codes] == [25, 20, 5, 5, 10, 5]
    assert [values["", code, TOTAL] for code in CODES] == [
        5,
        5,
        15,
        25,
        30,
        45,
        70,
        0,
        10,
        10,
        20,
        40,
        55,
        70,
    ]


def test_rounding_is_fair_within_what_joint_choice_bends() -> None:
    counts = counts_of(some_persons(900, seed=3))
    errors: dict[int, list[int]] = {rest: [] for rest in range(-1, 5)}
    for release in range(60):
        values = rounded(counts, release=str(release)).values
        for table in TWO.tables:
            for area in CODES:
                for category in table.column.codes:
                    truth = counts[table.code].get((area, category), 0)
                    kind = truth % 5 if truth else -1
                    errors[kind].append(values[table.code, area, category] - truth)
    mean = {kind: sum(found) / len(found) for kind, found in errors.items()}
    assert mean[0] == 0
    assert all(abs(error) < 0.6 for error in mean.values())
    assert 0.01 < mean[-1] / 5 < 0.10


def test_achieved_shares_are_those_of_the_inner_cells() -> None:
    counts = counts_of(some_persons(300, seed=4))
    rounding = rounded(counts)
    for name, rest in {"zero": 0, "1": 1, "2": 2, "3": 3, "4": 4}.items():
        ups = [
            rounding.values[table.code, area, category] > counts[table.code].get((area, category), 0)
            for table in TWO.tables
            for area in CODES
            for category in table.column.codes
            if (truth := counts[table.code].get((area, category), 0)) % 5 == rest and (rest or not truth)
        ]
        assert rounding.shares[name] == pytest.approx(sum(ups) / len(ups), abs=0.001)


def test_how_it_was_found_is_told() -> None:
    solving = rounded(counts_of(some_persons(300, seed=5))).solving
    assert solving.solver.startswith("scipy ")
    assert (solving.gap, solving.node_limit) == (0.0, rounding_module.NODE_LIMIT)
    assert solving.nodes <= solving.node_limit


def without(counts: Mapping[str, Mapping[tuple[str, str], int]], table: str) -> Counts:
    return {code: cells for code, cells in counts.items() if code != table}


@pytest.mark.parametrize(
    ("counts", "secret", "told"),
    [
        ({FORM.code: {("GM9999", "SEXUAL"): 4321}}, SECRET, "outside the areas and the menu"),
        ({FORM.code: {(CODES[0], "NOTHING"): 4321}}, SECRET, "outside the areas and the menu"),
        ({"no-table": {(CODES[0], "SEXUAL"): 4321}}, SECRET, "outside the areas and the menu"),
        ({FORM.code: {(CODES[0], "SEXUAL"): -4321}}, SECRET, "negative"),
        ({FORM.code: {(CODES[0], "SEXUAL"): 4321}}, SECRET, "differ in a number that they share"),
        (
            {FORM.code: {(CODES[0], "SEXUAL"): 4321}, AGE.code: {(CODES[0], "G12_15"): 14321}},
            SECRET,
            "differ in a number that they share",
        ),
        ({}, SECRET[1:], "shorter than 32 bytes"),
    ],
)
def test_wrong_input_is_refused_without_telling_a_count(counts: Counts, secret: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        rounded(counts, secret=secret)
    assert "4321" not in str(caught.value)


def test_without_a_rounding_the_smallest_area_joins_and_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    solver, failures = rounding_module.milp, [SimpleNamespace(status=2), SimpleNamespace(status=1)]
    monkeypatch.setattr(
        rounding_module, "milp", lambda *a, **k: failures.pop() if failures else solver(*a, **k)
    )
    sizes = {code: 20 + n for n, code in enumerate(CODES)}
    counts = counts_of((code, "SEXUAL", "G12_15") for code, size in sizes.items() for _ in range(size))
    rounding = rounded(counts)
    assert rounding.joined == tuple(CODES[:3])
    assert {area.code: area.municipalities for area in rounding.areas}["VR25-OTHER"] == tuple(CODES[:3])
    assert abs(rounding.values[FORM.code, "VR25-OTHER", "SEXUAL"] - (20 + 21 + 22)) <= 4


def test_without_any_rounding_nothing_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding_module, "milp", lambda *a, **k: SimpleNamespace(status=1))
    with pytest.raises(NoRoundingFound):
        rounded(counts_of(some_persons(50, seed=6)))


REGIONS = {"VR13": CODES[6:9], "VR25": CODES[:3]}


def shown(rows: dict[str, tuple[int, ...]]) -> dict[str, tuple[Cell, ...]]:
    """The form table as displayed, its areas given as the rounded cells of their first categories."""
    areas = tuple(area for area in AREAS if area.code in rows)
    values = {
        key_of(FORM, code, column): dict(zip(FORM.column.codes, cells, strict=False)).get(column, 0)
        for code, cells in rows.items()
        for column in FORM.column.codes
    }
    tree = hierarchy(areas)
    for parent in reversed(tree):
        for column in FORM.column.codes:
            values[key_of(FORM, parent, column)] = sum(
                values[key_of(FORM, row, column)] for row in tree[parent]
            ) + (values.get(key_of(FORM, parent, column), 0) if not tree[parent] else 0)
    cells = display(TWO, FORM, areas, values)
    return {
        row: tuple(cell for cell in cells if cell.row == row) for row in dict.fromkeys(c.row for c in cells)
    }


def withheld(rows: dict[str, tuple[int, ...]]) -> set[str]:
    return {row for row, cells in shown(rows).items() if any(cell.status == "withheld" for cell in cells)}


A, B, C = REGIONS["VR25"]
X, Y, Z = REGIONS["VR13"]
MIXED = (100, 100, 100)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param((20, 10, 5, 0), [35, 20, 10, "<10", "<10", "<10", "<10"], id="10 and more"),
        pytest.param((5,), ["<10"] * 7, id="a total under 10 hides who prevails"),
        pytest.param((), ["<10"] * 7, id="nobody"),
        pytest.param((5, 5), [10, *["<10"] * 6], id="a total alone"),
        pytest.param((45, 5), [50, *["withheld"] * 6], id="90 %"),
        pytest.param((40, 5), [45, 40, *["<10"] * 5], id="under 90 %"),
        pytest.param((10,), [10, *["withheld"] * 6], id="all"),
    ],
)
def test_what_is_shown_of_a_row(cells: tuple[int, ...], expected: list[int | str]) -> None:
    row = shown({A: cells, B: MIXED})[A]
    assert [cell.column for cell in row] == [TOTAL, *FORM.column.codes]
    assert [cell.value if cell.status == "rounded5" else cell.status for cell in row] == expected
    assert all(cell.value is None for cell in row if cell.status != "rounded5")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param({A: MIXED, B: MIXED}, set(), id="nothing to withhold"),
        pytest.param({A: (5,), B: MIXED, C: MIXED}, set(), id="under 10 there is nothing to keep secret"),
        pytest.param({A: (50,), B: (20, 20), C: MIXED}, {A, B}, id="the smallest neighbour that helps"),
        pytest.param({A: (200,), B: (10, 10), C: MIXED}, {A, B, C}, id="until it helps"),
        pytest.param({A: (10,), B: (0, 5), C: MIXED}, {A}, id="a neighbour under 10 helps for nothing"),
        pytest.param({A: (10,), B: (5,), C: MIXED}, {A, C}, id="but not with persons of the same category"),
        pytest.param({A: (50,), B: (0, 30), C: MIXED}, {A, B}, id="two keep each other's secret"),
        pytest.param(
            {A: (50,), B: (100,), X: MIXED, Y: MIXED, "VR01": (20, 20), "VR02": MIXED},
            {A, B, "VR25", "VR01"},
            id="a region that prevails, and all below it",
        ),
        pytest.param(
            {A: (100,), B: (20, 15), "VR01": (90, 90), "VR02": MIXED},
            {A, B},
            id="the neighbour suffices, the region stays",
        ),
        pytest.param(
            {A: (200,), B: (40, 10, 10), "VR01": (90, 90), "VR02": MIXED},
            {A, B, "VR25", "VR01"},
            id="no neighbour suffices, so the region prevails too",
        ),
        pytest.param({A: (50,), B: (50,)}, {A, B, "VR25", "ALL"}, id="one category only"),
    ],
)
def test_subtraction_does_not_undo_what_is_withheld(
    rows: dict[str, tuple[int, ...]], expected: set[str]
) -> None:
    assert withheld(rows) == expected


def smallest_possible(
    cells: dict[str, tuple[Cell, ...]], rows: dict[str, tuple[int, ...]], row: str, k: int
) -> float:
    """What linear programming leaves of a cell, with all rows known but the withheld and those under 10."""
    tree = hierarchy([area for area in AREAS if area.code in cells])
    open_rows = [
        code for code, found in cells.items() if found[0].value is None or found[1].status == "withheld"
    ]
    width = len(FORM.column.codes)
    place = {(code, n): i * width + n for i, code in enumerate(open_rows) for n in range(width)}
    equal, right = [], []
    for parent, children in tree.items():
        for n in range(width):
            line = [0.0] * len(place)
            known = 0
            for code, sign in [(parent, 1), *((child, -1) for child in children)]:
                if code in open_rows:
                    line[place[code, n]] = sign
                else:
                    known -= sign * rows[code][n]
            equal.append(line)
            right.append(known)
    for code in open_rows:
        equal.append([1.0 if key[0] == code else 0.0 for key in place])
        right.append(sum(rows[code]))
    objective = [1.0 if key == (row, k) else 0.0 for key in place]
    return float(linprog(objective, A_eq=equal, b_eq=right, method="highs").fun)


fives = st.integers(0, 6).map(lambda n: 5 * n)
one_sided = st.tuples(st.integers(0, 60).map(lambda n: 5 * n), st.sampled_from([0, 0, 5]))
table_rows = st.one_of(st.tuples(fives, fives, fives), one_sided, one_sided.map(lambda cells: cells[::-1]))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([A, B, C, X, Y, Z, "VR01", "VR02"]), table_rows, min_size=1))
def test_nobody_proves_by_subtraction_that_one_category_prevails(given_rows) -> None:
    cells = shown(given_rows)
    rows = {code: (*found, *[0] * (6 - len(found))) for code, found in given_rows.items()}
    tree = hierarchy([area for area in AREAS if area.code in rows])
    for parent in reversed(tree):
        rows[parent] = tuple(map(sum, zip(*(rows[child] for child in tree[parent]), strict=True)))
    for code, row in rows.items():
        if sum(row) >= 10 and 10 * max(row) >= 9 * sum(row):
            assert all(cell.status == "withheld" for cell in cells[code][1:])
            least = smallest_possible(cells, rows, code, row.index(max(row)))
            assert 10 * least < 9 * sum(row)


def test_every_row_has_every_category_in_a_stable_order() -> None:
    counts = counts_of(some_persons(300, seed=7))
    compiled = compile_numbers(TWO, AREAS, counts, secret=SECRET, period="1")
    rows = ["ALL", "VR01", "VR02", "VR13", *CODES[6:12], "VR25", *CODES[:6]]
    for table in TWO.tables:
        cells = display(TWO, table, compiled.areas, compiled.rounded.values)
        found = [(cell.row, cell.column) for cell in cells]
        assert found == [(row, category) for row in rows for category in (TOTAL, *table.column.codes)]
