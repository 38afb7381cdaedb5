"""Compiling as a job: asked for, seen, done once, or ended with its problem and nothing stored."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from service import clock
from service.signals.models import Signal, SignalPerson
from service.statistics import freezing
from service.statistics.freezing import MOST_BEGINNINGS
from service.statistics.models import Compilation, Release, ReleaseCell
from service.trail import AuditEntry
from tests.pseudonyms.test_sealing_keys import Steps
from tests.support.bodies import person, signal
from tests.support.years import AGE, RELEASES, Years

COMPILATIONS = "/v1/statistics/compilations"
CLOSED = "2026-07-31"


async def asked(years: Years, period: str = "2026-H1", day: str = CLOSED) -> Any:
    years.stand_at(day)
    headers = await years.register.headers("administrator")
    return await years.register.http.post(RELEASES, json={"period": period}, headers=headers)


async def acts(years: Years) -> list[tuple[str, str, str | None]]:
    entries = await years.register.rows(AuditEntry)
    return [(one.act, one.outcome, one.actor) for one in entries if one.act.startswith("release.")]


async def nothing_is_stored(years: Years) -> bool:
    register = years.register
    counted = {row.counted_on for row in await register.rows(SignalPerson)}
    return not await register.rows(Release) and not await register.rows(ReleaseCell) and counted <= {None}


async def test_a_compilation_waits_runs_and_ends_with_its_release(years: Years) -> None:
    await years.post("2026-02-01", 20)
    answer = await asked(years)
    waiting = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"{COMPILATIONS}/{waiting['id']}"
    assert waiting == {
        "id": waiting["id"],
        "period": "2026-H1",
        "status": "WAITING",
        "askedAt": waiting["askedAt"],
        "done": 0,
        "populations": 4,
    }
    assert (await years.get(answer.headers["Location"])).json() == waiting
    assert await nothing_is_stored(years)

    await years.register.run_job("compile-releases")
    done = (await years.get(answer.headers["Location"])).json()
    (release,) = await years.register.rows(Release)
    assert done == waiting | {
        "status": "DONE",
        "done": 4,
        "endedAt": done["endedAt"],
        "release": str(release.id),
    }
    assert (await years.get(COMPILATIONS)).json() == {"items": [done]}
    assert await acts(years) == [
        ("release.ask", "done", "staff.one"),
        ("release.compile", "done", "staff.one"),
    ]
    before = await years.register.rows(ReleaseCell)
    await years.register.run_job("compile-releases")
    assert await years.register.rows(ReleaseCell) == before


async def test_what_runs_is_seen_to_run(years: Years) -> None:
    waiting = await asked(years)
    table: Any = Compilation
    async with years.register.database.writing() as session:
        await session.execute(update(table).values(begun=1, done=2))
    running = (await years.get(waiting.headers["Location"])).json()
    assert (running["status"], running["done"]) == ("RUNNING", 2)


async def test_one_is_compiled_at_a_time(years: Years) -> None:
    assert (await asked(years)).status_code == 202
    for period, day in (("2026-H1", CLOSED), ("2026-H2", "2027-02-01"), ("2025-H2", CLOSED)):
        refused = await asked(years, period, day)
        assert (refused.status_code, refused.json()["type"].split(":")[-1]) == (409, "being-compiled"), period
    assert len(await years.register.rows(Compilation)) == 1


async def test_who_publishes_is_not_who_asked(years: Years) -> None:
    release = (await years.compiled("2026-H1", CLOSED)).json()
    for client, actor, status in (
        ("administrator-deputy", "STAFF.one", 409),
        ("administrator-deputy", "staff.two", 200),
    ):
        headers = await years.register.headers(client) | {"Actor": actor}
        answer = await years.register.http.post(f"{RELEASES}/{release['id']}/publication", headers=headers)
        assert answer.status_code == status, answer.text


async def test_a_release_that_cannot_be_made_safe_is_told_and_leaves_nothing_behind(years: Years) -> None:
    """Numbers of an earlier release that cannot all be true: nothing can be proved beside them."""
    await years.post("2025-03-01", 40)
    assert (await years.compiled("2025-H1", "2025-08-01")).status_code == 200
    before = await years.register.rows(ReleaseCell), await years.register.rows(SignalPerson)
    table: Any = ReleaseCell
    async with years.register.database.writing() as session:
        wrong = (table.row_code == "ALL") & (table.column_code == "TOTAL")
        await session.execute(update(table).where(wrong).values(rounded=500))
    tampered = await years.register.rows(ReleaseCell)

    await years.post("2025-09-01", 40)
    posted = await years.register.rows(SignalPerson)
    failed = await years.compiled("2025-H2", "2026-02-01")
    told = failed.json()
    assert (told["status"], told["problem"], "release" in told) == ("FAILED", "nothing-releasable", False)
    assert await years.register.rows(ReleaseCell) == tampered
    assert await years.register.rows(SignalPerson) == posted
    assert ("release.compile", "nothing-releasable", "staff.one") in await acts(years)

    async with years.register.database.writing() as session:
        for cell in before[0]:
            same = (table.table == cell.table) & (table.position == cell.position)
            await session.execute(update(table).where(same).values(rounded=cell.rounded))
    assert (await years.compiled("2025-H2", "2026-02-01")).status_code == 200


async def test_while_keys_rotate_a_compilation_waits(years: Years, tmp_path: Path) -> None:
    await years.post("2026-02-01", 20)
    waiting = await asked(years)
    steps = Steps(years.register, tmp_path)
    await steps.done("make")
    await steps.done("use", "k2")
    for _ in range(MOST_BEGINNINGS + 2):
        await years.register.run_job("compile-releases")
    assert await nothing_is_stored(years)
    assert "endedAt" not in (await years.get(waiting.headers["Location"])).json()
    await steps.done("rekey")
    await years.register.run_job("compile-releases")
    assert (await years.get(waiting.headers["Location"])).json()["status"] == "DONE"


async def test_keys_that_begin_to_rotate_meanwhile_make_it_wait_too(
    years: Years, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read may have been under two labels: nothing of it is stored."""
    await years.post("2026-02-01", 20)
    waiting = await asked(years)
    computing, steps = freezing.beside, Steps(years.register, tmp_path)

    async def rotated_meanwhile(work: Any) -> Any:
        if not (tmp_path / "keys" / "subject-k2.key").exists():
            await steps.done("make")
            await steps.done("use", "k2")
        return await computing(work)

    monkeypatch.setattr(freezing, "beside", rotated_meanwhile)
    await years.register.run_job("compile-releases")
    assert await nothing_is_stored(years)
    await steps.done("rekey")
    await years.register.run_job("compile-releases")
    assert (await years.get(waiting.headers["Location"])).json()["status"] == "DONE"


@pytest.mark.parametrize("begun", [1, MOST_BEGINNINGS - 1])
async def test_a_compilation_that_was_cut_off_begins_anew(years: Years, begun: int) -> None:
    waiting = await asked(years)
    table: Any = Compilation
    async with years.register.database.writing() as session:
        await session.execute(update(table).values(begun=begun, done=3))
    assert (await years.get(waiting.headers["Location"])).json()["status"] == "RUNNING"
    await years.register.run_job("compile-releases")
    assert (await years.get(waiting.headers["Location"])).json()["status"] == "DONE"


async def test_a_compilation_that_kills_its_process_again_and_again_is_given_up(years: Years) -> None:
    waiting = await asked(years)
    table: Any = Compilation
    async with years.register.database.writing() as session:
        await session.execute(update(table).values(begun=MOST_BEGINNINGS))
    await years.register.run_job("compile-releases")
    told = (await years.get(waiting.headers["Location"])).json()
    assert (told["status"], told["problem"]) == ("FAILED", "given-up")
    assert await nothing_is_stored(years)
    assert (await asked(years)).status_code == 202


async def test_two_processes_that_compile_at_once_make_one_release(years: Years) -> None:
    await years.post("2026-02-01", 20)
    await asked(years)
    await asyncio.gather(*(years.register.run_job("compile-releases") for _ in range(2)))
    assert len(await years.register.rows(Release)) == 1
    (compilation,) = await years.register.rows(Compilation)
    assert (compilation.failure, compilation.begun) == (None, 2)
    assert [act for act in await acts(years) if act[0] == "release.compile"] == [
        ("release.compile", "done", "staff.one")
    ]


async def test_what_who_compiles_has_read_is_not_shown_to_others_before_it_is_published(years: Years) -> None:
    release = (await years.compiled("2026-H1", CLOSED)).json()["id"]
    path = f"{RELEASES}/{release}/tables/{AGE}"
    for where in (path, f"{path}/csv", f"{path}/csv-metadata"):
        assert (await years.get(where)).status_code == 200
        assert (await years.get(where, client="analyst")).status_code == 404


async def test_what_another_process_has_ended_is_not_stored_after_it(
    years: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease was lost while it was computed, and somebody else has given it up meanwhile."""
    waiting = await asked(years)
    computing = freezing.beside

    async def ended_meanwhile(work: Any) -> Any:
        table: Any = Compilation
        async with years.register.database.writing() as session:
            await session.execute(update(table).values(ended_at=clock.now(), failure="given-up"))
        return await computing(work)

    monkeypatch.setattr(freezing, "beside", ended_meanwhile)
    await years.register.run_job("compile-releases")
    told = (await years.get(waiting.headers["Location"])).json()
    assert (told["status"], "release" in told) == ("FAILED", False)
    assert await nothing_is_stored(years)


async def test_who_is_corrected_while_it_is_compiled_is_counted_once(
    years: Years, monkeypatch: pytest.MonkeyPatch
) -> None:
    await years.post("2026-02-01", 12, known_as="her")
    await asked(years)
    signals = await years.register.rows(Signal)
    computing, corrected = freezing.beside, []

    async def corrected_meanwhile(work: Any) -> Any:
        if not corrected:
            for one in signals:
                headers = await years.register.headers("jpt-helmond", if_match='"1"')
                path = f"/v1/signals/{one.id}/corrections"
                body = signal(observedFrom="2026-02-01", persons=[person("her0", gender="X")])
                del body["observedUntil"]
                answer = await years.register.http.post(path, json=body, headers=headers)
                corrected.append(answer.status_code)
        return await computing(work)

    monkeypatch.setattr(freezing, "beside", corrected_meanwhile)
    await years.register.run_job("compile-releases")
    assert set(corrected) == {201}
    assert {row.counted_on for row in await years.register.rows(SignalPerson)} == {date(2026, 6, 30)}


@pytest.mark.parametrize(
    ("first", "second"), [("2026-H1", "2026"), ("2026-H1", "2026-Q2"), ("2026", "2026-H2")]
)
async def test_no_day_is_counted_twice_when_the_register_changes_its_periods(
    years: Years, first: str, second: str
) -> None:
    kinds = {"H": "half-year", "Q": "quarter"}
    answers = []
    for period in (first, second):
        root: Any = years.register.app
        kind = kinds.get(period[5:6], "year")
        state = root.app.state
        changed = state.settings.model_copy(update={"release_period": kind})
        for mounted in (state, *(api.state for api in root._below.values())):
            mounted.settings = changed
        answers.append(await years.compiled(period, "2027-02-01"))
    assert [one.status_code for one in answers] == [200, 409]
    assert answers[1].json()["type"].endswith("out-of-order")


async def test_a_period_that_was_released_meanwhile_is_not_released_again(years: Years) -> None:
    """Two processes that both believe to have the lease: what comes second finds it done."""
    await years.post("2026-02-01", 20)
    await years.compiled("2026-H1", CLOSED)
    table: Any = Compilation
    async with years.register.database.writing() as session:
        await session.execute(update(table).values(ended_at=None, release_id=None))
    before = await years.register.rows(ReleaseCell)
    await years.register.run_job("compile-releases")
    (compilation,) = await years.register.rows(Compilation)
    assert compilation.failure == "release-exists"
    assert await years.register.rows(ReleaseCell) == before


@pytest.mark.parametrize("client", ["analyst", "auditor", "jpt-helmond"])
async def test_only_who_compiles_sees_compilations(years: Years, client: str) -> None:
    path = (await asked(years)).headers["Location"]
    for where in (path, COMPILATIONS):
        assert (await years.get(where, client=client)).status_code == 403
