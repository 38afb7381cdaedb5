"""Attacks 1 and 2: differences between two answers, and many answers about one number.

For each number that it wants to know, the attack asks for a wider set and for the same set without the number: over
every parameter, over neighbouring areas, over windows of time and spans of several periods. It asks again and again,
and keeps what all answers and differences say together. Sound, for every answer is an interval in which the truth lies.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from service.vocabulary.municipalities import municipalities
from tests.attacks.asking import HIDDEN, ROUNDED_BY, Ask, Interval, Question, question_of
from tests.attacks.reading import TOTAL, WHOLE, Number, Release, Shown, number_of
from tests.attacks.scoring import Claims, both

ANYTHING = (0, 10**6)
NEIGHBOURS = (1, 2, 10**6)
A_WHILE = timedelta(184)
Alternatives = Mapping[str, Sequence[str]]


async def by_difference(ask: Ask, targets: Iterable[Number], releases: Sequence[Release]) -> Claims:
    """What the differences between two answers say about some numbers; nothing is asked twice."""
    found, ask = {}, _remembering(ask)
    for number in targets:
        asked = question_of(number)
        claim = await ask(asked) or ANYTHING
        for wider, without in _pairs(asked, _alternatives(number, releases)):
            claim = both(claim, await _difference(ask, wider, without))
        found[number] = claim
    return found


async def by_repetition(ask: Ask, known: Claims, times: int) -> Claims:
    """What is known already, together with what many answers to one question say."""
    found = dict(known)
    for number in found:
        for _ in range(times):
            found[number] = both(found[number], await ask(question_of(number)) or ANYTHING)
    return found


def by_spans(
    earlier: Release,
    newer: Release,
    sums: Mapping[str, Sequence[Shown]],
    off: int = ROUNDED_BY,
    hidden: Interval = HIDDEN,
) -> Claims:
    """What the sums of two periods, by table, say about a number of the newer one when the earlier is subtracted.

    Sums are of released numbers, so that each is at most twice as far `off` as these.
    """
    known = {one.name: {(c.row, c.column): c.value for c in one.cells} for one in earlier.tables}
    found: dict[Number, Interval] = {}
    for table in newer.tables:
        for cell in sums.get(table.name, ()):
            before = known[table.name].get((cell.row, cell.column))
            low, high = hidden if before is None else (max(0, before - off), before + off)
            if cell.value is not None:
                whole = max(0, cell.value - 2 * off), cell.value + 2 * off
                number = number_of(newer, table, cell.row, cell.column)
                claim = max(0, whole[0] - high), whole[1] - low
                found[number] = both(found.get(number, ANYTHING), claim)
    return found


def _remembering(ask: Ask) -> Ask:
    answers: dict[str, Interval | None] = {}

    async def remembered(question: Question) -> Interval | None:
        if repr(question) not in answers:
            answers[repr(question)] = await ask(question)
        return answers[repr(question)]

    return remembered


def _pairs(asked: Question, alternatives: Alternatives) -> Iterable[tuple[Question, Question]]:
    """A wider question, and the same without what is wanted."""
    for name, codes in asked.codes.items():
        others = [code for code in alternatives[name] if code not in codes]
        for many in NEIGHBOURS:
            some = tuple(others[:many])
            if some:
                yield asked.but(**{name: (*codes, *some)}), asked.but(**{name: some})
        if others:
            yield (
                asked.but(**{name: tuple(alternatives.get(f"above {name}", ()))}),
                asked.but(**{name: tuple(others)}),
            )
    before = asked.since - A_WHILE, asked.since - timedelta(1)
    after = asked.until + timedelta(1), asked.until + A_WHILE
    yield asked.between(before[0], asked.until), asked.between(*before)
    yield asked.between(asked.since, after[1]), asked.between(*after)


async def _difference(ask: Ask, wider: Question, without: Question) -> Interval:
    """What is left of a wider answer; a question about several codes may be asked one by one."""
    whole, rest = await ask(wider), await _together(ask, without)
    if whole is None or rest is None:
        return ANYTHING
    return max(0, whole[0] - rest[1]), whole[1] - rest[0]


async def _together(ask: Ask, question: Question) -> Interval | None:
    answer = await ask(question)
    name, several = max(question.codes.items(), key=lambda one: len(one[1]), default=("", ()))
    if answer is not None or len(several) < 2:
        return answer
    parts = [await ask(question.but(**{name: (code,)})) for code in several]
    known = [part for part in parts if part is not None]
    return (
        (sum(low for low, _ in known), sum(high for _, high in known)) if len(known) == len(parts) else None
    )


def _alternatives(number: Number, releases: Sequence[Release]) -> dict[str, list[str]]:
    """The codes beside those of a number: other categories, other areas of its region, other regions."""
    period, population, codes = number
    release = next(one for one in releases if one.period == period)
    found: dict[str, dict[str, None]] = {}
    for table in release.tables:
        if table.population == population:
            row, column = table.dimensions
            for cell in table.cells:
                found.setdefault(column, {})[cell.column] = None
                if row not in ("area", "region"):
                    found.setdefault(row, {})[cell.row] = None
    siblings = {name: [code for code in its if code not in (TOTAL, WHOLE)] for name, its in found.items()}
    return siblings | _neighbours(dict(codes).get("place"), release.areas.get(population, {}))


def _neighbours(place: str | None, areas: Mapping[str, str]) -> dict[str, list[str]]:
    """The places beside one, and what they are together where that is not everything."""
    regions = list(dict.fromkeys(one.region for one in municipalities().values()))
    if place is None or place in regions:
        return {"place": regions}
    region = next(municipalities()[code].region for code, area in areas.items() if area == place)
    beside = dict.fromkeys(area for code, area in areas.items() if municipalities()[code].region == region)
    return {"place": list(beside), "above place": [region]}
