"""Two journeys over a real server: one signal from reporter to recipient and back, and a half-year's release."""

import csv
import io
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import update

from service.pseudonyms.models import SealedPerson
from service.signals.models import Signal, SignalPerson
from service.synthesis.generate import generate
from service.synthesis.pack import load_pack
from service.vocabulary.lists import group_of
from tests.support.bodies import person, signal, token
from tests.support.register import Register, Templates, calling, server

HALT = "halt-oost-brabant"
SIGNALS = 130
FORM, AGE = "victims-by-municipality-and-form", "victims-by-municipality-and-age"
TABLES = {FORM: "form", AGE: "age"}
LOCAL = ZoneInfo("Europe/Amsterdam")


@dataclass
class Running:
    """A server process whose receipts follow a file, and how to call it."""

    register: Register
    moment: Path
    answers: dict[str, httpx.Response] = field(default_factory=dict)

    def stand_at(self, day: date | str) -> None:
        self.moment.write_text(f"{day}T10:00:00Z")

    async def call(self, method: str, path: str, client: str, actor: str = "staff.one", **more: Any) -> Any:
        headers = await self.register.headers(client)
        headers |= {"Actor": actor} | more.pop("headers", {})
        return await self.register.http.request(method, path, headers=headers, **more)


@pytest.fixture
async def running(
    engine: str, database_url: str, templates: Templates, tmp_path: Path
) -> AsyncIterator[Running]:
    moment = tmp_path / "moment"
    moment.write_text("2026-11-20T10:00:00Z")
    with server(database_url, tmp_path, clock_file=str(moment)) as process:
        async with calling(process.url, database_url, templates.loaded[engine]) as register:
            yield Running(register, moment)


async def test_one_signal_from_its_reporter_to_halt_and_back(running: Running) -> None:
    register = running.register
    body = signal(
        primaryType="SHAME_SEXTING",
        types=["SHAME_SEXTING"],
        persons=[person("victim"), person("suspect", role="SUSPECT", gender="M")],
    )
    posted = await register.post_signal(body)
    assert (posted.status_code, posted.headers["ETag"]) == (201, '"1"')
    receipt = posted.json()
    assert receipt["receivedAt"] == "2026-11-20T10:00:00Z"
    assert receipt["decision"]["rule"] == "shame-sexting-light"
    assert [one["target"] for one in receipt["decision"]["suggestions"]] == ["HALT", "PREVENTION"]
    assert receipt["referral"]["dueOn"] == "2026-11-27"

    (referral,) = (await register.claim(limit=5)).json()["items"]
    assert referral["decision"] == receipt["decision"]
    referral = (await register.step(referral, "acceptance")).json()
    recipient = {"organisation": str(register.loaded.organisations[HALT]), "persons": [1]}
    referral = (await register.step(referral, "forwarding", recipient)).json()
    assert referral["status"] == "FORWARDED"

    (child,) = (await register.claim(client=HALT)).json()["items"]
    assert child["signal"]["persons"] == [{"role": "SUSPECT", "ageBand": "A12_15", "gender": "M"}]
    child = (await register.step(child, "acceptance", client=HALT)).json()
    outcome = {"outcome": "HALT_PROGRAMME"}
    assert (await register.step(child, "closure", outcome, client=HALT)).json()["status"] == "CLOSED"

    path = f"/v1/referrals/{referral['id']}"
    referral = (await running.call("GET", path, "contact-point-helmond")).json()
    assert referral["status"] == "ACCEPTED"
    closed = await register.step(referral, "closure", {"outcome": "TRANSFERRED"})
    assert (closed.status_code, closed.json()["status"]) == (200, "CLOSED")
    assert [step["move"] for step in closed.json()["history"]] == [
        "claim",
        "accept",
        "forward",
        "resume",
        "close",
    ]

    headers = {"Authorization": f"Bearer {await register.token('jpt-helmond')}"}
    read = await register.http.get(posted.headers["Location"], headers=headers)
    assert read.status_code == 200
    assert read.json()["bodyDigest"] == receipt["bodyDigest"]
    assert [one["role"] for one in read.json()["persons"]] == ["VICTIM", "SUSPECT"]
    assert token("victim") not in read.text
    other = {"Authorization": f"Bearer {await register.token('police-oost-brabant')}"}
    assert (await register.http.get(posted.headers["Location"], headers=other)).status_code == 404


async def post_the_half_year(running: Running) -> None:
    """Signals of the past half-year as the demo makes them, and a few of which we know everything."""
    register = running.register
    pack = load_pack()
    for one in generate(pack, SIGNALS, 7, date(2026, 1, 1), date(2026, 6, 30)):
        running.stand_at(one.on)
        answer = await register.post_signal(one.body, client=one.client)
        assert answer.status_code == 201, answer.text
    for number in range(25):
        running.stand_at("2026-04-01")
        somebody = person(f"known {number}", municipality="GM0794")
        await post_about(register, somebody, "jpt-helmond", "JW_REPORT")
        if number < 12:  # known to the police under the other token, through one that has both
            linked = somebody | {"alsoKnownAs": [token(f"known {number}", "n")]}
            await post_about(register, linked, "police-oost-brabant", "WPG_20")
            by_name = somebody | {"pseudonym": token(f"known {number}", "n")}
            await post_about(register, by_name, "school-helmond", "JW_REPORT")
    for number in range(20):
        withdrawn = await post_about(register, person(f"withdrawn {number}"), "jpt-helmond", "JW_REPORT")
        table: Any = Signal
        async with register.database.writing() as session:
            chosen = table.id == uuid.UUID(withdrawn)
            await session.execute(update(table).where(chosen).values(status="WITHDRAWN"))


async def post_about(register: Register, somebody: dict[str, Any], client: str, basis: str) -> str:
    body = signal(persons=[somebody], legalBasis=basis, observedFrom="2026-03-01")
    del body["observedUntil"]
    answer = await register.post_signal(body, client=client)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def truth(register: Register, areas: dict[str, list[str]]) -> dict[str, Counter[tuple[str, str]]]:
    """The exact counts, made here from the rows: persons are entries joined by equal subjects."""
    signals = {row.id: row for row in await register.rows(Signal) if row.status == "ACTIVE"}
    subjects: dict[Any, set[bytes]] = {}
    for row in await register.rows(SealedPerson):
        subjects.setdefault(row.person_id, set()).add(row.subject)
    entries = [
        (signals[row.signal_id], row)
        for row in await register.rows(SignalPerson)
        if row.role in ("VICTIM", "AT_RISK") and row.signal_id in signals
    ]
    entries.sort(key=lambda pair: (pair[0].received_at, pair[0].id, pair[1].position))
    persons: list[tuple[set[bytes], list[Any]]] = []
    for pair in entries:
        known = subjects.get(pair[1].id, set())
        same = [one for one in persons if one[0] & known]
        persons = [one for one in persons if not one[0] & known]
        merged = [place for one in same for place in one[1]] + [pair]
        persons.append((known.union(*(one[0] for one in same)), merged))

    counts: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in TABLES}
    for _, found in persons:
        first, entry = min(found, key=lambda pair: (pair[0].received_at, pair[0].id, pair[1].position))
        assert first.received_at.astimezone(LOCAL) < datetime(2026, 7, 1, tzinfo=LOCAL)
        home = entry.municipality or first.incident_municipality
        home = first.municipality if home == "UNKNOWN" else home
        where = [code for code, members in areas.items() if home in members]
        assert where, home
        categories = {
            FORM: group_of("signal_type", first.primary_type),
            AGE: group_of("age_band", entry.age_band),
        }
        for name, category in categories.items():
            for area in where:
                counts[name].update({(area, str(category)): 1, (area, "TOTAL"): 1})
    return counts


def shown(table: dict[str, Any]) -> dict[tuple[str, str], int]:
    dimension = TABLES[table["table"]]
    return {
        (cell["area"], cell[dimension]): cell["value"] for cell in table["cells"] if cell["value"] is not None
    }


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["type"]).rpartition(":")[2]


async def test_a_half_year_becomes_a_release(running: Running) -> None:
    await post_the_half_year(running)
    running.stand_at("2026-07-31")
    releases = "/v1/statistics/releases"

    def compiling(period: str) -> Any:
        return running.call("POST", releases, "administrator", "staff.one", json={"period": period})

    assert slug(await compiling("2026-H2")) == (409, "period-not-closed")
    compiled = await running.register.released("2026-H1")
    assert compiled.status_code == 200, compiled.text
    release = compiled.json()
    path = f"{releases}/{release['id']}"
    assert slug(await compiling("2026-H1")) == (409, "release-exists")

    for hidden in (path, f"{path}/tables/{FORM}"):
        assert (await running.call("GET", hidden, "analyst")).status_code == 404
    assert (await running.call("GET", releases, "analyst")).json() == {"items": []}
    assert slug(await running.call("POST", f"{path}/publication", "analyst")) == (403, "forbidden")
    for same in ("administrator", "administrator-deputy"):
        refused = await running.call("POST", f"{path}/publication", same, "staff.one")
        assert slug(refused) == (409, "same-person")
    published = await running.call("POST", f"{path}/publication", "administrator-deputy", "staff.two")
    assert (published.status_code, published.json()["status"]) == (200, "PUBLISHED")
    again = await running.call("POST", f"{path}/publication", "administrator-deputy", "staff.two")
    assert slug(again) == (409, "already-published")

    listed = (await running.call("GET", releases, "analyst")).json()["items"]
    assert [one["id"] for one in listed] == [release["id"]]
    tables = await read_tables(running, path)
    await compare_with_the_truth(running.register, release, tables)
    before = {name: answer.content for name, answer in running.answers.items()}

    running.stand_at("2026-08-15")
    for number in range(15):
        await post_about(running.register, person(f"later {number}"), "jpt-helmond", "JW_REPORT")
    await read_tables(running, path)
    assert {name: answer.content for name, answer in running.answers.items()} == before


async def read_tables(running: Running, path: str) -> dict[str, Any]:
    """Both tables as the analyst reads them, in every form that they have."""
    tables = {}
    for name, dimension in TABLES.items():
        where = f"{path}/tables/{name}"
        as_json = await running.call("GET", where, "analyst")
        as_csv = await running.call("GET", where, "analyst", headers={"Accept": "text/csv"})
        assert (as_json.status_code, as_csv.status_code) == (200, 200)
        assert as_csv.headers["Content-Type"].startswith("text/csv")
        assert as_json.headers["ETag"] != as_csv.headers["ETag"]
        for answer, accept in ((as_json, "application/json"), (as_csv, "text/csv")):
            assert answer.headers["Vary"] == "Accept"
            headers = {"Accept": accept, "If-None-Match": answer.headers["ETag"]}
            unchanged = await running.call("GET", where, "analyst", headers=headers)
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            assert unchanged.headers["ETag"] == answer.headers["ETag"]
        stale = await running.call("GET", where, "analyst", headers={"If-None-Match": '"other"'})
        assert (stale.status_code, stale.content) == (200, as_json.content)
        for query in ("gender=F", "municipality=GM0794", "limit=1"):
            assert slug(await running.call("GET", f"{where}?{query}", "analyst")) == (400, "invalid")
        tables[name] = as_json.json()
        assert as_csv.content.count(b"\r\n") == len(tables[name]["cells"]) + 1
        told = [
            (row["area"], row[dimension], row["value"], row["status"])
            for row in csv.DictReader(io.StringIO(as_csv.text, newline=""))
        ]
        assert told == [
            (cell["area"], cell[dimension], str(cell["value"] or ""), cell["status"])
            for cell in tables[name]["cells"]
        ]
        running.answers |= {f"{name} json": as_json, f"{name} csv": as_csv}
    return tables


async def compare_with_the_truth(register: Register, release: Any, tables: dict[str, Any]) -> None:
    areas = {area["code"]: area["municipalities"] for area in release["areas"]}
    assert {"GM0794", "GM0228", "GM0344", "VR22-OTHER"} <= areas.keys()
    for area in release["areas"]:
        region = areas.setdefault(area["region"], [])
        region += [code for code in area["municipalities"] if code not in region]
    areas["ALL"] = sorted({code for members in areas.values() for code in members})
    counts = await truth(register, areas)

    assert counts[FORM]["ALL", "TOTAL"] == counts[AGE]["ALL", "TOTAL"] > 60
    numbers = {name: shown(table) for name, table in tables.items()}
    for name, cells in numbers.items():
        assert len(cells) > 10
        assert ("ALL", "TOTAL") in cells
        for cell, value in cells.items():
            assert value >= 10, cell
            assert value % 5 == 0, cell
            assert abs(value - counts[name][cell]) <= 4, cell
        for cell in tables[name]["cells"]:
            assert (cell["status"] == "rounded5") == (cell["value"] is not None)
    totals = [{cell: v for cell, v in cells.items() if cell[1] == "TOTAL"} for cells in numbers.values()]
    assert totals[0] == totals[1]
    # 12 persons are in three signals each and 20 were withdrawn: the truth is far from the number of entries.
    entries = [row for row in await register.rows(SignalPerson) if row.role in ("VICTIM", "AT_RISK")]
    assert len(entries) - counts[FORM]["ALL", "TOTAL"] >= 2 * 12 + 20
