"""The attacks on a released register: none wins, and each wins against a naive variant that has the same truth.

The quick form is part of every test run: 300 signals on both databases, 3,000 on one. `ATTACKS=heavy` has all sizes.
"""

import random
from collections.abc import Mapping
from functools import partial
from uuid import UUID

import pytest

from tests.attacks import (
    attribute,
    differencing,
    insiders,
    membership,
    naive,
    programming,
    rereading,
    side_channels,
    subtraction,
)
from tests.attacks.asking import asking_naive, asking_register, question_of
from tests.attacks.conftest import CASES, HEAVY, SMALL, Case, named
from tests.attacks.programme import EXACT, told_by
from tests.attacks.quality import quality_of
from tests.attacks.reading import Number, Release, cells_of_csv, number_of, read_csv, read_sums
from tests.attacks.scoring import Claims, Note, Outcome, small_numbers, wins
from tests.attacks.truth import POPULATIONS, Truth
from tests.attacks.world import PERIODS

ALL = (*POPULATIONS, "SIGNALS", "ORGANISATIONS")
LATEST = PERIODS[1:]
WANTED = 40 if HEAVY else 5
of_any_size = pytest.mark.parametrize("case", CASES if HEAVY else SMALL, indirect=True, ids=named)
"""What does not depend on how much there is: the quick form tries it on the small registers."""
PROGRAMMES = 4 if HEAVY else 0
JPT, LATER = "Jeugd Preventie Team Utrecht", "2027-08-15"
REPEATED = 40 if HEAVY else 16


def noted(note: Note, case: Case, attack: str, against: str, won: int, tried: int) -> int:
    """How often an attack won, after it was noted for the table."""
    Outcome(attack, against, case.size, case.engine, won, tried).told(note)
    return won


def wanted(case: Case, populations: tuple[str, ...] = POPULATIONS) -> list[Number]:
    """Some small numbers, drawn."""
    small = small_numbers(case.world.truth.numbers, populations, LATEST)
    return random.Random(case.size).sample(small, WANTED)


def merged(releases: list[Release], claims: object) -> Claims:
    """What an attack claims of every population."""
    found: dict[Number, tuple[int, int]] = {}
    for population in ALL:
        found.update(claims(releases, population))  # type: ignore[operator]
    return found


def naively(case: Case, truth: Mapping[Number, int]) -> list[Release]:
    """The newest release with exact numbers, small ones hidden."""
    return [naive.released(case.world.releases[-1], truth, naive.hiding_small)]


@pytest.mark.parametrize("population", ALL)
async def test_what_is_shown_is_near_the_truth(case: Case, population: str, record_property: Note) -> None:
    """All within 4 where they are shown, which begins at 10; a number that tables share is one."""
    truth, releases = case.world.truth.numbers, case.world.releases
    assert told_by(releases, population).allows(truth)
    for release in releases:
        shown: dict[Number, int | None] = {}
        for table in release.tables:
            for cell in table.cells:
                number = number_of(release, table, cell.row, cell.column)
                assert (cell.value is None) == (cell.status != "rounded5")
                assert cell.value is None or (cell.value >= 10 and abs(cell.value - truth[number]) <= 4)
                if cell.status != "withheld":
                    assert shown.setdefault(number, cell.value) == cell.value
    if population in POPULATIONS:
        found = quality_of(releases, population, truth, case.size, case.engine).told(record_property)
        assert found.largest_error <= 5
        assert found.persons > found.cells


async def test_csv_shows_the_same(case: Case) -> None:
    release = case.world.releases[-1]
    for table in release.tables:
        answer = await read_csv(case.world.register, release.id, table.name)
        assert cells_of_csv(answer.text, table.dimensions) == list(table.cells)


async def test_1_differencing_and_2_averaging(case: Case, record_property: Note) -> None:
    truth, releases, targets = case.world.truth, case.world.releases, wanted(case)
    ask = asking_register(case.world.register, releases)
    ours = await differencing.by_difference(ask, targets, releases)
    note = partial(noted, record_property, case)
    assert note("1 differencing", "register", wins(ours, truth.numbers), len(ours)) == 0
    ours = await differencing.by_repetition(ask, ours, REPEATED)
    assert note("2 averaging", "register", wins(ours, truth.numbers), len(ours)) == 0

    for attack, against, shows, off, hidden in (
        ("1 differencing", "hides below 5", naive.hiding_small, 0, (0, 4)),
        ("2 averaging", "noise for each answer", naive.with_noise(), 2, (0, 0)),
        ("2 averaging", "rounded, free filters", naive.rounded, 2, (0, 0)),
    ):
        async with naive.counting(truth.units, releases, shows) as http:
            ask = asking_naive(http, off, hidden)
            theirs = await differencing.by_difference(ask, targets, releases)
            theirs = await differencing.by_repetition(ask, theirs, REPEATED if off else 0)
        assert note(attack, against, wins(theirs, truth.numbers), len(theirs))


async def test_1_longer_spans(case: Case, record_property: Note) -> None:
    """Subtracting a period from a sum of two; where sums are exact, so is the difference."""
    truth, (earlier, newer) = case.world.truth.numbers, case.world.releases[-2:]
    sums = {one.name: await read_sums(case.world.register, one, *LATEST) for one in newer.tables}
    ours = differencing.by_spans(earlier, newer, sums)
    assert noted(record_property, case, "1 longer spans", "register", wins(ours, truth), len(ours)) == 0
    shown = {one.name: {(c.row, c.column): c.value for c in one.cells} for one in newer.tables}
    before = {one.name: {(c.row, c.column): c.value for c in one.cells} for one in earlier.tables}
    for name, cells in sums.items():
        for cell in cells:
            parts = [its.get(name, {}).get((cell.row, cell.column)) for its in (before, shown)]
            assert cell.value == (None if None in parts else sum(parts))

    exact = [naive.released(one, truth, naive.hiding_small) for one in (earlier, newer)]
    theirs = differencing.by_spans(*exact, naive.sums_of(earlier, newer, truth), 0, (0, 4))
    assert noted(
        record_property, case, "1 longer spans", "adds what it hides", wins(theirs, truth), len(theirs)
    )


async def test_3_subtraction_from_totals(case: Case, record_property: Note) -> None:
    truth, releases = case.world.truth.numbers, case.world.releases
    ours = merged(releases, lambda its, code: subtraction.claims(its, code, told_by(its, code).published))
    small = small_numbers(truth, ALL, PERIODS)
    assert (
        noted(record_property, case, "3 subtraction from totals", "register", wins(ours, truth), len(small))
        == 0
    )

    newest = small_numbers(truth, ALL, PERIODS[-1:])
    theirs = merged(naively(case, truth), lambda its, code: subtraction.claims(its, code, newest, EXACT))
    assert noted(
        record_property, case, "3 subtraction from totals", "hides below 5", wins(theirs, truth), len(newest)
    )


async def test_4_attribute_of_somebody_known_to_be_there(case: Case, record_property: Note) -> None:
    truth, releases = case.world.truth.numbers, case.world.releases
    for against, shown, method in (("register", releases, None), ("shows every row", None, EXACT)):
        rows = {code: attribute.one_sided(releases[-1:], truth, code) for code in ALL}
        if shown is None:
            shown = [naive.released(releases[-1], truth, naive.hiding_small)]
        learnt = [attribute.learnt(shown, code, rows[code], *([method] if method else [])) for code in ALL]
        won, tried = (sum(map(len, its)) for its in (learnt, rows.values()))
        noted(record_property, case, "4 attribute", against, won, tried)
        assert (won > 0) == (against != "register")


async def test_5_programmes_over_everything(case: Case, record_property: Note) -> None:
    truth, releases = case.world.truth.numbers, case.world.releases
    small = small_numbers(truth, ALL, PERIODS)
    ours = merged(releases, programming.claims)
    assert noted(record_property, case, "5 programmes", "register", wins(ours, truth), len(small)) == 0

    some = [number for number in wanted(case, ("VICTIMS",)) if number[0] == PERIODS[-1]]
    theirs = programming.claims(naively(case, truth), "VICTIMS", method=EXACT, wanted=some)
    assert noted(record_property, case, "5 programmes", "hides below 5", wins(theirs, truth), len(some))


@pytest.mark.parametrize("periods", [LATEST[:1], LATEST], ids=["once", "every period"])
async def test_6_an_insider_who_posts_and_subtracts(
    case: Case, periods: tuple[str, ...], record_property: Note
) -> None:
    attack = f"6 insider, {'once' if len(periods) == 1 else 'every period'}"
    made_up = Truth(case.world.made_up, case.world.releases)
    own = made_up.counted(unit for unit in made_up.units if unit.period in periods)
    assert known_of_the_rest(case, attack, own, record_property) == 0
    assert await naively_known_of_the_rest(case, attack, own, record_property)


@pytest.mark.parametrize("partner", ["jpt-helmond", "school-utrecht"])
async def test_8_a_partner_who_subtracts_its_own(case: Case, partner: str, record_property: Note) -> None:
    organisation = case.world.register.loaded.credentials[partner].organisation
    truth = case.world.truth
    own = truth.counted(unit for unit in truth.units if unit.organisation == organisation)
    assert known_of_the_rest(case, f"8 partner {partner}", own, record_property) == 0
    assert await naively_known_of_the_rest(case, f"8 partner {partner}", own, record_property)


def known_of_the_rest(case: Case, attack: str, own: Mapping[Number, int], note: Note) -> int:
    """Of how many numbers it is known for sure what others have in them; how many of the rest are known within 4."""
    truth, claims = case.world.truth.numbers, {}
    rest = {number: truth[number] - own[number] for number in own}
    few = [number for number, count in rest.items() if count < 10]
    for population in ALL:
        its = [number for number in few if number[1] == population]
        claims.update(
            insiders.claims_about_the_rest(
                case.world.releases, population, own, its, programmes=PROGRAMMES if case.size < 1000 else 0
            )
        )
    noted(note, case, attack, "register, within 4", wins(claims, rest), len(few))
    known = sum(low == high for low, high in claims.values())
    return noted(note, case, attack, "register", known, len(few))


async def naively_known_of_the_rest(case: Case, attack: str, own: Mapping[Number, int], note: Note) -> int:
    truth = case.world.truth
    numbers = sorted(own, key=repr)
    rest = {n: truth.numbers[n] - own[n] for n in numbers if truth.numbers[n] - own[n] < 10}
    some = dict(random.Random(1).sample(list(rest.items()), min(WANTED, len(rest))))
    claims = {}
    async with naive.counting(truth.units, case.world.releases, naive.hiding_small) as http:
        ask = asking_naive(http, 0, (0, 4))
        for number in some:
            low, high = await ask(question_of(number)) or (0, 0)
            claims[number] = max(0, low - own[number]), high - own[number]
    return noted(note, case, attack, "hides below 5", wins(claims, rest), len(some))


@of_any_size
async def test_9_side_channels_of_hidden_cells(case: Case, record_property: Note) -> None:
    release, truth = case.world.releases[-1], case.world.truth.numbers
    hidden = [
        (table, cell.row, cell.column)
        for table in release.tables
        for cell in table.cells
        if cell.status == "<10" and truth[number_of(release, table, cell.row, cell.column)] > 0
    ]
    some = random.Random(2).sample(hidden, min(100, len(hidden)))
    ours = await side_channels.told_apart(side_channels.asking_cells(case.world, release), some)
    assert noted(record_property, case, "9 looks of hidden cells", "register", ours, len(some)) == 0

    theirs = await side_channels.told_apart(naive.with_a_header(release, truth), some)
    assert noted(record_property, case, "9 looks of hidden cells", "count in a header", theirs, len(some))


@of_any_size
async def test_9_side_channels_around_the_statistics(case: Case, record_property: Note) -> None:
    """Everything around is read, then persons are added, then it is read again."""
    world, release = case.world, case.world.releases[-1]
    before = await side_channels.surroundings(world, release)
    ids = [(await world.post(membership.CURIOUS, LATER, membership.about(["first"])))[0].id]
    await world.post(membership.KNOWING, LATER, membership.about([f"{n}" for n in range(membership.MANY)]))
    ids += [(await world.post(membership.CURIOUS, LATER, membership.about(["last"])))[0].id]
    after = await side_channels.surroundings(world, release)
    changed = [name for name in before if before[name] != after[name]]
    assert noted(record_property, case, "9 texts around", "register", len(changed), len(before)) == 0, changed

    between = side_channels.between(*ids)
    assert noted(record_property, case, "9 ids", "register", int(between is not None), 1) == 0
    assert side_channels.between(*(str(UUID(int=n)) for n in (7, 8 + membership.MANY))) == membership.MANY
    noted(record_property, case, "9 ids", "sequential", 1, 1)


@of_any_size
async def test_10_membership(case: Case, record_property: Note) -> None:
    known, unknown = ([f"{name} {n}" for n in range(membership.MANY)] for name in ("known", "unknown"))
    await case.world.post(membership.KNOWING, LATER, membership.about(known))
    looks = membership.curious_in(case.world)
    mixed = random.Random(3).sample([*known, *unknown], 2 * membership.MANY)
    seen = dict(zip(mixed, await looks(mixed), strict=True))
    for against, its in (
        ("register", seen),
        ("tells matches", {n: (look, n in known) for n, look in seen.items()}),
    ):
        won = membership.told_apart([its[name] for name in known], [its[name] for name in unknown])
        noted(record_property, case, "10 membership", against, won, len(known))
        assert (won > 0) == (against != "register")

    events, order = await membership.heard_and_listed(case.world)
    assert {event["type"] for event in events} <= membership.EVENTS_OF_ITS_OWN
    assert order in (sorted(order), sorted(order, reverse=True))


@of_any_size
async def test_7_rereading_after_changes(case: Case, record_property: Note) -> None:
    world, truth = case.world, case.world.truth
    own = [
        one
        for one in world.posted
        if one.organisation == JPT and "persons" in one.body and one.received_at > "2027"
    ]
    before = await rereading.library(world, world.releases)
    assert all(document.tag in (None, rereading.tag_of(document.body)) for document in before.values())
    await rereading.unsettle(world, own[-12:], "jpt-utrecht", LATER)
    changed = await rereading.differences(world, before)
    assert noted(record_property, case, "7 rereading", "register", len(changed), len(before)) == 0, changed

    gone = {one.id for one in own[-12:]}
    now = Truth([one for one in world.posted if one.id not in gone], world.releases)
    targets = [number for number in truth.numbers if number[1] == "VICTIMS" and number[0] == PERIODS[-1]]
    differ = sum(naive.hiding_small(truth.numbers[n]) != naive.hiding_small(now.numbers[n]) for n in targets)
    assert noted(record_property, case, "7 rereading", "counts live", differ, len(targets))
