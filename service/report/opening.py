"""The head of the page and its foot: title, summary, key figures, and what is told of the release itself.

Called by `page`. Says in words what the tables say in numbers, and of a hidden number only that it is small. Never
tells more than the release does.
"""

from collections.abc import Sequence

from service.report import words
from service.report.models import Amount, Tile
from service.report.sections import ORGANISATIONS, TOTALS
from service.report.tables import Reading
from service.statistics.areas import WHOLE
from service.statistics.definitions import DEFINITIONS, MEASURED
from service.statistics.menu import MENU


def title(reading: Reading) -> str:
    """What the page is about, for the window and for search results."""
    return reading.text("page_title", place=_place(reading), period=period(reading))


def period(reading: Reading) -> str:
    """The period of the release in words."""
    return words.period(reading.material.release.period, reading.language)


def summary(reading: Reading) -> str:
    """The key figures in one sentence or two."""
    amounts = {code.lower(): reading.amount(table) for code, table in TOTALS.items()}
    told = {name: words.spoken(amount, reading.language) for name, amount in amounts.items()}
    return reading.text("summary", when=_when(reading), where=_where(reading), **told)


def tiles(reading: Reading) -> Sequence[Tile]:
    """The key figures."""
    persons = [_tile(reading, code.lower(), reading.amount(table)) for code, table in TOTALS.items()]
    return [*persons, _tile(reading, "organisations", reading.amount(ORGANISATIONS))]


def denominator(reading: Reading) -> str:
    """How many organisations reported, or that this is not known."""
    organisations = reading.amount(ORGANISATIONS)
    if not reading.has(ORGANISATIONS):
        return reading.text("organisations_unknown")
    told = words.spoken(organisations, reading.language)
    known = "organisations_known_whole" if reading.material.region == WHOLE else "organisations_known"
    return reading.text(known, when=_when(reading), where=_where(reading), organisations=told)


def definitions(reading: Reading) -> Sequence[tuple[str, str]]:
    """What each population counts, and what the words of the release mean."""
    language = reading.language
    counted = [
        (getattr(population.title, language), getattr(MEASURED[code].numerator, language))
        for code, population in MENU.items()
        if code in dict(reading.material.areas)
    ]
    meant = [
        (reading.text(f"definition_{name}"), getattr(DEFINITIONS[name], language))
        for name in ("period", "area", "method")
    ]
    return [*counted, *meant]


def facts(reading: Reading) -> Sequence[tuple[str, str]]:
    """What is told of the release: its period, days, menu and check."""
    release, language = reading.material.release, reading.language
    days = {"first": words.day(release.first, language), "last": words.day(release.last, language)}
    published = release.published_at and words.day(release.published_at, language)
    return [
        (reading.text("release_period"), f"{period(reading)}: {reading.text('release_days', **days)}"),
        (reading.text("release_compiled"), words.day(release.compiled_at, language)),
        (reading.text("release_published"), published or reading.text("release_not_published")),
        (reading.text("release_menu"), str(release.menu_version)),
        (reading.text("release_certificate"), _certificate(reading)),
    ]


def tables(reading: Reading) -> Sequence[tuple[str, str]]:
    """The tables of the release by title, with the path of the cells of this region."""
    release = reading.material.release
    return [
        (getattr(table.title, reading.language), f"/v1/statistics/releases/{release.id}/tables/{table.code}")
        for population in MENU.values()
        for table in population.tables
        if table.code in release.tables
    ]


def _certificate(reading: Reading) -> str:
    proofs = reading.material.release.proofs
    if not any(numbers for _, _, numbers in proofs):
        return reading.text("certificate_none")
    audited = words.number(sum(numbers for _, _, numbers in proofs), reading.language)
    proved = all(cube.startswith("rounded") for _, cube, _ in proofs)
    return " ".join(
        (
            reading.text("certificate", audited=audited),
            *((reading.text("certificate_cube"),) if proved else ()),
        )
    )


def _tile(reading: Reading, name: str, amount: Amount) -> Tile:
    heading, note = reading.text(f"tile_{name}"), reading.text(f"tile_{name}_note")
    if amount.value is not None:
        number = words.number(amount.value, reading.language)
        return Tile(heading, reading.text("tile_before"), number, note)
    if amount.status == "<10":
        return Tile(heading, reading.text("tile_before_fewer"), "10", note)
    return Tile(heading, "", reading.text("unknown"), reading.text("tile_unknown_note"))


def _place(reading: Reading) -> str:
    return words.place(reading.material.region, reading.language)


def _when(reading: Reading) -> str:
    """`In the first half of 2026`, to begin a sentence with."""
    code = reading.material.release.period
    form = "in_quarter" if "-Q" in code else "in_part" if "-" in code else "in_year"
    return reading.text(form, period=period(reading))


def _where(reading: Reading) -> str:
    if reading.material.region == WHOLE:
        return reading.text("in_whole_register")
    return reading.text("in_place", place=_place(reading))
