"""Releases over time: which areas a year gets, and who is counted in the next period."""

import asyncio
import uuid
from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, update

from service.demo.loading import LOADER
from service.signals.models import Signal, SignalPerson
from service.statistics import actions, errors
from service.statistics.areas import WHOLE, InvalidAreas, plan_areas, regions_only
from service.statistics.menu import menu_on
from service.statistics.models import AreaPlan, Release, ReleaseCell
from service.statistics.periods import period_of
from service.statistics.tallies import count_period
from service.trail import AuditEntry
from tests.support.bodies import person, signal, token
from tests.support.years import AGE, FORM, Years


async def test_a_first_year_shows_regions_only(years: Years) -> None:
    await years.post("2025-09-01", 12)
    await years.post("2025-09-02", 12, client="police-oost-brabant")
    answer = await years.compiled("2025-H2", "2026-01-31")
    assert answer.status_code == 200, answer.text

    release = answer.json()
    regions = {area.code for area in regions_only(2025)}
    for population in ("VICTIMS", "OFFENDERS", "SIGNALS", "ORGANISATIONS"):
        assert {one["code"] for one in release["areas"] if one["population"] == population} == regions
    assert [one["population"] for one in release["certificate"]] == [
        "VICTIMS",
        "OFFENDERS",
        "SIGNALS",
        "ORGANISATIONS",
    ]
    assert {one["cube"] for one in release["certificate"]} <= {"rounded", "rounded-with-cube"}
    # What share of the exact counts went up would tell which remainders there are.
    assert {name for one in release["certificate"] for name in one} == {
        "population",
        "cube",
        "audited",
        "solver",
    }
    cells = await years.table(release["id"])
    assert 20 <= cells["VR22", "TOTAL"] == cells[WHOLE, "TOTAL"] <= 28
    assert not any(area.startswith("GM") for area, _ in cells)
    plans = [row for row in await years.register.rows(AreaPlan) if row.year == 2025]
    assert {(plan.population, plan.origin, len(plan.areas)) for plan in plans} == {
        ("VICTIMS", "previous-year", 25),
        ("OFFENDERS", "previous-year", 25),
    }


async def test_the_year_before_decides_who_stands_alone(years: Years) -> None:
    await years.post("2026-03-01", 8)
    await years.post("2026-09-01", 4, client="police-oost-brabant")
    await years.post("2026-09-01", 12, municipality="GM0762")
    await years.post("2026-09-01", 5, client="police-oost-brabant", municipality="GM0743")
    await years.post("2027-02-01", 15)
    await years.post("2027-02-01", 2, municipality="GM0762")
    answer = await years.compiled("2027-H1", "2027-08-01")
    assert answer.status_code == 200, answer.text

    here = [a for a in answer.json()["areas"] if a["region"] == "VR22"]
    ours = {a["code"]: a["municipalities"] for a in here if a["population"] == "VICTIMS"}
    assert [a["code"] for a in here if a["population"] == "OFFENDERS"] == ["VR22"]
    assert set(ours) == {"GM0794", "VR22-OTHER"}  # Deurne has ten persons, but of one organisation
    assert ours["GM0794"] == ["GM0794"]
    assert "GM0762" in ours["VR22-OTHER"]
    assert (await years.table(answer.json()["id"]))["GM0794", "TOTAL"] == 15

    # The areas stay for the second half, whatever the first half saw.
    await years.post("2027-09-01", 12, client="police-oost-brabant", municipality="GM0762")
    again = await years.compiled("2027-H2", "2028-01-31")
    assert again.json()["areas"] == answer.json()["areas"]


async def test_who_was_counted_in_the_year_before_is_not_counted_again(years: Years) -> None:
    await years.post("2026-02-01", 20, known_as="old")
    first = await years.compiled("2026-H1", "2026-07-31")
    assert (await years.table(first.json()["id"]))[WHOLE, "TOTAL"] == 20
    assert {row.counted_on for row in await years.register.rows(SignalPerson)} == {date(2026, 6, 30)}

    await years.post("2026-08-01", 20, known_as="old", municipality="GM0762")
    await years.post("2026-08-02", 15)
    second = await years.compiled("2026-H2", "2027-01-31")
    assert (await years.table(second.json()["id"]))[WHOLE, "TOTAL"] == 15

    await years.post("2027-03-01", 10, known_as="old")  # counted within the twelve months before
    await years.post("2027-03-01", 10)
    third = await years.compiled("2027-H1", "2027-08-01")
    assert (await years.table(third.json()["id"]))[WHOLE, "TOTAL"] == 10

    await years.post("2027-08-01", 15, known_as="old")  # more than twelve months after
    fourth = await years.compiled("2027-H2", "2028-01-31")
    assert (await years.table(fourth.json()["id"]))[WHOLE, "TOTAL"] == 15


async def test_only_valid_signals_about_victims_of_the_period_are_counted(years: Years) -> None:
    await years.post("2026-01-01", 10, known_as="kept")
    await years.post("2026-06-30", 10)
    await years.post("2025-12-31", 10)
    await years.post("2026-07-01", 10)
    await years.post("2026-03-01", 10, role="SUSPECT")
    await years.post("2026-03-01", 10, role="AT_RISK")
    await years.post("2026-03-02", 10, known_as="withdrawn")
    table: Any = Signal
    withdrawn = [row.id for row in await years.register.rows(Signal)][-10:]
    async with years.register.database.writing() as session:
        await session.execute(update(table).where(table.id.in_(withdrawn)).values(status="WITHDRAWN"))
    release = (await years.compiled("2026-H1", "2026-08-01")).json()
    assert (await years.table(release["id"]))[WHOLE, "TOTAL"] == 30


async def test_midnight_in_the_netherlands_divides_the_periods(years: Years) -> None:
    await years.post("2026-05-01", 10)
    years.moment.write_text("2026-06-30T21:59:59Z")
    for moment, count in (("2026-06-30T21:59:59Z", 10), ("2026-06-30T22:00:00Z", 20)):
        years.moment.write_text(moment)
        for _ in range(count):
            body = signal(observedFrom="2026-06-01", persons=[person(str(uuid.uuid4()))])
            del body["observedUntil"]
            assert (await years.register.post_signal(body)).status_code == 201
    release = (await years.compiled("2026-H1", "2026-08-01")).json()
    assert (await years.table(release["id"]))[WHOLE, "TOTAL"] == 20


async def test_a_person_is_counted_where_it_lives_else_where_it_happened(years: Years) -> None:
    await years.post("2026-02-01", 10, municipality="GM0228")
    for municipality in ("UNKNOWN", None):
        years.stand_at("2026-02-01")
        for _ in range(10):
            somebody = person(str(uuid.uuid4()), municipality=municipality)
            if municipality is None:
                del somebody["municipality"]
            body = signal(observedFrom="2026-02-01", persons=[somebody])
            del body["observedUntil"]
            assert (await years.register.post_signal(body)).status_code == 201
    release = (await years.compiled("2026-H1", "2026-08-01")).json()
    cells = await years.table(release["id"])
    assert (cells["GM0228", "TOTAL"], cells["GM0794", "TOTAL"]) == (10, 20)


PERIODS = {
    "not ended": ("2026-H2", "2026-12-31", 409, "period-not-closed"),
    "ended, not closed": ("2026-H1", "2026-07-30", 409, "period-not-closed"),
    "not begun": ("2027-H1", "2026-07-31", 409, "period-not-closed"),
    "of another kind": ("2026-Q1", "2026-07-31", 400, "invalid"),
    "no period": ("2026-H3", "2026-07-31", 400, "invalid"),
    "the last of all": ("9999-H2", "2026-07-31", 400, "invalid"),
    "the first of all": ("0001-H1", "2026-07-31", 400, "invalid"),
    "year zero": ("0000-H1", "2026-07-31", 400, "invalid"),
}


async def test_only_a_closed_period_is_compiled_and_once(years: Years) -> None:
    for name, (period, day, status, slug) in PERIODS.items():
        answer = await years.compiled(period, day)
        told = (answer.status_code, answer.json()["type"].rpartition(":")[2])
        assert told == (status, slug), name
    assert await years.register.rows(Release) == []
    assert (await years.compiled("2026-H1", "2026-07-31")).status_code == 200
    again = await years.compiled("2026-H1", "2026-07-31")
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "release-exists")
    assert len(await years.register.rows(Release)) == 1
    acts = [entry.act for entry in await years.register.rows(AuditEntry)]
    assert acts.count("release.compile") == 1


async def test_an_empty_period_shows_nothing(years: Years) -> None:
    release = (await years.compiled("2026-H1", "2026-07-31")).json()
    for name in (FORM, AGE):
        assert set((await years.table(release["id"], name)).values()) == {None}
    assert {row.status for row in await years.register.rows(ReleaseCell)} == {"<10"}


async def test_areas_are_set_before_their_year_begins_and_once(years: Years) -> None:
    async def set_areas(year: int, day: str, areas: Any = None) -> None:
        years.stand_at(day)
        async with years.register.database.writing() as session:
            await actions.set_areas(session, LOADER, year=year, areas=areas or regions_only(year))

    for year, day in ((2027, "2027-01-01"), (2027, "2028-05-01"), (2026, "2025-12-31")):
        with pytest.raises(errors.AreasFixed):
            await set_areas(year, day)
    with pytest.raises(InvalidAreas):
        await set_areas(2027, "2026-12-31", plan_areas([], 2027)[1:])
    assert {row.year for row in await years.register.rows(AreaPlan)} == {2026}

    await set_areas(2027, "2026-12-31")
    with pytest.raises(errors.AreasFixed):
        await set_areas(2027, "2026-12-31")
    plans = {row.year: row.origin for row in await years.register.rows(AreaPlan)}
    assert plans == {2026: "administrator", 2027: "administrator"}

    plan: Any = AreaPlan
    async with years.register.database.writing() as session:
        await session.execute(delete(plan).where(plan.year == 2026))
    with pytest.raises(errors.AreasFixed):
        await set_areas(2026, "2026-01-01")


async def test_a_released_cell_is_chosen_by_its_dimensions_and_nothing_else(years: Years) -> None:
    await years.post("2026-02-01", 20)
    release = (await years.compiled("2026-H1", "2026-07-31")).json()["id"]
    whole = await years.table(release)
    assert await years.table(release, area="GM0794") == {
        key: value for key, value in whole.items() if key[0] == "GM0794"
    }
    assert await years.table(release, area="GM0794", age="G12_15") == {("GM0794", "G12_15"): 10}

    headers = await years.register.headers("administrator")
    for name, query, pointers in (
        (AGE, "form=SEXUAL", ["query:form"]),
        (FORM, "age=G12_15", ["query:age"]),
        (AGE, "area=GM0001", ["query:area"]),
        (AGE, "age=A12_15", ["query:age"]),
        (AGE, "gender=F", ["query:gender"]),
        (AGE, "from=2026-01-01&area=GM0794", ["query:from"]),
    ):
        path = f"/v1/statistics/releases/{release}/tables/{name}?{query}"
        answer = await years.register.http.get(path, headers=headers)
        assert answer.status_code == 400, query
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    path = f"/v1/statistics/releases/{release}/tables/victims-by-street"
    assert (await years.register.http.get(path, headers=headers)).status_code == 404


async def test_periods_are_counted_in_order(years: Years) -> None:
    later = await years.compiled("2025-H1", "2026-02-01")
    earlier = await years.compiled("2024-H2", "2026-02-01")

    assert later.status_code == 200, later.text
    assert (earlier.status_code, earlier.json()["type"].split(":")[-1]) == (409, "out-of-order")
    assert [row.period for row in await years.register.rows(Release)] == ["2025-H1"]


async def test_a_token_that_came_later_does_not_make_a_new_person(years: Years) -> None:
    both, later = token("her"), token("her", "n")
    await years.post("2025-03-01", 1, pseudonym=both)
    assert (await years.compiled("2025-H1", "2025-08-01")).status_code == 200
    await years.post("2025-09-01", 1, pseudonym=both, alsoKnownAs=[later])
    await years.post("2026-03-01", 1, pseudonym=later)
    assert (await years.compiled("2025-H2", "2026-02-01")).status_code == 200
    years.stand_at("2026-08-01")
    async with years.register.database.reading() as session:
        period = period_of("2026-H1", "half-year")
        # counted on 30 June 2025: twelve months before 2026 began are not over
        counted = await count_period(session, period, menu_on(period.first))
        assert (counted.marks, counted.counts["VICTIMS"]["victims-by-municipality-and-form"]) == ([], {})


async def test_a_table_that_is_not_on_the_menu_does_not_exist(years: Years) -> None:
    release = (await years.compiled("2025-H1", "2026-02-01")).json()["id"]
    headers = await years.register.headers("administrator")
    for name in ("nothing", "%00"):
        answer = await years.register.http.get(
            f"/v1/statistics/releases/{release}/tables/{name}", headers=headers
        )
        assert answer.status_code == 404


async def test_two_periods_compiled_at_once_never_both_count_a_person(years: Years) -> None:
    await years.post("2025-03-01", 20, known_as="her")
    await years.post("2025-09-01", 20, known_as="her")
    answers = await asyncio.gather(
        years.compiled("2025-H1", "2026-02-01"), years.compiled("2025-H2", "2026-02-01")
    )

    made = [answer.json()["id"] for answer in answers if answer.status_code == 200]
    shown = [(await years.table(release))[WHOLE, "TOTAL"] for release in made]
    assert [total for total in shown if total is not None] == [20]
