"""An insider in a region of its own learns of no number for sure that nobody else is in it."""

from pathlib import Path

from tests.attacks import insiders, naive
from tests.attacks.reading import Number
from tests.attacks.scoring import Note, Outcome
from tests.attacks.truth import Truth
from tests.attacks.world import world
from tests.support.register import Templates

PERIOD, BY_FORM = "2026-H2", "victims-by-municipality-and-form"


async def test_6_an_insider_alone_in_a_region(
    templates: Templates, engine: str, tmp_path: Path, record_property: Note
) -> None:
    async with world(templates, engine, tmp_path) as attacked:
        own = await attacked.post(insiders.INSIDER, insiders.DAYS[PERIOD], insiders.alone(PERIOD))
        await attacked.release([PERIOD])
        releases = attacked.releases
    mine = Truth(own, releases).numbers
    few = {number: count for number, count in mine.items() if count}

    def noted(against: str, won: int) -> int:
        Outcome("6 insider, alone", against, len(own), engine, won, len(few)).told(record_property)
        return won

    sure = {one for code in ("VICTIMS", "SIGNALS") for one in insiders.nobody_else(releases, code, few)}
    assert noted("register", len(sure)) == 0
    total: Number = (PERIOD, "VICTIMS", frozenset({("place", "VR19")}))
    assert mine[total] == 45
    theirs = [naive.rounded_by_row(one, BY_FORM, mine) for one in releases]
    assert noted("rounds by row", len(insiders.nobody_else(theirs, "VICTIMS", few)))
